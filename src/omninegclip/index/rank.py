"""The best images of an engine by any score: candidates by its linear part, then more, then all."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from omninegclip.embeddings import Embeddings
from omninegclip.index.engine import Candidates, Searched
from omninegclip.index.score import Numbers, QuestionScore
from omninegclip.index.where import Condition

FIRST = 200  # candidates
MORE = 8  # times as many, when the gate leaves too few
MOST = 12_800  # before all are scored
_SPARE = 64  # images beyond those asked for: near ties in float32 are decided in float64


class Ranked(NamedTuple):
    """The best images, best first: their keys, vectors [n, d] and scores [n]."""

    keys: list[object]
    vectors: Embeddings
    scores: Numbers


def rank(engine: Searched, score: QuestionScore, top: int, where: Condition | None = None) -> Ranked:
    """Return the `top` best images that fulfil a condition; excluded ones are not among them."""
    total = engine.count(where)
    count = max(FIRST, 4 * top)
    direction = score.direction
    length = np.linalg.norm(direction)
    while score.is_sorted and length > 0 and total:
        found = engine.nearest((direction / length).astype(np.float32), min(count, total), where)
        if len(found.keys) < min(count, total):  # an approximate index found no more
            break
        scores, bounds = score.parts(found.vectors.astype(np.float64))
        best = _best(found, scores, top)
        enough = len(best.keys) == top and best.scores[-1] >= bounds.min()
        if len(found.keys) >= total or enough:
            return best
        if count >= MOST:
            break
        count *= MORE
    return scan(engine.scan(where), score, top)


def scan(batches: Iterable[Candidates], score: QuestionScore, top: int) -> Ranked:
    """Return the best of all images, whatever their order."""
    kept: list[object] = []
    vectors: Embeddings | None = None
    for batch in batches:
        keys = kept + list(batch.keys)
        both = batch.vectors if vectors is None else np.concatenate([vectors, batch.vectors])
        scores = score.parts(both)[0]
        order = np.argsort(-scores, kind="stable")[: top + _SPARE]
        kept, vectors = [keys[place] for place in order], both[order]
    if vectors is None:
        return Ranked([], np.empty((0, len(score.direction)), np.float32), np.empty(0))
    return _best(Candidates(kept, vectors), score.parts(vectors.astype(np.float64))[0], top)


def _best(found: Candidates, scores: Numbers, top: int) -> Ranked:
    order = [place for place in np.argsort(-scores, kind="stable")[:top] if np.isfinite(scores[place])]
    return Ranked([found.keys[place] for place in order], found.vectors[order], scores[order])
