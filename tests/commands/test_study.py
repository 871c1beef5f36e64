"""Studies hold their folder, and one that can't begin leaves none."""

from pathlib import Path

import pytest

from omninegclip.commands.study import run_cells, run_layers, run_limits
from omninegclip.errors import OmniNegClipError
from omninegclip.files import hold
from omninegclip.study.grid import StudyCell
from omninegclip.study.world import SMOKE


def cells(model: str, out: Path) -> None:
    chosen = [StudyCell("pretrained", None)]
    run_cells("t", chosen, model, "scenes-paper", (), 1, SMOKE, out, 1, (), as_json=True)


def layers(model: str, out: Path) -> None:
    run_layers([model], 0, 2, out, as_json=True)


def limits(model: str, out: Path) -> None:
    run_limits(model, 0, SMOKE, out, as_json=True)


@pytest.mark.parametrize("study", [cells, layers, limits])
def test_two_studies_in_one_folder_are_refused_before_work_begins(study: object, tmp_path: Path) -> None:
    assert callable(study)
    with hold(tmp_path / "out"), pytest.raises(OmniNegClipError, match="Another process is writing"):
        study("scenes-tiny", tmp_path / "out")


@pytest.mark.parametrize("study", [cells, layers, limits])
def test_a_study_of_a_model_that_is_not_there_leaves_no_folder(study: object, tmp_path: Path) -> None:
    assert callable(study)
    with pytest.raises(OmniNegClipError, match="is no file, no folder"):
        study(str(tmp_path / "nowhere"), tmp_path / "new" / "out")
    assert not list(tmp_path.iterdir())
