"""Figures of several models side by side: value, 95 % interval, n, and change against the first model."""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.intervals import Estimate
from omninegclip.printable import printable

DASH = "–"
MARKS = {"better": "▲", "worse": "▼", "unclear": "≈", "": ""}
_STYLES = {"better": "bold green", "worse": "bold red", "unclear": "dim", "": "dim"}

Verdict = Literal["better", "worse", "unclear", ""]


class FigureRow(NamedTuple):
    """One metric on one group of items: an estimate per model, the first model being the reference.

    `blind` is what a text-only baseline scores, `chance` what guessing scores. With unit "%" all
    figures are fractions of 1 and shown times 100; with any other unit they are shown as they are.
    """

    metric: str
    group: str
    values: tuple[Estimate | None, ...]
    blind: float | None
    chance: float | None
    higher_is_better: bool = True
    unit: str = "%"


class TableCell(NamedTuple):
    """One estimate in words; `change` and `verdict` are empty where there is nothing to compare."""

    estimate: Estimate | None
    value: str
    interval: str
    n: str
    change: str
    verdict: Verdict


class TableLine(NamedTuple):
    """A row in words."""

    row: FigureRow
    cells: tuple[TableCell, ...]
    blind: str
    chance: str


class TableSection(NamedTuple):
    """The lines of one metric."""

    metric: str
    lines: tuple[TableLine, ...]


def sections(rows: Sequence[FigureRow], columns: Sequence[str]) -> list[TableSection]:
    """Return `rows` in words, consecutive rows of one metric together.

    Raises OmniNegClipError when a figure is not finite or a row has not one value per column.
    """
    for row in rows:
        _refuse_bad(row, columns)
    return [
        TableSection(metric, tuple(map(_line, group)))
        for metric, group in groupby(rows, key=lambda row: row.metric)
    ]


def rich_table(rows: Sequence[FigureRow], columns: Sequence[str], title: str, note: str = "") -> Table:
    """Return the table for a terminal of 100 columns, `note` below it; raises as `sections` does."""
    table = Table(
        title=Text(title, "table.title"),
        box=SIMPLE_HEAD,
        pad_edge=False,
        caption=Text(f"{legend(columns)} {note}".strip(), "table.caption"),
    )
    table.add_column("metric")
    for column in columns:
        table.add_column(Text(printable(column)), no_wrap=True)
    table.add_column("blind", justify="right")
    table.add_column("chance", justify="right")
    for section in sections(rows, columns):
        for line in section.lines:
            label = Text.assemble(section.metric, "\n", (line.row.group, "dim"))
            table.add_row(label, *map(_rich_cell, line.cells), line.blind, line.chance)
    return table


def legend(columns: Sequence[str]) -> str:
    """Return the sentence that explains marks and changes; empty where there is nothing to compare."""
    if len(columns) < 2:
        return ""
    return (
        "▲ better, ▼ worse: the 95 % intervals do not overlap; ≈ they do. "
        f"Change is relative to {columns[0]}."
    )


def relative_change(reference: Estimate, other: Estimate) -> float | None:
    """Return (other - reference) / |reference|; None where the reference is 0."""
    return (other.value - reference.value) / abs(reference.value) if reference.value else None


def verdict(reference: Estimate, other: Estimate, higher_is_better: bool) -> Verdict:
    """Say whether `other` is better or worse than `reference`: "unclear" while their intervals overlap."""
    if other.low <= reference.high and reference.low <= other.high:
        return "unclear"
    return "better" if (other.value > reference.value) == higher_is_better else "worse"


def _line(row: FigureRow) -> TableLine:
    reference, *others = row.values
    cells = (_cell(reference, None, row), *(_cell(other, reference, row) for other in others))
    return TableLine(row, cells, _figure(row.blind, row.unit), _figure(row.chance, row.unit))


def _cell(estimate: Estimate | None, reference: Estimate | None, row: FigureRow) -> TableCell:
    if estimate is None:
        return TableCell(None, DASH, "", "", "", "")
    interval = f"[{_number(estimate.low, row.unit)}, {_number(estimate.high, row.unit)}]"
    change = ""
    mark: Verdict = ""
    if reference is not None:
        change = _signed_percent(relative_change(reference, estimate))
        mark = verdict(reference, estimate, row.higher_is_better)
    return TableCell(estimate, _figure(estimate.value, row.unit), interval, f"{estimate.n:,}", change, mark)


def _rich_cell(cell: TableCell) -> Text:
    if cell.estimate is None:
        return Text(cell.value)
    shown = Text.assemble((cell.value, "bold"), f" {cell.interval}\n", (f"n {cell.n}", "dim"))
    if cell.change:
        shown.append(" ").append(f"{MARKS[cell.verdict]} {cell.change}", _STYLES[cell.verdict])
    return shown


def _number(value: float, unit: str) -> str:
    return f"{100 * value:.1f}" if unit == "%" else f"{value:.3f}"


def _figure(value: float | None, unit: str) -> str:
    return DASH if value is None else f"{_number(value, unit)} {unit}".rstrip()


def _signed_percent(fraction: float | None) -> str:
    if fraction is None:
        return DASH
    digits = 1 if abs(fraction) < 1 else 0
    text = f"{100 * fraction:+,.{digits}f} %"
    return "±0.0 %" if text[1:] == "0.0 %" else text.replace("-", "−")


def _refuse_bad(row: FigureRow, columns: Sequence[str]) -> None:
    name = f'Row "{row.metric}" ({row.group})'
    if len(row.values) != len(columns):
        raise OmniNegClipError(f"{name} has {len(row.values)} values, but there are {len(columns)} columns.")
    figures: dict[str, tuple[float, ...]] = {
        column: estimate[:3]
        for column, estimate in zip(columns, row.values, strict=True)
        if estimate is not None
    }
    baselines = {"blind": row.blind, "chance": row.chance}
    figures |= {column: (value,) for column, value in baselines.items() if value is not None}
    for column, values in figures.items():
        if not all(map(math.isfinite, values)):
            raise OmniNegClipError(f'{name}, column "{column}" holds {values}: every figure must be finite.')
