"""The verbs about models: convert, verify, blend."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from omninegclip.clip.blend import architecture
from omninegclip.clip.blend import blend as blend_models
from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip, locate
from omninegclip.clip.io.metadata import read_metadata
from omninegclip.clip.io.save import save_clip
from omninegclip.clip.io.untrusted import CARD_LIMIT, read_own
from omninegclip.clip.verify import Change, Check, changes, check_against, check_facts
from omninegclip.errors import OmniNegClipError
from omninegclip.files import refuse_occupied
from omninegclip.printable import say
from omninegclip.progress import show

# name, source, how it was made, facts, the library that reads it
MakeCard = Callable[[str, str, str, Mapping[str, str], str], str]


def convert(
    source: str,
    destination: Path,
    *,
    to: str,
    activation: str | None = None,
    tokenizer: Path | None = None,
    make_card: MakeCard,
    as_json: bool = False,
) -> None:
    """Write the model `source` to the folder `destination` in the layout `to`, and print the parity met.

    A card that the source has is kept, for its figures are still true; otherwise `make_card` writes one.
    """
    refuse_occupied(destination)
    written = _card_of(source)
    encoder = load_clip(source, activation=activation, tokenizer=tokenizer)
    metadata = {"layout": to, "activation": encoder.activation}
    card = written or make_card(
        destination.name, source, "was converted from", metadata, encoder.family.library
    )
    cosine = save_clip(destination, encoder, base=source, layout=to, card=card)
    _report(
        {
            "destination": str(destination),
            "layout": to,
            "lowest_cosine": cosine,
            "activation": encoder.activation,
        },
        as_json,
    )


def blend(
    start: str, end: str, destination: Path, *, alpha: float, make_card: MakeCard, as_json: bool = False
) -> None:
    """Write (1 - alpha) * start + alpha * end to the folder `destination`."""
    blended = blend_models(load_clip(start), load_clip(end), alpha)
    metadata = {"blended with": end, "alpha": f"{alpha:g}", "activation": blended.activation}
    made = f"is a blend (WiSE-FT) with {end} of"
    card = make_card(destination.name, start, made, metadata, blended.family.library)
    save_clip(destination, blended, base=start, extra={"blended_with": end, "alpha": alpha}, card=card)
    _report({"destination": str(destination), "fingerprint": blended.fingerprint}, as_json)


def verify(
    model: str,
    *,
    against: str | None = None,
    activation: str | None = None,
    tokenizer: Path | None = None,
    as_json: bool = False,
) -> None:
    """Print what a model is, each check, and its change from the base layer by layer.

    Raises:
        OmniNegClipError: a check failed, after all was printed.
    """
    path = locate(model)
    encoder = load_clip(path, activation=activation, tokenizer=tokenizer, checked=False)
    metadata = read_metadata(path if path.is_dir() else path.parent)
    checks, layers = check_facts(encoder, metadata), list[Change]()
    if against is not None:
        base = load_clip(against, activation=activation, tokenizer=tokenizer)
        checks += check_against(encoder, base)
        layers = changes(encoder, base) if architecture(encoder) == architecture(base) else []
    summary = _summary(model, encoder, metadata)
    if as_json:
        parts = {
            "checks": [asdict(check) for check in checks],
            "changes": [asdict(layer) for layer in layers],
        }
        _report(summary | parts, as_json)
    else:
        _report(summary, as_json)
        _print_tables(checks, layers)
    failed = [f"{check.name} ({check.seen})" for check in checks if not check.passed]
    if failed:
        raise OmniNegClipError(f"{model} is not what it should be: {'; '.join(failed)}.")


def _card_of(source: str) -> str | None:
    path = locate(source) / "README.md"
    return read_own(path, CARD_LIMIT) if path.exists() else None


def _summary(model: str, encoder: ClipEncoder, metadata: dict[str, Any]) -> dict[str, Any]:
    text = encoder.family.text_config
    return {
        "model": model,
        "base": metadata.get("base"),
        "activation": encoder.activation,
        "parameters": sum(weight.numel() for weight in encoder.model.parameters()),
        "dim": encoder.dim,
        "text": f"{text.num_hidden_layers} blocks of width {text.hidden_size}, "
        f"{encoder.context_length} tokens",
        "image": encoder.family.image_summary(encoder.transform.size),
        "logit_scale": encoder.logit_scale,
        "fingerprint": encoder.fingerprint,
    }


def _report(metadata: dict[str, Any], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(metadata, indent=2) + "\n")
    else:
        say("\n".join(f"{name:14} {value}" for name, value in metadata.items()))


def _print_tables(checks: list[Check], layers: list[Change]) -> None:
    if checks:
        table = Table("check", "", "seen")
        for check in checks:
            table.add_row(check.name, "ok" if check.passed else "WRONG", check.seen)
        show(table)
    if layers:
        table = Table("part", "parameters", "relative change", "largest change")
        for layer in layers:
            table.add_row(
                layer.part, f"{layer.parameters:,}", f"{layer.relative:.2e}", f"{layer.largest:.2e}"
            )
        show(table)
