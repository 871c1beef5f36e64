"""One scoring function per kind of benchmark: embeddings in, one credit per item out.

Each has two protocols. `strict` scores ties by chance and refuses NaN. `official` is the field's own, flaws
included, so that published figures can be reproduced: the first of equal scores wins, NaN beats everything.
All embeddings are L2-normalised.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from omninegclip.embeddings import Embeddings
from omninegclip.evaluation import metrics
from omninegclip.evaluation.metrics import Credits
from omninegclip.scoring.scores import Cosines, Scores

Rule = Literal["official", "strict"]
Indices = NDArray[np.int64]

_BLOCK = 1024


def choose(scores: NDArray[np.floating], answers: Indices, rule: Rule) -> Credits:
    """Score a choice between k options.

    Official: argmax, so where the answer comes first a scorer of constants or NaN is always right.

    `scores` is [n, k], -inf where an item has fewer options; `answers` [n].
    """
    if rule == "strict":
        return metrics.choice(scores, answers)
    return np.asarray(np.argmax(scores, axis=1) == answers, np.float64)


def prefer(scores: NDArray[np.floating], answers: Indices, rule: Rule) -> Credits:
    """Score an answer against wrong options as VALSE, SugarCrepe and ARO do.

    Official: right if it is strictly above all others, so a tie or NaN is wrong.

    `scores` is [n, k], -inf where an item has fewer options; `answers` [n].
    """
    if rule == "strict":
        return metrics.choice(scores, answers)
    rows = np.arange(len(scores))
    others = scores.copy()
    others[rows, answers] = -np.inf
    return np.asarray(scores[rows, answers] > others.max(axis=1), np.float64)


def retrieve(
    scores: Scores,
    relevant: Indices | Sequence[Indices],
    ks: Sequence[int],
    rule: Rule,
) -> dict[int, Credits]:
    """Score retrieval: is one of the relevant items in the top k. See `metrics.recall_at_k`.

    Official: a sort decides between equal scores, so a constant scorer finds the first k items.
    """
    if rule == "strict":
        return metrics.recall_at_k(scores, relevant, ks)
    wanted = [np.atleast_1d(items) for items in relevant]
    queries, _ = scores.shape
    credits_of = {k: np.zeros(queries) for k in ks}
    for first in range(0, queries, _BLOCK):
        block = scores.block(slice(first, first + _BLOCK), slice(None))
        order = np.argsort(-np.where(np.isnan(block), np.inf, block), axis=1, kind="stable")[:, : max(ks)]
        for row, top in enumerate(order, first):
            hits = np.isin(top, wanted[row])
            for k in ks:
                credits_of[k][row] = hits[:k].any()
    return credits_of


def classify(
    images: Embeddings, classes: Embeddings, labels: Indices, ks: Sequence[int], rule: Rule
) -> dict[int, Credits]:
    """Score zero-shot classification: is the image's class among its k nearest of the class embeddings.

    `images` is [n, d], `classes` [c, d], `labels` [n].
    """
    return retrieve(Cosines(images, classes), labels, ks, rule)


def recognise(
    images: Embeddings, objects: Embeddings, kinds: Indices, present: NDArray[np.bool_]
) -> tuple[Indices, NDArray[np.float64]]:
    """Return the kinds that both occur and lack, and for each the AUC of its cosine telling the two apart.

    `images` and `objects` are [n, d], item i asking whether object `kinds[i]` is `present[i]` in image i.
    """
    scores = np.einsum("nd,nd->n", images, objects, dtype=np.float64)
    found = [kind for kind in np.unique(kinds) if 0 < present[kinds == kind].sum() < (kinds == kind).sum()]
    curves = [metrics.auc(scores[kinds == kind], present[kinds == kind]) for kind in found]
    return np.array(found, np.int64), np.array(curves, np.float64)
