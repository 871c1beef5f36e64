import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from omninegclip.errors import DamagedError, OmniNegClipError
from omninegclip.files import (
    atomic_file,
    atomic_folder,
    free_name,
    hold,
    read_sealed,
    refuse_occupied,
    write_sealed,
    write_text,
)


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


def test_no_planted_link_is_followed(tmp_path: Path) -> None:
    """The temporary name can't be foretold, and a link at the target is replaced, not written through."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    target = tmp_path / "out.md"
    for planted in (target, tmp_path / ".out.md.partial"):
        planted.symlink_to(victim)
    with atomic_file(target) as partial:
        partial.write_text("ours")
    assert victim.read_text() == "mine"
    assert target.read_text() == "ours"
    assert not target.is_symlink()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with (
        pytest.raises(OmniNegClipError, match="is a folder, and a file is needed there"),
        atomic_file(tmp_path),
    ):
        pass


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """A second process is refused at once; the hold of one that dies is free again."""
    code = (
        "import sys, time; from pathlib import Path; from omninegclip.files import atomic_folder, hold\n"
        "with {}(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    for manager in (hold, atomic_folder):
        folder = tmp_path / manager.__name__
        command = [sys.executable, "-c", code.format(manager.__name__), str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            with pytest.raises(OmniNegClipError, match="Another process is writing"), manager(folder):
                pass
            process.kill()
        with manager(folder):
            pass


def test_a_sealed_file_comes_back_or_is_called_damaged(tmp_path: Path) -> None:
    """Every truncation, and every flip of a bit, of a small file."""
    path = tmp_path / "sealed.json"
    values = {"name": "Größe", "list": [1, 2.5, None, True], "deep": {"key": "value"}}
    write_sealed(path, values)
    assert read_sealed(path) == values
    whole = path.read_bytes()
    for end in range(len(whole) - 1):  # the newline at the end is not content
        path.write_bytes(whole[:end])
        with pytest.raises(DamagedError, match="is damaged"):
            read_sealed(path)
    for place in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        with suppress(DamagedError):
            assert read_sealed(path) == values  # a flip in white space


def test_a_link_to_nothing_is_occupied(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OmniNegClipError, match="is a link to what isn't there"):
        refuse_occupied(tmp_path / "link")


def test_a_text_is_written_whole(tmp_path: Path) -> None:
    write_text(tmp_path / "run" / "page.html", "<p>“no”</p>")
    assert (tmp_path / "run" / "page.html").read_text(encoding="utf-8") == "<p>“no”</p>"
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["page.html"]


def test_a_place_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(OmniNegClipError, match=r"Can't write .*page\.html"):
        write_text(tmp_path / "page.html", "<p>no</p>")


def test_a_free_name_is_the_first_that_nothing_has(tmp_path: Path) -> None:
    (tmp_path / "model-1").mkdir()
    (tmp_path / "model-2").symlink_to("gone")
    assert free_name(tmp_path / "model") == tmp_path / "model-3"
    assert free_name(tmp_path / "model", 5) == tmp_path / "model-5"
