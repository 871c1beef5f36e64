"""The files of an evaluation that the page shows."""

from pathlib import Path

from omninegclip.errors import OmniNegClipError
from omninegclip.images import open_regular
from omninegclip.serve.problems import GoneError

# What is served of each kind of file; a report's own policy lets it run no script and fetch nothing.
TYPES = {".html": "text/html", ".json": "application/json", ".csv": "text/csv", ".png": "image/png"}
_LARGEST = 32 * 2**20


def files_of(folder: Path) -> dict[str, Path]:
    """Return the reports, tables and plots of a folder by their names, as they are now.

    Links, hidden files and what lies deeper are left out. Raises OmniNegClipError when there is none.
    """
    try:
        found = {
            each.name: each.resolve()
            for each in sorted(folder.iterdir())
            if each.suffix in TYPES
            and not each.name.startswith(".")
            and each.is_file()
            and not each.is_symlink()
            and each.stat().st_size <= _LARGEST
        }
    except OSError as error:
        raise OmniNegClipError(
            f"--report {folder}: {error.strerror}. Name the folder of an evaluation."
        ) from error
    if not found:
        raise OmniNegClipError(
            f"--report {folder} holds no {', '.join(TYPES)}: name a folder that quickstart, leaderboard or "
            "study wrote."
        )
    return found


def content_of(file: Path) -> bytes:
    """Return what a file holds now; raises GoneError when it is gone, or a link was put in its place."""
    try:
        if file.is_symlink():
            raise FileNotFoundError
        with open_regular(file) as opened:
            return opened.read(_LARGEST)
    except (OSError, OmniNegClipError) as error:
        raise GoneError("The file is gone since the server began: restart it.") from error
