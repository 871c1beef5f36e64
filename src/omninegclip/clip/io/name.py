"""The name of a model, together with what its weights don't say of themselves."""

from collections.abc import Sequence
from pathlib import Path


class ModelName(str):
    """A name that any place may load, show or send to another process, as the text that it is.

    Attributes:
        activation: "quick_gelu" or "gelu", for weights that don't say it.
        tokenizer: a folder that has the tokenizer, for weights that come without one.
    """

    activation: str | None
    tokenizer: Path | None


def with_options(names: Sequence[str], activation: str | None, tokenizer: Path | None) -> list[str]:
    """Return the names with the two options, which reach bare weights alone where there are any among them.

    A model with a configuration says its own; asked alone, it refuses what contradicts that.
    """
    from omninegclip.clip.io.load import is_bare

    if activation is None and tokenizer is None:
        return list(names)
    bare = [name for name in names if is_bare(name)] or list(names)
    return [_named(name, activation, tokenizer) if name in bare else name for name in names]


def _named(name: str, activation: str | None, tokenizer: Path | None) -> ModelName:
    named = ModelName(name)
    named.activation, named.tokenizer = activation, tokenizer
    return named
