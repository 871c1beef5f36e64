"""Ctrl-C and SIGTERM, obeyed at the end of a step."""

import signal
from typing import Self

from omninegclip.progress import console


class Signals:
    """Lets a step end before a run does: the first Ctrl-C or SIGTERM is noted, a second one is obeyed."""

    def __init__(self) -> None:
        """Nothing came yet."""
        self.came = False

    def __enter__(self) -> Self:
        """Take the signals over."""
        self._before = {
            number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *_: object) -> None:
        """Give them back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: object) -> None:
        self.came = True
        signal.signal(number, self._before[signal.Signals(number)])
        console.print("Stopping after this step.")
