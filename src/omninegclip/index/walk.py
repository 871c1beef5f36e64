"""The image files below folders, as they are on the disk now."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from omninegclip.errors import OmniNegClipError
from omninegclip.images import SUFFIXES
from omninegclip.index.names import text_of
from omninegclip.progress import console

_LATEST = 2**63 - 1


@dataclass
class Found:
    """What lies below some folders.

    Attributes:
        files: size in bytes and time of the last change in nanoseconds of each image file, by its path as a
            text.
        unread: what was raised where a folder or a file can't be looked at, by its path as a text.
        links: links to folders, which are not followed.
    """

    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    unread: dict[str, OSError] = field(default_factory=dict)
    links: int = 0

    def tell(self) -> None:
        """Say on standard error what could not be looked at."""
        for path, error in self.unread.items():
            console.print(f"{path}: {error.strerror or error}", soft_wrap=True)
        if self.links:
            console.print(f"{self.links:,} links to folders were not followed: name these folders too.")

    @property
    def hidden(self) -> list[str]:
        """Return what can't be looked at and may be there still; what is gone is not among it."""
        return [path for path, error in self.unread.items() if not isinstance(error, FileNotFoundError)]


def find_images(folders: Sequence[Path]) -> Found:
    """Return the image files below `folders`, known by their suffix; a file that is named counts as it is.

    Links to files are read, and links to folders are not followed, so that no loop is entered and no image
    found twice.

    Raises OmniNegClipError when one of `folders` is not there.
    """
    found = Found()
    for folder in folders:
        top = os.path.realpath(folder)  # a folder has one name, by whatever link it is reached
        if os.path.isdir(top):
            for entry in _entries(top, found):
                if os.path.splitext(entry.name)[1].lower() in SUFFIXES:
                    _note(entry.path, found)
        elif os.path.exists(top):
            _note(top, found)
        else:
            raise OmniNegClipError(f"{folder} does not exist: name an image, or a folder of images.")
    return found


def changed_at(status: os.stat_result) -> int:
    """Return a file's time of the last change in nanoseconds, as far as 64 bits hold it."""
    return min(max(status.st_mtime_ns, -_LATEST), _LATEST)


def covers(folders: Sequence[str], path: str) -> bool:
    """Tell whether a path, as a text, is one of `folders` or lies below one."""
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def _entries(top: str, found: Found) -> Iterator["os.DirEntry[str]"]:
    """Yield what lies below a folder but folders; a stack, since folders may be deeper than Python's own."""
    stack = [top]
    while stack:
        folder = stack.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            found.unread[text_of(folder)] = error
            continue
        below = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.path)
            elif entry.is_symlink() and os.path.isdir(entry.path):
                found.links += 1
            else:
                yield entry
        stack.extend(reversed(below))


def _note(path: str, found: Found) -> None:
    try:
        status = os.stat(path)
    except OSError as error:
        found.unread[text_of(path)] = error
    else:
        found.files[text_of(path)] = (status.st_size, changed_at(status))
