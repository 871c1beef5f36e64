"""Archives, which anyone may have made."""

import zipfile
from pathlib import Path

import pytest

from omninegclip.errors import OmniNegClipError
from omninegclip.files import PARTIAL
from omninegclip.reproduce.unpack import unpack


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("in/0.txt", "some text " * 30)
    return tmp_path / "a.zip"


def test_a_link_where_a_member_will_be_written_is_not_followed(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / f".0.txt{PARTIAL}").symlink_to(tmp_path / "mine")
    unpack(archive, {"in/": ""}, tmp_path / "data", "a")
    assert (tmp_path / "mine").read_text() == "mine"
    assert (tmp_path / "data" / "0.txt").read_text() == "some text " * 30


def test_an_archive_that_was_damaged_is_one_sentence_and_leaves_no_member(
    archive: Path, tmp_path: Path
) -> None:
    whole = archive.read_bytes()
    for place in range(len(whole)):
        archive.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            unpack(archive, {"in/": ""}, tmp_path / "data", "a")
        except OmniNegClipError:
            assert not (tmp_path / "data" / "0.txt").exists()
        else:
            assert (tmp_path / "data" / "0.txt").read_text() == "some text " * 30
            (tmp_path / "data" / "0.txt").unlink()
