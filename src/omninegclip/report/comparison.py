"""Models side by side: every measure with its interval, its change from the first model, and its price."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from omninegclip.evaluation.intervals import Estimate, mcnemar, paired_difference, sign_flip
from omninegclip.evaluation.results import SEED, BenchmarkResult
from omninegclip.evaluation.suite import MEASURES


@dataclass(frozen=True)
class ComparisonCell:
    """One model's figure, and what sets it apart from the first model's on the same items."""

    model: str
    estimate: Estimate
    relative: float | None = None  # (value - first) / first
    difference: Estimate | None = None  # value - first, paired bootstrap
    p: float | None = None  # McNemar's, where items are right or wrong; sign flips, where they share images

    def as_dict(self) -> dict[str, object]:
        """Return plain values, as for JSON."""
        difference = self.difference.as_dict() if self.difference else None
        return {
            "model": self.model,
            **self.estimate.as_dict(),
            "relative": self.relative,
            "difference": difference,
            "p": self.p,
        }


@dataclass(frozen=True)
class ComparisonRow:
    """A measure on a benchmark, with a cell per model (None: not measured) and the best blind rule."""

    measure: str
    benchmark: str
    figure: str
    cells: tuple[ComparisonCell | None, ...]
    blind: tuple[str, float] | None

    def as_dict(self) -> dict[str, object]:
        """Return plain values, as for JSON."""
        return {
            "measure": self.measure,
            "benchmark": self.benchmark,
            "figure": self.figure,
            "blind": None if self.blind is None else {"rule": self.blind[0], "value": self.blind[1]},
            "models": [cell and cell.as_dict() for cell in self.cells],
        }


def summarise(by_model: Sequence[Sequence[BenchmarkResult]]) -> list[ComparisonRow]:
    """Return the rows of a table, by measure, from the results of each model on the same suite."""
    rows = []
    for results in zip(*by_model, strict=True):
        for measure, figure in results[0].measures.items():
            cells = tuple(_cell(result, results[0], figure) for result in results)
            if any(cells):
                rows.append(
                    ComparisonRow(measure, results[0].benchmark, figure, cells, _blind(results, figure))
                )
    return sorted(rows, key=lambda row: MEASURES.index(row.measure))


def unmeasured(rows: Sequence[ComparisonRow]) -> list[str]:
    """Return the measures without any figure: what the table does not tell."""
    return [measure for measure in MEASURES if measure not in {row.measure for row in rows}]


def table(rows: Sequence[ComparisonRow], models: Sequence[str]) -> Table:
    """Draw the rows; figures are per cent."""
    drawn = Table("measure", "benchmark", "figure", "n")
    for model in models:
        drawn.add_column(Text(model), justify="right")
    drawn.add_column("blind", justify="right")
    for row in rows:
        first = next(cell for cell in row.cells if cell)
        cells = [in_words(cell, compared=place > 0) for place, cell in enumerate(row.cells)]
        blind = f"{100 * row.blind[1]:.1f} ({row.blind[0]})" if row.blind else ""
        names = map(Text, (row.measure, row.benchmark, row.figure))
        drawn.add_row(*names, f"{first.estimate.n:,}", *cells, Text(blind))
    return drawn


def tables(
    rows: Sequence[ComparisonRow], models: Sequence[str], known: Sequence[Mapping[str, str]]
) -> list[Table | str]:
    """Return what a terminal shows: the rows, how to read them, what is missing, and published figures."""
    missing = unmeasured(rows)
    return [
        table(rows, models),
        "Per cent [95 % interval], change relative to the first model; * differs from 0. For exclusion,",
        "lower is better. `blind` is the best rule that never sees the image.",
        *([f"Not measured: {', '.join(missing)}."] if missing else []),
        *([_published_table(known)] if known else []),
    ]


def as_dict(
    by_model: Sequence[Sequence[BenchmarkResult]], known: Sequence[Mapping[str, str]]
) -> dict[str, object]:
    """Return the comparison, every result and published figures, ready for JSON."""
    rows = summarise(by_model)
    return {
        "summary": [row.as_dict() for row in rows],
        "unmeasured": unmeasured(rows),
        "results": [result.as_dict() for results in by_model for result in results],
        "published": known,
    }


def to_csv(rows: Sequence[ComparisonRow]) -> str:
    """Write one line per measure, benchmark and model."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["measure", "benchmark", "figure", "model", *Estimate._fields, "relative", "p"])
    for row in rows:
        for cell in filter(None, row.cells):
            names = map(_as_text, (row.measure, row.benchmark, row.figure, cell.model))
            writer.writerow([*names, *cell.estimate, cell.relative, cell.p])
    return out.getvalue()


def published(benchmarks: Sequence[str]) -> list[dict[str, str]]:
    """Return the published figures of these benchmarks, each with its source."""
    text = (files(__package__) / "published.csv").read_text("utf-8")
    return [row for row in csv.DictReader(io.StringIO(text)) if row["benchmark"] in benchmarks]


def _cell(result: BenchmarkResult, first: BenchmarkResult, figure: str) -> ComparisonCell | None:
    estimate = result.estimate(figure)
    if estimate is None:
        return None
    before, name = first.estimate(figure), str(result.model["name"])
    if before is None or result is first:
        return ComparisonCell(name, estimate)
    relative = (estimate.value - before.value) / before.value if before.value else None
    ours, theirs = result.values.get(figure), first.values.get(figure)
    if ours is None or theirs is None or len(ours) != len(theirs) or result.missing != first.missing:
        return ComparisonCell(name, estimate, relative)
    images = result.clusters.get(figure)
    difference = paired_difference(theirs, ours, SEED, clusters=images)
    return ComparisonCell(name, estimate, relative, difference, _p(theirs, ours, images))


def _p(
    theirs: NDArray[np.float64], ours: NDArray[np.float64], images: NDArray[np.int64] | None
) -> float | None:
    if not np.isin(ours, (0, 1)).all():
        return None
    if images is None or len(np.unique(images)) == len(images):
        return mcnemar(theirs, ours)
    return sign_flip(theirs, ours, images, SEED)


def _as_text(name: str) -> str:
    """Keep a spreadsheet from taking a name for a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


def _blind(results: Sequence[BenchmarkResult], figure: str) -> tuple[str, float] | None:
    rules: dict[str, float] = next((r.figures[figure]["blind"] for r in results if figure in r.figures), {})
    if not rules:
        return None
    lowest_wins = figure.startswith("exclusion")
    best = (
        min(rules, key=lambda rule: rules[rule]) if lowest_wins else max(rules, key=lambda rule: rules[rule])
    )
    return best, rules[best]


def in_words(cell: ComparisonCell | None, *, compared: bool, missing: str = "-") -> str:
    """Return a figure in percent with its interval, and what it is relative to the first model's.

    An asterisk says that the difference's interval leaves out 0.
    """
    if cell is None:
        return missing
    value, low, high, _ = (100 * number for number in cell.estimate)
    text = f"{value:.1f} [{low:.1f}, {high:.1f}]"
    if not compared or cell.relative is None:
        return text
    sure = "" if cell.difference is None or cell.difference.low <= 0 <= cell.difference.high else "*"
    return f"{text} {100 * cell.relative:+.1f} %{sure}"


def _published_table(rows: Sequence[Mapping[str, str]]) -> Table:
    titles = ("benchmark", "figure", "model", "value", "blind", "comparable", "source", "read")
    title = "Published figures, not measured here; blind: our rule that reads the texts alone"
    table = Table(*titles, title=title)
    for row in rows:
        source = f"{row['source']}, {row['table']}, {row['version']}"
        model = f"{row['model']} {row['backbone']}"
        cells = [row[name] for name in ("benchmark", "figure")]
        cells += [model, *(row[name] for name in ("value", "blind", "comparable")), source, row["read"]]
        table.add_row(*map(Text, cells))
    return table
