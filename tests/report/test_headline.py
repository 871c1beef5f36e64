from omninegclip.evaluation.intervals import Estimate
from omninegclip.report.headline import headlines
from omninegclip.report.table import FigureRow, sections

COLUMNS = ("pretrained", "omni")


def test_gain_and_loss_stand_at_the_top(rows: list[FigureRow]) -> None:
    gain, loss = headlines(sections(rows, COLUMNS))
    assert (gain.kicker, gain.before, gain.after) == ("The largest gain", "50.0 %", "90.0 %")
    assert (loss.kicker, loss.before, loss.after) == ("The largest loss", "92.0 %", "87.4 %")


def test_lower_can_be_better() -> None:
    estimates = Estimate(0.9, 0.88, 0.92, 99), Estimate(0.1, 0.08, 0.12, 99)
    (gain,) = headlines(
        sections([FigureRow("exclusion@5", "seen", estimates, None, None, higher_is_better=False)], COLUMNS)
    )
    assert gain.verdict == "better"


def test_nothing_is_called_a_gain_while_intervals_overlap() -> None:
    estimates = Estimate(0.5, 0.4, 0.6, 9), Estimate(0.55, 0.45, 0.65, 9)
    (only,) = headlines(sections([FigureRow("presence", "seen", estimates, None, None)], COLUMNS))
    assert only.kicker == "No clear gain; the best figure"


def test_without_anything_to_compare_there_is_no_headline() -> None:
    assert (
        headlines(
            sections([FigureRow("presence", "seen", (Estimate(0.5, 0.4, 0.6, 9), None), None, None)], COLUMNS)
        )
        == []
    )
    assert (
        headlines(
            sections([FigureRow("presence", "seen", (Estimate(0.5, 0.4, 0.6, 9),), None, None)], COLUMNS[:1])
        )
        == []
    )
