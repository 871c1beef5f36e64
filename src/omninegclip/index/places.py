"""Where files lie: on a disk, or behind a URL that fsspec knows, as s3://bucket/photos."""

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from omninegclip.errors import OmniNegClipError
from omninegclip.images import MAX_BYTES, open_regular

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_LATEST = 2**63 - 1
_CHANGED = ("mtime", "LastModified", "last_modified", "updated")  # as file systems name it


def is_url(path: str) -> bool:
    """Tell whether a path is a URL."""
    return "://" in path


@contextmanager
def reached(url: str) -> Iterator["tuple[AbstractFileSystem, str]"]:
    """Yield the file system of a URL and the path in it; raises OmniNegClipError for what goes wrong."""
    import fsspec

    try:
        yield fsspec.core.url_to_fs(url)
    except (FileNotFoundError, OmniNegClipError):
        raise
    except Exception as error:  # of each store's own library, which raises what it likes
        reason = (str(error).strip() or type(error).__name__).partition("\n")[0].rstrip(".")
        raise OmniNegClipError(f"Can't reach {url}: {reason}.") from error


def read_file(path: str) -> tuple[bytes, int, int]:
    """Return the bytes of a file, their number, and the time of the last change in nanoseconds.

    Raises OSError when it can't be read, OmniNegClipError when it is no regular file, or a too large one.
    """
    if is_url(path):
        with reached(path) as (system, inside):
            info = system.info(inside)
            size = int(info["size"])
            _refuse_large(size)
            return system.cat_file(inside), size, changed_there(info)
    with open_regular(Path(path)) as file:
        status = os.fstat(file.fileno())
        _refuse_large(status.st_size)
        return file.read(), status.st_size, changed_at(status)


def changed_at(status: os.stat_result) -> int:
    """Return a file's time of the last change in nanoseconds, as far as 64 bits hold it."""
    return _in_64_bits(status.st_mtime_ns)


def changed_there(info: Mapping[str, object]) -> int:
    """Return what `changed_at` does of a file behind a URL, 0 where its store doesn't say it."""
    value = next((info[name] for name in _CHANGED if name in info), 0)
    seconds = value.timestamp() if isinstance(value, datetime) else value
    if not isinstance(seconds, int | float) or math.isnan(seconds):
        return 0
    return _in_64_bits(seconds * 1e9)


def _in_64_bits(nanoseconds: float) -> int:
    return int(min(max(nanoseconds, -_LATEST), _LATEST))


def _refuse_large(size: int) -> None:
    if size > MAX_BYTES:
        raise OmniNegClipError(f"it has more than {MAX_BYTES:,} bytes")
