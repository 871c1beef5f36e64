"""The figures of a study: means over seeds, and the CSV that holds them all."""

import csv
import math
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from statistics import fmean, stdev

from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.intervals import Estimate
from omninegclip.evaluation.scenes import Figures

COLUMNS = ("cell", "seed", "metric", "group", "value", "low", "high", "n")
# The 97.5 % quantile of Student's t with 1, 2, ... degrees of freedom.
_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


def over_seeds(figures: Sequence[Figures]) -> Figures:
    """Return the figures of one seed as they are, or means over seeds with Student's 95 % interval.

    mean +- t s / sqrt(seeds), cut at 0 and 1; n is the number of items of all seeds together.
    """
    first = figures[0]
    if len(figures) == 1:
        return first
    return {
        metric: {group: _mean([each[metric][group] for each in figures]) for group in first[metric]}
        for metric in first
    }


def to_csv(cells: Mapping[str, Sequence[Figures]], seeds: Sequence[int]) -> str:
    """Return every figure of every cell and seed as CSV; its columns are COLUMNS."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, by_seed in cells.items():
        for seed, figures in zip(seeds, by_seed, strict=True):
            for metric, groups in figures.items():
                for group, figure in groups.items():
                    writer.writerow([name, seed, metric, group, *(f"{x:.6g}" for x in figure)])
    return text.getvalue()


def read_csv(path: Path) -> dict[str, list[Figures]]:
    """Return what `to_csv` wrote: the figures of each cell, seed by seed.

    Raises OmniNegClipError when a row can't be read, there is none, or a cell lacks figures for a seed.
    """
    found: dict[str, dict[str, Figures]] = {}
    with path.open(newline="") as file:
        for line, row in enumerate(csv.DictReader(file), 2):
            try:
                value, low, high = (float(row[name]) for name in COLUMNS[4:7])
                figure = Estimate(value, low, high, int(float(row["n"])))
                by_metric = found.setdefault(row["cell"], {}).setdefault(row["seed"], {})
                by_metric.setdefault(row["metric"], {})[row["group"]] = figure
            except (KeyError, TypeError, ValueError) as error:
                raise OmniNegClipError(f"{path}, line {line}, must hold {', '.join(COLUMNS)}.") from error
    if not found:
        raise OmniNegClipError(f"{path} holds no figures.")
    for cell, seeds in found.items():
        kinds = [{metric: list(groups) for metric, groups in figures.items()} for figures in seeds.values()]
        if any(kind != kinds[0] for kind in kinds):
            raise OmniNegClipError(f"{path}: the seeds of {cell!r} have different figures.")
    return {cell: list(seeds.values()) for cell, seeds in found.items()}


def _mean(figures: Sequence[Estimate]) -> Estimate:
    values = [figure.value for figure in figures]
    mean, seeds = fmean(values), len(values)
    spread = _STUDENT[min(seeds - 2, len(_STUDENT) - 1)] * stdev(values) / math.sqrt(seeds)
    n = sum(figure.n for figure in figures)
    return Estimate(mean, max(0.0, mean - spread), min(1.0, mean + spread), n)
