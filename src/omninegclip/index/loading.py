"""The model of an index."""

from pathlib import Path
from typing import TYPE_CHECKING

from omninegclip.index.store import Header, header_of
from omninegclip.progress import console

if TYPE_CHECKING:
    from omninegclip.clip.encoder import ClipEncoder

DEMONSTRATION = "scenes-small"  # ships, and knows drawn scenes alone


def name_for(db: str | None, model: str | None, activation: str | None, tokenizer: Path | None) -> str:
    """Return the name of the model to index with: the one named, or the index's, or the demonstration's.

    `db` is None where there is no index.
    """
    from omninegclip.clip.io.name import with_options

    # the index keeps them, and may be used from another folder
    tokenizer = tokenizer.resolve() if tokenizer else None
    model = str(Path(model).resolve()) if model is not None and Path(model).exists() else model
    if db is not None and (header := header_of(db)):
        return name_of(header, model, activation, tokenizer)
    if model is None:
        console.print(
            f"No --model is named: {DEMONSTRATION} is used, which knows drawn scenes and no photos. For "
            "photos name one, as --model openai/clip-vit-base-patch32.",
            soft_wrap=True,
        )
    return with_options([model or DEMONSTRATION], activation, tokenizer)[0]


def name_of(header: Header, model: str | None, activation: str | None, tokenizer: str | Path | None) -> str:
    """Return the name to load the model of an index by; what is None is as the index has it.

    The activation and the tokenizer that the index has don't reach another model with a configuration, which
    says its own.
    """
    from omninegclip.clip.io.load import is_bare
    from omninegclip.clip.io.name import with_options

    if model is None or is_bare(model):
        activation, tokenizer = activation or header.activation, tokenizer or header.tokenizer
    return with_options([model or header.model], activation, Path(tokenizer) if tokenizer else None)[0]


def load_for(name: str, device: str) -> "ClipEncoder":
    """Load a model for a device; raises OmniNegClipError when there is no such model or device."""
    from omninegclip.clip.device import choose_device
    from omninegclip.clip.io.load import load_clip

    place = choose_device(device)
    encoder = load_clip(name)
    encoder.model.to(place)
    return encoder
