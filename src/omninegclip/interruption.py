"""Ctrl-C and SIGTERM for every verb: the first lets it clean up, the next doesn't wait."""

import os
import signal
from contextlib import suppress
from types import FrameType

CODE = 130  # of a process that either of them ended
_AT_ONCE = (
    b"omninegclip: Stopped at once; what was half-written may be left, under names that end on "
    b".omninegclip-partial.\n"
)


class Interruption:
    """Makes SIGTERM behave as Ctrl-C: a KeyboardInterrupt, and an end at once when either comes again."""

    def __init__(self) -> None:
        """Take the signals over for good, since even the end of the process may be interrupted."""
        self._came = False
        with suppress(ValueError):  # only the main thread may
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, self._come)

    def end(self) -> None:
        """Let whatever comes from now on end the process at once: all is done."""
        self._came = True

    def _come(self, _: int, frame: FrameType | None) -> None:
        if self._came:
            os.write(2, _AT_ONCE)
            os._exit(CODE)
        self._came = True
        raise KeyboardInterrupt
