"""Figures by hand, and through the CSV."""

import math
from pathlib import Path
from statistics import mean, stdev

import pytest

from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.intervals import Estimate
from omninegclip.evaluation.scenes import Figures
from omninegclip.report.figures import over_seeds, read_csv, to_csv

VALUES = [0.5, 0.6, 0.55]
BY_SEED: list[Figures] = [{"auc": {"seen": Estimate(value, 0, 1, 10)}} for value in VALUES]
HEADER = "cell,seed,metric,group,value,low,high,n\n"


def test_means_over_seeds_have_students_interval() -> None:
    spread = 4.303 * stdev(VALUES) / math.sqrt(3)  # t of 2 degrees of freedom
    expected = Estimate(mean(VALUES), mean(VALUES) - spread, mean(VALUES) + spread, 30)
    assert over_seeds(BY_SEED)["auc"]["seen"] == pytest.approx(expected)
    assert over_seeds(BY_SEED[:1])["auc"]["seen"] == Estimate(0.5, 0, 1, 10)


def test_the_csv_brings_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "figures.csv"
    cells = {"authors' front, 0-5": BY_SEED, "omni": BY_SEED[::-1]}
    path.write_text(to_csv(cells, range(3)))
    assert read_csv(path) == cells


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "holds no figures"),
        ("omni,0,auc,seen,much,0,1,10\n", "line 2, must hold cell, seed, metric"),
        ("omni,0,auc,seen,0.5,0,1,10\nomni,0,auc,held_out,0.5\n", "line 3, must hold"),
        ("omni,0,auc,seen,0.5,0,1,10\nomni,1,r1,seen,0.5,0,1,10\n", "the seeds of 'omni' have different"),
    ],
)
def test_a_csv_that_is_wrong_is_refused_by_line(tmp_path: Path, rows: str, message: str) -> None:
    path = tmp_path / "figures.csv"
    path.write_text(HEADER + rows)
    with pytest.raises(OmniNegClipError, match=message):
        read_csv(path)
