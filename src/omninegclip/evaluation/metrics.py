"""Scores in, one credit per item out: 1 is right, 0 is wrong, a tie is worth the chance of winning it.

Every function raises ValueError naming what holds NaN, for a broken model must not get a figure.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from omninegclip.scoring.scores import Scores

Credits = NDArray[np.float64]

# Two equal dot products may differ by this in float32, depending on where their rows lie in the matrix.
TIE = 5e-7
_BLOCK_QUERIES, _BLOCK_GALLERY = 1024, 8192  # a block of scores takes 32 MiB


def pairwise(right: NDArray[np.floating], wrong: NDArray[np.floating]) -> Credits:
    """Compare the right score of each item with the wrong one: 1 if higher, 1/2 if equal, else 0.

    `right` and `wrong` have shape [n].
    """
    _same_length(_no_nan("right", right), _no_nan("wrong", wrong))
    return np.where(right == wrong, 0.5, right > wrong)


def choice(scores: NDArray[np.floating], answers: NDArray[np.integer]) -> Credits:
    """Choose the highest of k options: 1/t if the answer is among the t options tied at the top, else 0.

    `scores` has shape [n, k], `answers` [n] with values in [0, k).
    """
    _same_length(_no_nan("scores", scores), answers)
    if len(answers) and (answers.min() < 0 or answers.max() >= scores.shape[1]):
        raise ValueError(f"answers must lie in [0, {scores.shape[1]}).")
    best = (scores == scores.max(axis=1, keepdims=True)).astype(np.float64)
    return np.asarray(best[np.arange(len(scores)), answers] / best.sum(axis=1))


def recall_at_k(
    scores: Scores,
    relevant: NDArray[np.integer] | Sequence[NDArray[np.integer]],
    ks: Sequence[int],
) -> dict[int, Credits]:
    """Find for every k the probability that a relevant item is in the top k, over random orders of ties.

    With g items above the best relevant score and t tied with it, c of them relevant, that probability is
    1 - C(t - c, k - g) / C(t, k - g): 0 if k <= g, 1 if k - g > t - c, and (k - g) / t for c = 1.
    Scores closer than `TIE` are tied. It is the hit rate that the field calls recall@k.

    `scores` are of n queries with m items, read in blocks of 1024 x 8192; `relevant` is one item per query
    [n], or one array of at least one item per query.
    """
    queries, gallery = scores.shape
    rows, items = _pairs(relevant)
    if len(relevant) != queries or len(np.unique(rows)) != queries:
        raise ValueError(f"relevant must name at least one item for each of {queries} queries.")
    if len(items) and (items.min() < 0 or items.max() >= gallery):
        raise ValueError(f"relevant must lie in [0, {gallery}).")
    found = _pair_scores(scores, rows, items)
    best = np.full(queries, -np.inf, np.float32)
    np.maximum.at(best, rows, found)
    tied_relevant = np.bincount(rows[found >= best[rows] - TIE], minlength=queries)
    above, tied = _above_and_tied(scores, best)
    return {k: _hit_probability(k - above, tied, tied_relevant) for k in ks}


def exclusion_at_k(
    scores: Scores,
    holds: NDArray[np.bool_] | Callable[[slice], NDArray[np.bool_]],
    k: int,
) -> NDArray[np.float64]:
    """Measure the share of each query's top k that hold the object it excludes: 0 is best, 1 is worst.

    (held above the k-th score + free places x share of the items tied with it that hold) / k.

    `scores` are of n queries with m items; `holds` is [n, m], or gives the rows of a slice of queries as
    [rows, m]. Raises ValueError if k is not in [1, m].
    """
    queries, gallery = scores.shape
    if not 1 <= k <= gallery:
        raise ValueError(f"k must lie in [1, {gallery}], not {k}.")
    shares = np.empty(queries)
    for rows in _slices(queries, max(1, _BLOCK_QUERIES * _BLOCK_GALLERY // gallery)):
        block = _no_nan("scores", scores.block(rows, slice(None)))
        held = holds(rows) if callable(holds) else holds[rows]
        last = np.partition(block, -k, axis=1)[:, -k, None]
        above, tied = block > last + TIE, np.abs(block - last) <= TIE
        places = k - above.sum(axis=1)
        from_ties = places * (held & tied).sum(axis=1) / tied.sum(axis=1)
        shares[rows] = ((held & above).sum(axis=1) + from_ties) / k
    return shares


def auc(scores: NDArray[np.floating], labels: NDArray[np.bool_]) -> float:
    """Give the chance that a positive scores above a negative (Mann and Whitney, 1947), ties counting 1/2.

    `scores` and `labels` have shape [n]. Raises ValueError if one of the two classes is empty.
    """
    _same_length(_no_nan("scores", scores), labels)
    positive = np.asarray(labels, bool)
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        raise ValueError("labels must hold both classes.")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # the mean rank of each distinct score, from 1
    above = ranks[place][positive].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def _above_and_tied(scores: Scores, best: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    queries, gallery = scores.shape
    above, at_least = np.zeros(queries, np.int64), np.zeros(queries, np.int64)
    for rows in _slices(queries, _BLOCK_QUERIES):
        threshold = best[rows, None]
        for columns in _slices(gallery, _BLOCK_GALLERY):
            block = _no_nan("scores", scores.block(rows, columns))
            above[rows] += np.count_nonzero(block > threshold + np.float32(TIE), axis=1)
            at_least[rows] += np.count_nonzero(block >= threshold - np.float32(TIE), axis=1)
    return above, at_least - above


def _hit_probability(
    places: NDArray[np.int64], tied: NDArray[np.int64], relevant: NDArray[np.int64]
) -> Credits:
    missed = np.ones(len(places))
    for drawn in range(int(relevant.max(initial=0))):
        free = np.clip(tied - np.maximum(places, 0) - drawn, 0, None) / np.maximum(tied - drawn, 1)
        missed = np.where(drawn < relevant, missed * free, missed)
    return 1 - missed


def _pairs(
    relevant: NDArray[np.integer] | Sequence[NDArray[np.integer]],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if isinstance(relevant, np.ndarray):
        return np.arange(len(relevant)), relevant.astype(np.int64)
    distinct = [np.unique(np.asarray(items, np.int64)) for items in relevant]
    rows = np.repeat(np.arange(len(distinct)), [len(items) for items in distinct])
    return rows, np.concatenate([*distinct, np.empty(0, np.int64)])


def _pair_scores(scores: Scores, rows: NDArray[np.int64], items: NDArray[np.int64]) -> NDArray[np.float32]:
    found = np.empty(len(rows), np.float32)
    for part in _slices(len(rows), _BLOCK_GALLERY):
        found[part] = _no_nan("scores", scores.pairs(rows[part], items[part]))
    return found


def _slices(length: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, length)) for start in range(0, length, size))


def _no_nan(name: str, array: NDArray[np.floating]) -> NDArray[np.floating]:
    if array.size and np.isnan(array.min()):  # which NaN decides, without a copy as large as the array
        raise ValueError(f"{name} holds NaN: the model gave no score to compare.")
    return array


def _same_length(first: NDArray[np.generic], second: NDArray[np.generic]) -> None:
    if len(first) != len(second):
        raise ValueError(f"Got {len(first)} items against {len(second)}: one score or answer per item.")
