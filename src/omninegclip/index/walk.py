"""The image files below folders, as they are on the disk now."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from omninegclip.errors import OmniNegClipError
from omninegclip.images import SUFFIXES
from omninegclip.index.names import text_of
from omninegclip.index.places import changed_at, changed_there, is_url, reached
from omninegclip.progress import console


@dataclass
class Found:
    """What lies below some folders.

    Attributes:
        tops: the folders, as texts.
        files: size in bytes and time of the last change in nanoseconds of each image file, by its path as a
            text.
        unread: what was raised where a folder or a file can't be looked at, by its path as a text.
        links: links to folders, which are not followed.
    """

    tops: list[str] = field(default_factory=list)
    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    unread: dict[str, OSError] = field(default_factory=dict)
    links: int = 0

    def tell(self) -> None:
        """Say on standard error what could not be looked at."""
        for path, error in self.unread.items():
            console.print(f"{path}: {error.strerror or error}", soft_wrap=True)
        if self.links:
            console.print(f"Links to folders are not followed ({self.links:,} here): name these folders too.")

    @property
    def hidden(self) -> list[str]:
        """Return what can't be looked at and may be there still; what is gone is not among it."""
        return [path for path, error in self.unread.items() if not isinstance(error, FileNotFoundError)]


def find_images(folders: Sequence[Path | str]) -> Found:
    """Return the image files below `folders`, known by their suffix; a file that is named counts as it is.

    Links to files are read, and links to folders are not followed, so that no loop is entered and no image
    found twice.

    Args:
        folders: paths, or URLs that fsspec knows.

    Raises:
        OmniNegClipError: one of them is not there, or a URL can't be reached.
    """
    found = Found()
    for folder in folders:
        if is_url(str(folder)):
            _list_url(str(folder), found)
            continue
        top = os.path.realpath(folder)  # a folder has one name, by whatever link it is reached
        found.tops.append(text_of(top))
        if os.path.isdir(top):
            for entry in _entries(top, found):
                if _is_image(entry.name):
                    _note(entry.path, found)
        elif os.path.exists(top):
            _note(top, found)
        else:
            raise OmniNegClipError(f"{folder} does not exist: name an image, or a folder of images.")
    return found


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


def _list_url(url: str, found: Found) -> None:
    with reached(url) as (system, top):
        listed = system.find(top, detail=True)
        if not listed:  # most stores have no folders, and know none that is empty
            raise OmniNegClipError(f"{url} holds no files: name a folder of images.")
        found.tops.append(text_of(system.unstrip_protocol(top)))
        for path, info in listed.items():
            if _is_image(path) and info.get("type", "file") != "other":  # a pipe would be waited for
                found.files[text_of(system.unstrip_protocol(path))] = int(info["size"]), changed_there(info)


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES


def _note(path: str, found: Found) -> None:
    try:
        status = os.stat(path)
    except OSError as error:
        found.unread[text_of(path)] = error
    else:
        found.files[text_of(path)] = (status.st_size, changed_at(status))
