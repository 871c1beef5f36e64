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


def subspace_direction(affirmed: Embeddings, denied: Embeddings, threshold: float) -> Embeddings:
    """Return the middle of what is within a cap around "A" and outside the one around "N".

        q = cos(angle) n + sin(angle) (a - <a, n> n) / |a - <a, n> n|,  angle = acos(c) + acos(<a, n>) / 2

    Both caps hold what has a cosine of c or more with their middle. On the great circle from n through a, N's
    cap ends at acos(c) from n, A's at acos(<a, n>) + acos(c); q lies half-way between, if the caps overlap.

    Args:
        affirmed: a, [n, d], L2-normalised text embeddings of "A".
        denied: n, [n, d], L2-normalised text embeddings of "N".
        threshold: c, from -1 to below 1.

    Raises:
        ValueError: the shapes differ, the threshold is out of range, or a is n or its opposite.

    Source: SpaceVLM, arXiv 2511.12331.
    """
    _check(affirmed, denied)
    if not -1 <= threshold < 1:
        raise ValueError(f"threshold must be from -1 to below 1, not {threshold}")
    along = (affirmed * denied).sum(axis=1, keepdims=True)
    across = normalised(affirmed - along * denied)
    angle = math.acos(threshold) + np.arccos(np.clip(along, -1, 1)) / 2
    return np.asarray(np.cos(angle) * denied + np.sin(angle) * across, dtype=np.float32)


THRESHOLD = 0.5  # c of the caps, chosen in docs/scoring.md
# Name -> how what is affirmed and what is denied become one query.
METHODS: dict[str, Callable[[Embeddings, Embeddings], Embeddings]] = {
    "subtraction": partial(subtract, weight=0.5),
    "subspace": partial(subspace_direction, threshold=THRESHOLD),
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
