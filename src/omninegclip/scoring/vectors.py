"""Negation without training: a query vector made from what is affirmed and what is denied."""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from omninegclip.embeddings import Embeddings, EmbedText


def subtract(affirmed: Embeddings, denied: Embeddings, weight: float = 1.0) -> Embeddings:
    """Take the denied concept out of the affirmed one, and normalise again.

        q = (a - w n) / |a - w n|

    Args:
        affirmed: a, [n, d], L2-normalised text embeddings of "A".
        denied: n, [n, d], L2-normalised text embeddings of "N".
        weight: w.

    Raises:
        ValueError: the shapes differ, or a difference is zero.

    `objectives.composed_target` is the same formula in torch, for training.
    """
    _check(affirmed, denied)
    return normalised(affirmed - weight * denied)


def subspace_direction(affirmed: Embeddings, denied: Embeddings, angle: float) -> Embeddings:
    """Return what is nearest to "A" outside the cap of "N".

        q = cos(angle) n + sin(angle) (a - <a, n> n) / |a - <a, n> n|

    The point on the great circle from n through a at the given angle from n: the nearest to a on the edge of
    the cap, which contains everything that shows N.

    Args:
        affirmed: a, [n, d], L2-normalised text embeddings of "A".
        denied: n, [n, d], L2-normalised text embeddings of "N".
        angle: of the cap around n, in radians, above 0 and at most pi.

    Raises:
        ValueError: the shapes differ, the angle is out of range, or a is n or its opposite.

    Source: the caps are those of SpaceVLM, arXiv 2511.12331. Its published code takes the middle of what is
    within a cap around a and outside the one around n, at angle + acos(<a, n>) / 2 from n, which is another
    vector.
    """
    _check(affirmed, denied)
    if not 0 < angle <= math.pi:
        raise ValueError(f"angle must be above 0 and at most pi, not {angle}")
    along = (affirmed * denied).sum(axis=1, keepdims=True)
    across = normalised(affirmed - along * denied)
    return np.asarray(math.cos(angle) * denied + math.sin(angle) * across, dtype=np.float32)


# Name -> how what is affirmed and what is denied become one query; the angle is that of a cosine of 0.5.
METHODS: dict[str, Callable[[Embeddings, Embeddings], Embeddings]] = {
    "subtraction": partial(subtract, weight=0.5),
    "subspace": partial(subspace_direction, angle=math.acos(0.5)),
}


def without_training(
    embed_text: EmbedText,
    split: Callable[[str], tuple[str, str] | None],
    combine: Callable[[Embeddings, Embeddings], Embeddings],
) -> EmbedText:
    """Return an `embed_text` that combines the two parts of every text that denies something.

    `split` returns what a text affirms and what it denies, or None for a text to embed as it is.
    """

    def embed(texts: Sequence[str]) -> Embeddings:
        found = [split(text) for text in texts]
        embedded = embed_text(
            [text if parts is None else parts[0] for text, parts in zip(texts, found, strict=True)]
        )
        rows = [row for row, parts in enumerate(found) if parts is not None]
        if rows:
            denied = embed_text([parts[1] for parts in found if parts is not None])
            embedded[rows] = combine(embedded[rows], denied)
        return embedded

    return embed


def _check(affirmed: Embeddings, denied: Embeddings) -> None:
    if affirmed.ndim != 2 or affirmed.shape != denied.shape:
        raise ValueError(f"affirmed and denied must both be [n, d], not {affirmed.shape} and {denied.shape}")


def normalised(vectors: Embeddings) -> Embeddings:
    """Return the vectors [n, d] with length 1. Raises ValueError if one is zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (lengths > 1e-6).all():
        raise ValueError("what is affirmed and what is denied are the same direction: nothing is left")
    return np.asarray(vectors / lengths, dtype=np.float32)
