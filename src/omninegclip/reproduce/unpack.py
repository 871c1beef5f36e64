"""An archive to the files that are wanted of it; those that a killed call has unpacked stay."""

import errno
import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from omninegclip.errors import OmniNegClipError
from omninegclip.files import PARTIAL
from omninegclip.progress import track

# What the readers raise for damage, for a member that is encrypted or packed in a way unknown to them, and
# for a name that is no text.
UNREADABLE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError,
)  # fmt: skip
LARGEST_GROWTH = 50  # an archive that unpacks to more than so many times its size is a bomb


class _Member(NamedTuple):
    name: str
    size: int
    open: Callable[[], IO[bytes] | None]


def unpack(archive: Path, wanted: Mapping[str, str], data: Path, name: str) -> None:
    """Unpack the members of a zip or tar whose names begin as `wanted` says, each to its place in `data`.

    Args:
        archive: the file.
        wanted: beginning of names -> where what is behind it goes.
        data: the folder that nothing leaves.
        name: what errors call the archive.

    Raises:
        OmniNegClipError: it can't be read, holds nothing of that, would grow without bounds, or leads out of
            `data`.
    """
    try:
        with _members(archive) as members:
            placed = [
                (member, data / (goal + member.name.removeprefix(beginning)))
                for beginning, goal in wanted.items()
                for member in members
                if member.name.startswith(beginning)
            ]
            if not placed:
                raise OmniNegClipError(
                    f"The archive {name} holds nothing that begins with {', '.join(wanted)}."
                )
            _refuse_bomb([member for member, _ in placed], archive, name)
            for member, place in track(placed, f"Unpacking {name}", len(placed)):
                _write(member, place, data, name)
    except UNREADABLE as error:
        raise OmniNegClipError(f"The archive {name} can't be read: {error}.") from error
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # damaged bzip2; a member that begins before the archive
            raise
        raise OmniNegClipError(f"The archive {name} can't be read: {error.strerror or error}.") from error


@contextmanager
def _members(archive: Path) -> Iterator[list[_Member]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            files = [each for each in opened.infolist() if not each.is_dir()]
            yield [_Member(each.filename, each.file_size, partial(opened.open, each)) for each in files]
    else:
        with tarfile.open(archive, "r:") as tape:
            yield [
                _Member(each.name, each.size, partial(tape.extractfile, each))
                for each in tape
                if each.isfile()
            ]


def _refuse_bomb(members: list[_Member], archive: Path, name: str) -> None:
    size = sum(member.size for member in members)
    if size > LARGEST_GROWTH * archive.stat().st_size:
        raise OmniNegClipError(f"The archive {name} would unpack to {size:,} bytes: it is no data set.")


def _write(member: _Member, place: Path, data: Path, name: str) -> None:
    """Write a member under a name of its own first, so that what has its name is whole."""
    parts = PurePosixPath(member.name).parts
    if ".." in parts or PurePosixPath(member.name).is_absolute() or not place.is_relative_to(data):
        raise OmniNegClipError(f"The archive {name} holds {member.name}, which leads out of its folder.")
    if place.is_file() and place.stat().st_size == member.size:
        return
    temporary = place.with_name(f".{place.name}{PARTIAL}")
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary.unlink(missing_ok=True)  # of a killed call, or a link that must not be followed
    with temporary.open("xb") as file:
        source = member.open()
        assert source is not None  # noqa: S101 -- only regular files are listed
        with source:
            shutil.copyfileobj(source, file, 1 << 20)
    temporary.replace(place)
