"""A second look by CLIP: what it finds in the image is not called absent."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from omninegclip.captions.negate import Row

PROMPT = "a photo of a {}"
Score = Callable[[Sequence[str], Sequence[str]], NDArray[np.float32]]


def threshold(present: NDArray[np.float32], missed: float = 0.02) -> float:
    """Return the score that all but `missed` of the things surely present exceed.

    No absolute cosine holds for every model, so it is read off the collection: `present` are the scores of
    images with the objects that their own captions name. What scores below is absent, and of the present
    things only the share `missed` does.

    Raises ValueError for no score at all.
    """
    if not len(present):
        raise ValueError("a threshold needs at least one image whose captions name an object")
    return float(np.quantile(present, missed))


def screen(rows: Sequence[Row], score: Score, limit: float) -> list[Row]:
    """Return the rows without the absence-based captions whose absent object scores `limit` or more.

    `score(images, texts)` are cosines of image i with text i.
    """
    made = [number for number, row in enumerate(rows) if row["absence_negated"] is not None and row["image"]]
    scores = score(
        [rows[number]["image"] for number in made],
        [PROMPT.format(rows[number]["absence_object"]) for number in made],
    )
    seen = {number for number, found in zip(made, scores, strict=True) if found >= limit}
    return [_withdrawn(row) if number in seen else row for number, row in enumerate(rows)]


def _withdrawn(row: Row) -> Row:
    empty = ("absence_negated", "absence_object", "absence_place", "absence_evidence", "objects_absent")
    return row | dict.fromkeys(empty) | {"absence_reason": "the picture may show it"}
