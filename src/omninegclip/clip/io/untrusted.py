"""Files of a model folder, which anyone may have made: regular, inside the folder, of a sane size."""

import stat
from pathlib import Path

from omninegclip.errors import OmniNegClipError

JSON_LIMIT = 4 << 20  # bytes; a configuration with the names of 21,000 classes has 1 MB
CARD_LIMIT = 4 << 20
TOKENIZER_LIMIT = 64 << 20  # that of Gemma, SigLIP 2's, has 34 MB
WEIGHTS_LIMIT = 64 << 30


def require_regular(path: Path, limit: int) -> None:
    """Raise OmniNegClipError unless `path` is a regular file (a pipe never ends) of at most `limit` bytes."""
    try:
        about = path.stat()
    except FileNotFoundError as error:
        raise OmniNegClipError(f"{path.parent} has no {path.name}.") from error
    except OSError as error:
        raise OmniNegClipError(f"Can't read {path}: {error.strerror or error}.") from error
    if not stat.S_ISREG(about.st_mode):
        raise OmniNegClipError(f"Can't read {path}: it is not a regular file.")
    if about.st_size > limit:
        raise OmniNegClipError(
            f"Can't read {path}: it has {about.st_size:,} bytes, and at most {limit:,} are read there."
        )


def require_own(path: Path, limit: int) -> None:
    """Raise OmniNegClipError as `require_regular` does, or when a link leads out of the folder of `path`.

    In a snapshot of the hub's cache every file is a link to the blobs beside it, which is fine.
    """
    require_regular(path, limit)
    folder, real = path.parent.resolve(), path.resolve()
    if real.parent == folder:
        return
    if folder.parent.name == "snapshots":
        repository = folder.parent.parent
        # those that several repositories share lie one folder higher
        if any(real.is_relative_to(place / "blobs") for place in (repository, repository.parent)):
            return
    raise OmniNegClipError(f"{path} is a link out of its folder: put the file itself there.")


def read_own(path: Path, limit: int) -> str:
    """Return the text of a file in a model folder.

    Raises:
        OmniNegClipError: as `require_own` does, and when it is no UTF-8.
    """
    require_own(path, limit)
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OmniNegClipError(f"Can't read {path}: it is not UTF-8 text.") from error


def in_one_line(error: BaseException) -> str:
    """Return what a library says of an error, without its line breaks and cut to a sentence's length."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]}..."
