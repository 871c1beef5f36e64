"""Cosines after every layer of a text tower, as CSV."""

import csv
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from omninegclip.errors import OmniNegClipError

COLUMNS = ("model", "pair", "layer", "cosine")
Curves = dict[str, list[float]]  # kind of pair -> mean cosine after 0, 1, ... L blocks, and of the output


def names(count: int) -> list[str]:
    """Return what the `count` values of a curve stand for: the embeddings, every block, the output."""
    return ["embeddings", *(f"block {number}" for number in range(count - 2)), "output"]


def to_csv(curves: Mapping[str, Curves]) -> str:
    """Return the curves of every model as CSV; its columns are COLUMNS."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for model, kinds in curves.items():
        for kind, values in kinds.items():
            for name, value in zip(names(len(values)), values, strict=True):
                writer.writerow([model, kind, name, f"{value:.6f}"])
    return text.getvalue()


def read_csv(path: Path) -> dict[str, Curves]:
    """Return the curves that `to_csv` wrote.

    Raises OmniNegClipError when a row can't be read, there is none, or a model lacks values.
    """
    curves: dict[str, Curves] = {}
    with path.open(newline="") as file:
        for line, row in enumerate(csv.DictReader(file), 2):
            try:
                values = curves.setdefault(row["model"], {}).setdefault(row["pair"], [])
                values.append(float(row["cosine"]))
            except (KeyError, TypeError, ValueError) as error:
                raise OmniNegClipError(f"{path}, line {line}, must hold {', '.join(COLUMNS)}.") from error
    if not curves:
        raise OmniNegClipError(f"{path} holds no cosines.")
    kinds = list(next(iter(curves.values())))
    for model, each in curves.items():
        if list(each) != kinds or len(set(map(len, each.values()))) > 1:
            raise OmniNegClipError(f"{path}: {model!r} lacks cosines of a pair or a layer.")
    return curves
