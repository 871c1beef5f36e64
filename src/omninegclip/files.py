"""Files that are never half-written, never written by two processes at once, and checked when read."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout
from safetensors import SafetensorError

from omninegclip.errors import DamagedError, OmniNegClipError

LOCK = ".omninegclip.lock"  # in a folder that one process at a time may write
PARTIAL = ".omninegclip-partial"  # ends every temporary name, which no user's file does
JsonObject = dict[str, Any]  # as JSON has it; who reads one knows what lies under its keys
CHECKSUM = "checksum"  # the key of a sealed file that holds the SHA-256 of the rest
WRITE_ERRORS = (OSError, SafetensorError)  # a full disk is either

_UMASK = os.umask(0o077)  # can only be read by setting it
os.umask(_UMASK)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a new file beside `path`, renamed to it when the block succeeds and removed when not.

    Its name can't be foretold, so no link that somebody laid there is followed; a link at `path` is replaced.

    Raises OmniNegClipError when it can't be written.
    """
    with ExitStack() as cleanup:
        try:
            if path.is_dir():
                raise IsADirectoryError(f"{path} is a folder, and a file is needed there")
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{path.name[:80]}.", suffix=PARTIAL, dir=path.parent)
            os.close(handle)
            temporary = Path(name)
            cleanup.callback(temporary.unlink, missing_ok=True)
            yield temporary
            temporary.chmod(0o666 & ~_UMASK)  # mkstemp makes it private
            _flush(temporary)
            temporary.replace(path)
        except WRITE_ERRORS as error:
            raise OmniNegClipError(_cannot_write(path, error)) from error


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder beside `path`, renamed to it when the block succeeds and removed when not.

    While the block runs, the name is held: a second process that wants it is refused at once.

    Raises OmniNegClipError when `path` exists and is not an empty folder, is held, or can't be written.
    """
    with ExitStack() as cleanup:
        try:
            refuse_occupied(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            cleanup.enter_context(_held(path.parent / f".{path.name}{LOCK}", path))
            refuse_occupied(path)  # the process that held it may have been done just now
            temporary = Path(tempfile.mkdtemp(prefix=f".{path.name[:80]}.", suffix=PARTIAL, dir=path.parent))
            cleanup.callback(shutil.rmtree, temporary, ignore_errors=True)
            yield temporary
            temporary.chmod(0o777 & ~_UMASK)  # mkdtemp makes it private
            if path.is_dir():
                path.rmdir()
            temporary.rename(path)
        except WRITE_ERRORS as error:
            raise OmniNegClipError(_cannot_write(path, error)) from error


def refuse_occupied(path: Path) -> None:
    """Raise OmniNegClipError unless `path` is free or an empty folder, so that nothing is overwritten."""
    if path.is_symlink() and not path.exists():
        raise OmniNegClipError(
            f"{path} is a link to what isn't there: name a new folder, or remove it first."
        )
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise OmniNegClipError(f"{path} already exists: name a new folder, or remove it first.")


def refuse_existing(path: Path) -> None:
    """Raise OmniNegClipError unless a new file can be written at `path`, before the work for it begins."""
    if os.path.lexists(path):
        raise OmniNegClipError(f"{path} already exists: name a new file, or remove it first.")
    folder = next(each for each in path.absolute().parents if each.exists())
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise OmniNegClipError(f"Can't write {path}: {folder} is no folder that can be written to.")


def refuse_no_folder(path: Path) -> None:
    """Raise OmniNegClipError unless `path` is a folder that can be written to, or could be made as one."""
    if path.is_symlink() and not path.exists():
        raise OmniNegClipError(f"{path} is a link to what isn't there: name another folder.")
    existing = next(each for each in (path, *path.absolute().parents) if each.exists())
    if not existing.is_dir():
        raise OmniNegClipError(_cannot_write(path, NotADirectoryError()))
    try:
        tempfile.TemporaryDirectory(suffix=PARTIAL, dir=existing).cleanup()  # os.access believes in /proc
    except OSError as error:
        raise OmniNegClipError(
            f"Can't write {path}: {existing} is no folder that can be written to."
        ) from error


def free_name(path: Path, first: int = 1) -> Path:
    """Return the first of `path`-1, `path`-2, ... that is free, or of those from another number on."""
    numbered = (path.with_name(f"{path.name}-{number}") for number in count(first))
    return next(name for name in numbered if not os.path.lexists(name))


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Let one process at a time write in `folder`, which is made; the system frees the hold of one that dies.

    Folders that this call made are removed again when nothing lies in them at the end.

    Raises OmniNegClipError when another process has it, or it can't be written.
    """
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OmniNegClipError(_cannot_write(folder, error)) from error
        with _held(folder / LOCK, folder):
            yield
    finally:
        with suppress(OSError):  # the first one that holds something
            for each in made:
                each.rmdir()


@contextmanager
def append_to(path: Path) -> Iterator[BinaryIO]:
    """Yield a file opened for reading and appending, made if it isn't there; a link is never followed.

    Raises OmniNegClipError when it can't be written.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o666)
        with os.fdopen(handle, "r+b") as file:
            file.seek(0, os.SEEK_END)
            yield file
    except OSError as error:
        raise OmniNegClipError(_cannot_write(path, error)) from error


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all; raises OmniNegClipError when it can't be written."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, "utf-8")


def write_sealed(path: Path, values: Mapping[str, object]) -> None:
    """Write a JSON object with a checksum, so that `read_sealed` knows whether it is whole.

    Raises OmniNegClipError when it can't be written.
    """
    sealed = {**values, CHECKSUM: checksum(values)}
    write_text(path, json.dumps(sealed, indent=2, ensure_ascii=False) + "\n")


def read_sealed(path: Path) -> JsonObject:
    """Return what `write_sealed` wrote, without the checksum.

    Raises DamagedError when the file is not whole or was changed, OmniNegClipError when it can't be opened.
    """
    try:
        values: JsonObject = json.loads(path.read_text("utf-8"))
        whole = isinstance(values, dict) and values.pop(CHECKSUM, None) == checksum(values)
    except OSError as error:
        raise OmniNegClipError(f"Can't read {path}: {error.strerror or error}.") from error
    except (ValueError, RecursionError):
        whole = False
    if not whole:
        raise DamagedError(f"{path} is damaged: its content is not what was written.")
    return values


def read_intact(path: Path) -> JsonObject | None:
    """Return what `write_sealed` wrote, None where the file is missing or damaged."""
    with suppress(DamagedError):
        return read_sealed(path) if path.is_file() else None
    return None


def checksum(values: object) -> str:
    """Return the SHA-256 of a value as JSON writes it, in hexadecimal digits."""
    # by way of JSON, since it turns keys into texts and tuples into lists
    text = json.dumps(json.loads(json.dumps(values)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal digits; raises OSError when it can't be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _held(lock_file: Path, what: Path) -> Iterator[None]:
    lock = FileLock(lock_file, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise OmniNegClipError(
            f"Another process is writing {what}: wait until it ends, or name another folder."
        ) from error
    except OSError as error:
        raise OmniNegClipError(_cannot_write(what, error)) from error
    try:
        yield
    finally:
        with suppress(OSError):
            lock_file.unlink(missing_ok=True)  # while it is still held; a process that waits opens it anew
        lock.release()


def _flush(path: Path) -> None:
    """Put the content on the disk before the name, so that a power cut leaves the old file or the new."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _cannot_write(path: Path, error: OSError | SafetensorError) -> str:
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"Can't write {path}: a part of this path is a file, and a folder is needed there."
    return f"Can't write {path}: {getattr(error, 'strerror', None) or error}."
