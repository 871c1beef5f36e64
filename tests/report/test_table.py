import math

import pytest
from rich.console import Console

from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.intervals import Estimate
from omninegclip.report.table import DASH, FigureRow, relative_change, rich_table, sections, verdict

COLUMNS = ("pretrained", "omni")


def test_cells_say_value_interval_n_change_and_verdict(rows: list[FigureRow]) -> None:
    presence, retrieval, auc = sections(rows, COLUMNS)
    before, after = presence.lines[0].cells
    assert (before.value, before.interval, before.n, before.change) == ("50.0 %", "[48.0, 52.0]", "2,000", "")
    assert (after.value, after.change, after.verdict) == ("90.0 %", "+80.0 %", "better")  # (0.9 - 0.5) / 0.5
    assert (presence.lines[0].blind, presence.lines[0].chance) == ("51.0 %", "50.0 %")
    assert retrieval.lines[0].cells[1][-2:] == ("−5.0 %", "worse")  # (0.874 - 0.92) / 0.92
    assert auc.lines[0].cells[1][1:] == ("0.972", "[0.966, 0.979]", "100", "−0.3 %", "unclear")


def test_a_missing_estimate_is_a_dash(rows: list[FigureRow]) -> None:
    line = sections(rows, COLUMNS)[0].lines[1]
    assert [cell.value for cell in line.cells] == ["52.0 %", DASH]
    assert line.blind == DASH


@pytest.mark.parametrize(
    ("before", "after", "change"), [(0.5, 0.75, 0.5), (0.05, 0.44, 7.8), (-0.2, -0.1, 0.5), (0.0, 0.3, None)]
)
def test_relative_change(before: float, after: float, change: float | None) -> None:
    result = relative_change(Estimate(before, 0, 0, 1), Estimate(after, 0, 0, 1))
    assert result == (None if change is None else pytest.approx(change))


@pytest.mark.parametrize(
    ("after", "higher", "expected"),
    [
        (Estimate(0.60, 0.56, 0.64, 9), True, "better"),
        (Estimate(0.60, 0.56, 0.64, 9), False, "worse"),
        (Estimate(0.40, 0.36, 0.44, 9), True, "worse"),
        (Estimate(0.40, 0.36, 0.44, 9), False, "better"),
        (Estimate(0.60, 0.55, 0.65, 9), True, "unclear"),  # the ends touch
        (Estimate(0.50, 0.30, 0.70, 9), True, "unclear"),  # one inside the other
    ],
)
def test_a_difference_is_marked_only_when_intervals_do_not_overlap(
    after: Estimate, higher: bool, expected: str
) -> None:
    assert verdict(Estimate(0.5, 0.45, 0.55, 9), after, higher) == expected


def test_a_change_that_rounds_to_nothing_has_no_direction() -> None:
    estimates = Estimate(0.9, 0.8, 1, 50), Estimate(0.89999, 0.8, 1, 50)
    assert (
        sections([FigureRow("auc", "", estimates, None, None)], COLUMNS)[0].lines[0].cells[1].change
        == "±0.0 %"
    )


@pytest.mark.parametrize(
    "row",
    [
        FigureRow("presence", "seen", (None, Estimate(math.nan, 0, 1, 9)), None, None),
        FigureRow("presence", "seen", (None, Estimate(0.5, 0, math.inf, 9)), None, None),
        FigureRow("presence", "seen", (None, None), math.nan, None),
    ],
)
def test_figures_that_are_not_finite_are_refused(row: FigureRow) -> None:
    with pytest.raises(OmniNegClipError, match=r'"presence" \(seen\), column ".*" .*finite'):
        sections([row], COLUMNS)


def test_a_row_of_the_wrong_width_is_refused(rows: list[FigureRow]) -> None:
    with pytest.raises(OmniNegClipError, match="has 2 values, but there are 3 columns"):
        sections(rows, ("pretrained", "omni", "cosine"))


@pytest.mark.parametrize("models", [2, 3])
def test_the_terminal_table_fits_in_100_columns(models: int) -> None:
    estimate = Estimate(0.123, 0.101, 0.145, 25_014)
    row = FigureRow("text-to-image retrieval R@1", "held-out objects [all]", (estimate,) * models, 0.5, 0.5)
    console = Console(width=100, record=True, file=None, quiet=False)
    with console.capture() as captured:
        console.print(rich_table([row], ("pretrained", "omni", "cosine")[:models], "Before and after"))
    text = captured.get()
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("12.3 % [10.1, 14.5]") == models
    assert text.count("n 25,014 ≈ ±0.0 %") == models - 1
    assert "[all]" in text  # not taken for markup
