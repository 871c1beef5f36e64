from pathlib import Path

import pytest

from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_file, atomic_folder, refuse_occupied


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "result.txt"
    with atomic_file(target) as partial:
        partial.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    with pytest.raises(ZeroDivisionError), atomic_file(target) as partial:
        partial.write_text(f"half {1 // 0}")
    assert target.read_text() == "whole"
    assert [path.name for path in target.parent.iterdir()] == ["result.txt"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "run"

    def interrupted() -> None:
        with atomic_folder(target) as partial:
            (partial / "half.txt").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []
    target.mkdir()
    with atomic_folder(target) as partial:
        (partial / "whole.txt").write_text("whole")
    assert (target / "whole.txt").read_text() == "whole"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for occupied in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(OmniNegClipError, match="already exists: name a new folder"):
            refuse_occupied(occupied)
    with pytest.raises(OmniNegClipError, match="already exists"), atomic_folder(tmp_path):
        pass
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_path_below_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for manager in (atomic_file, atomic_folder):
        with (
            pytest.raises(OmniNegClipError, match=r"^Can't write .*below: "),
            manager(tmp_path / "file" / "below"),
        ):
            pass
