"""Writing so that nothing is ever half-written: a temporary name first, then one rename."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from omninegclip.errors import OmniNegClipError


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed to it when the block succeeds and removed when not."""
    temporary = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise OmniNegClipError(_cannot_write(path, error)) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`, renamed to it when the block succeeds and removed when not.

    Raises OmniNegClipError when `path` exists and is not an empty folder, or can't be written.
    """
    try:
        refuse_occupied(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.partial-", dir=path.parent))
    except OSError as error:
        raise OmniNegClipError(_cannot_write(path, error)) from error
    try:
        yield temporary
        temporary.chmod(0o755)  # mkdtemp makes it private
        if path.is_dir():
            path.rmdir()
        temporary.rename(path)
    except OSError as error:
        raise OmniNegClipError(_cannot_write(path, error)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def refuse_occupied(path: Path) -> None:
    """Raise OmniNegClipError unless `path` is free or an empty folder, so that nothing is overwritten."""
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise OmniNegClipError(f"{path} already exists: name a new folder, or remove it first.")


def _cannot_write(path: Path, error: OSError) -> str:
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"Can't write {path}: a part of this path is a file, and a folder is needed there."
    return f"Can't write {path}: {error.strerror or error}."
