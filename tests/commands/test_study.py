"""Studies hold their folder, and one that can't begin leaves none."""

from pathlib import Path

import pytest

from omninegclip.cli import app
from omninegclip.commands.options import StudyOptions
from omninegclip.errors import OmniNegClipError
from omninegclip.files import hold

STUDIES = (
    ["margins", "--smoke", "--only=pretrained", "--model"],
    ["layers"],
    ["limits", "--smoke", "--model"],
)


def run(study: list[str], model: str, out: Path) -> None:
    app(["study", *study, model, f"--out={out}"], result_action="return_value")


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study[0])
def test_two_studies_in_one_folder_are_refused_before_work_begins(study: list[str], tmp_path: Path) -> None:
    with hold(tmp_path / "out"), pytest.raises(OmniNegClipError, match="Another process is writing"):
        run(study, "scenes-small", tmp_path / "out")


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study[0])
def test_a_study_of_a_model_that_is_not_there_leaves_no_folder(study: list[str], tmp_path: Path) -> None:
    with pytest.raises(OmniNegClipError, match="is not a file, a folder"):
        run(study, str(tmp_path / "nowhere"), tmp_path / "new" / "out")
    assert not list(tmp_path.iterdir())


def test_a_cell_that_a_study_has_not_is_refused_with_those_it_has(tmp_path: Path) -> None:
    with pytest.raises(OmniNegClipError, match=r"no cell 'margin 2': its cells are pretrained, margin 0\.9,"):
        run(["margins", "--only=margin 2", "--model"], "scenes-small", tmp_path / "out")


def test_worlds_for_choosing_weights_are_never_those_of_figures() -> None:
    most = StudyOptions(seeds=1000)
    assert list(StudyOptions(seeds=3).worlds) == [0, 1, 2]
    assert list(StudyOptions(seeds=3, validation=True).worlds) == [1000, 1001, 1002]
    assert not set(most.worlds) & set(StudyOptions(seeds=1000, validation=True).worlds)
