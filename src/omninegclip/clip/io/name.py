"""The name of a model, together with what its weights don't say of themselves."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imports torch
    from omninegclip.clip.device import ComputePlace


class ModelName(str):
    """A name that any place may load, show or send to another process, as the text that it is.

    Attributes:
        activation: "quick_gelu" or "gelu", for weights that don't say it.
        tokenizer: a folder that has the tokenizer, for weights that come without one.
        place: where the model computes, and in which number format; None for the CPU and fp32.
    """

    activation: str | None
    tokenizer: Path | None
    place: "ComputePlace | None"


def with_options(
    names: Sequence[str],
    activation: str | None = None,
    tokenizer: Path | None = None,
    place: "ComputePlace | None" = None,
) -> list[str]:
    """Return the names with the options, of which the first two reach bare weights alone where there are any.

    A model with a configuration says its own; asked alone, it refuses what contradicts that.
    """
    from omninegclip.clip.io.load import is_bare

    asked = activation is not None or tokenizer is not None
    bare = [name for name in names if is_bare(name)] if asked else []
    named = []
    for name in map(ModelName, names):
        reached = not bare or name in bare
        name.activation, name.tokenizer = (activation, tokenizer) if reached else (None, None)
        name.place = place
        named.append(name)
    return list[str](named)
