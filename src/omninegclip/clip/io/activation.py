"""Which activation a model's MLP blocks have: never guessed, since only the scores show a wrong one."""

from collections.abc import Mapping
from pathlib import Path

from omninegclip.clip.io.metadata import read_metadata
from omninegclip.errors import OmniNegClipError

ACTIVATIONS = ("quick_gelu", "gelu")


def decide_activation(name: str, sources: Mapping[str, str | None]) -> str:
    """Return the activation that all sources which state one agree on.

    Args:
        name: what an error calls the model.
        sources: who says it ("config.json", "--activation", ...) and what; None for who says nothing.

    Raises:
        OmniNegClipError: no source states one, two disagree, or it is none of `ACTIVATIONS`.
    """
    said = {source: activation for source, activation in sources.items() if activation is not None}
    if not said:
        raise OmniNegClipError(
            f"{name} does not say its activation: give --activation quick_gelu for OpenAI's weights and "
            "what was fine-tuned from them, or --activation gelu for most that were trained with open_clip."
        )
    if len(set(said.values())) > 1:
        voices = ", ".join(f"{source} says {activation}" for source, activation in said.items())
        raise OmniNegClipError(
            f"The activation of {name} is contradictory ({voices}): keep the one that it was trained with, "
            "since any other spoils its scores."
        )
    activation = next(iter(said.values()))
    if activation not in ACTIVATIONS:
        raise OmniNegClipError(
            f"{name} has the activation {activation!r}: CLIPs have {' or '.join(ACTIVATIONS)}."
        )
    return activation


def stated(folder: Path, asked: str | None) -> dict[str, str | None]:
    """Return what `omninegclip.json` in a folder and the user say of the activation."""
    return {"omninegclip.json": read_metadata(folder).get("activation"), "--activation": asked}
