"""Cosines after every layer of a text tower, as CSV, JSON and a table."""

import csv
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from rich.table import Table

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


def as_dict(curves: Mapping[str, Curves]) -> dict[str, object]:
    """Return the curves of every model and the names of its layers, ready for JSON."""
    return {"layers": {model: names(depth(kinds)) for model, kinds in curves.items()}, "cosines": curves}


def layer_table(curves: Mapping[str, Curves]) -> Table:
    """Return a line per layer of the deepest tower; the output stands last for all."""
    depths = {model: depth(kinds) for model, kinds in curves.items()}
    table = Table("layer", *(f"{model}: {kind}" for model in curves for kind in curves[model]))
    for row, name in enumerate(names(max(depths.values()))):
        place = -1 if name == "output" else row
        table.add_row(
            name,
            *(
                f"{values[place]:.3f}" if place < depths[model] - 1 else ""
                for model, kinds in curves.items()
                for values in kinds.values()
            ),
        )
    return table


def depth(curves: Curves) -> int:
    """Return how many values each curve of a model has."""
    return len(next(iter(curves.values())))


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
