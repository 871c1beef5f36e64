"""The model of an index."""

from pathlib import Path
from typing import TYPE_CHECKING

from omninegclip.index.store import header_of
from omninegclip.progress import console

if TYPE_CHECKING:
    from omninegclip.clip.encoder import ClipEncoder

DEMONSTRATION = "scenes-small"  # ships, and knows drawn scenes alone


def name_for(db: str, model: str | None) -> str:
    """Return the name of the model to index with: the one named, or the index's, or the demonstration's."""
    if model is not None:
        return str(Path(model).resolve()) if Path(model).exists() else model
    if header := header_of(db):
        return header.model
    console.print(
        f"No --model is named: {DEMONSTRATION} is used, which knows drawn scenes and no photos. For photos "
        "name one, as --model openai/clip-vit-base-patch32.",
        soft_wrap=True,
    )
    return DEMONSTRATION


def load_for(name: str, device: str) -> "ClipEncoder":
    """Load a model for a device; raises OmniNegClipError when there is no such model or device."""
    from omninegclip.clip.device import choose_device
    from omninegclip.clip.io.load import load_clip

    place = choose_device(device)
    encoder = load_clip(name)
    encoder.model.to(place)
    return encoder
