"""Archives, which anyone may have made."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from omninegclip.errors import OmniNegClipError
from omninegclip.files import PARTIAL
from omninegclip.reproduce.unpack import unpack

TEXT = "".join(f"some text {number} " for number in range(30))


def zipped(path: Path, packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    with zipfile.ZipFile(path, "w", packed) as opened:
        opened.writestr("in/0.txt", TEXT)
    return path.read_bytes()


def taped(path: Path) -> bytes:
    with tarfile.open(path, "w") as tape:
        member = tarfile.TarInfo("in/0.txt")
        member.size = len(TEXT)
        tape.addfile(member, io.BytesIO(TEXT.encode()))
    return path.read_bytes()


def test_a_link_where_a_member_will_be_written_is_not_followed(tmp_path: Path) -> None:
    zipped(tmp_path / "a.zip")
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / f".0.txt{PARTIAL}").symlink_to(tmp_path / "mine")
    unpack(tmp_path / "a.zip", {"in/": ""}, tmp_path / "data", "a")
    assert (tmp_path / "mine").read_text() == "mine"
    assert (tmp_path / "data" / "0.txt").read_text() == TEXT


@pytest.mark.parametrize("packed", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_that_was_damaged_is_one_sentence_and_leaves_no_member(
    tmp_path: Path, packed: int
) -> None:
    whole = zipped(tmp_path / "a.zip", packed)
    for place in range(len(whole)):
        (tmp_path / "a.zip").write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            unpack(tmp_path / "a.zip", {"in/": ""}, tmp_path / "data", "a")
        except OmniNegClipError as error:
            assert str(error).startswith("The archive a ")  # noqa: PT017 -- some bytes decide nothing
            assert not (tmp_path / "data" / "0.txt").exists()
        else:
            assert (tmp_path / "data" / "0.txt").read_text() == TEXT
            (tmp_path / "data" / "0.txt").unlink()


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_that_was_cut_off_is_one_sentence_and_leaves_no_member(tmp_path: Path, kind: str) -> None:
    whole = zipped(tmp_path / "a") if kind == "zip" else taped(tmp_path / "a")
    end = whole.rindex(TEXT[-30:].encode()) if kind == "tar" else len(whole)
    for length in range(0, end, 29):
        (tmp_path / "a").write_bytes(whole[:length])
        with pytest.raises(OmniNegClipError, match="The archive a "):
            unpack(tmp_path / "a", {"in/": ""}, tmp_path / "data", "a")
        assert not (tmp_path / "data" / "0.txt").exists()


@pytest.mark.parametrize(
    ("offset", "value", "said"),
    [
        (8, b"\x01\x00", "encrypted"),  # the flags of the member
        (10, b"\x63\x00", "compression method"),  # its method: 99
        (46, b"in\xff0.txt", "codec"),  # its name, said to be UTF-8
    ],
)
def test_a_member_that_can_not_be_read_is_one_sentence(
    tmp_path: Path, offset: int, value: bytes, said: str
) -> None:
    content = bytearray(zipped(tmp_path / "a"))
    entry = content.index(b"PK\x01\x02")
    content[entry + 9] |= 8 if said == "codec" else 0  # names are UTF-8
    content[entry + offset : entry + offset + len(value)] = value
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(OmniNegClipError, match=f"The archive a can't be read: .*{said}"):
        unpack(tmp_path / "a", {"in/": ""}, tmp_path / "data", "a")
