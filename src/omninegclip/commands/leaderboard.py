"""The verb `leaderboard`."""

from pathlib import Path

from omninegclip.commands.options import Paths
from omninegclip.printable import say


def leaderboard(results: Paths, /, *, out: Path) -> None:
    """Rank the models of results folders in leaderboard.md and leaderboard.html.

    Args:
        results: Folders that `omninegclip evaluate --out` wrote.
        out: Folder for the two pages.
    """
    from omninegclip.report.leaderboard import write

    for path in write(results, out):
        say(path)
