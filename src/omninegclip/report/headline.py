"""The two figures to read first: what was gained, and what it cost."""

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from omninegclip.report.table import TableLine, TableSection, Verdict

_GAIN = {
    "better": "The largest gain",
    "unclear": "No clear gain; the best figure",
    "worse": "The best figure",
}
_COST = {
    "better": "The smallest gain",
    "unclear": "No clear loss; the weakest figure",
    "worse": "The largest loss",
}


class Headline(NamedTuple):
    """A figure of the first model (`before`) and of the last (`after`), and why it stands at the top."""

    kicker: str
    line: TableLine
    before: str
    after: str
    verdict: Verdict


def headlines(table: Sequence[TableSection]) -> list[Headline]:
    """Return the percentages that gained most and least from the first model to the last."""
    lines = [line for section in table for line in section.lines]
    gains = [(gain, line) for line in lines if (gain := _gain(line)) is not None]
    if not gains:
        return []
    best = max(gains, key=itemgetter(0))[1]
    least = min(gains, key=itemgetter(0))[1]
    return [_headline(best, _GAIN)] + ([_headline(least, _COST)] if least is not best else [])


def _gain(line: TableLine) -> float | None:
    first, last = line.row.values[0], line.row.values[-1]
    if line.row.unit != "%" or len(line.row.values) < 2 or first is None or last is None:
        return None
    return (last.value - first.value) * (1 if line.row.higher_is_better else -1)


def _headline(line: TableLine, kickers: dict[str, str]) -> Headline:
    first, last = line.cells[0], line.cells[-1]
    return Headline(kickers[last.verdict], line, first.value, last.value, last.verdict)
