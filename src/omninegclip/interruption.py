"""Ctrl-C and SIGTERM: at once, with what is half-written removed, or at the end of a training step."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Self

from omninegclip.errors import OmniNegClipError

CODE = 130  # of a process that either of them ended
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
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
            for number in _SIGNALS:
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


def run_resumable(main: Callable[[], None]) -> None:
    """Run a program that its own command continues; what ends it early is one sentence and exit code 1."""
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Stopped; the same command continues the run.")
    except OmniNegClipError as error:
        sys.exit(str(error))


def leave_to_parent() -> None:
    """Make this process a worker: Ctrl-C is its parent's to answer, and it ends when its parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    import multiprocessing

    if parent := multiprocessing.parent_process():
        parent.join()
    os._exit(1)


class StopRequest:
    """Lets a step end before a run does: the first signal within the block is noted, a second one obeyed."""

    def __init__(self, on_signal: Callable[[], None]) -> None:
        """Call `on_signal` when the first one comes."""
        self.came = False
        self._on_signal = on_signal

    def __enter__(self) -> Self:
        """Take the signals over."""
        self._before = {number: signal.getsignal(number) for number in _SIGNALS}
        with suppress(ValueError):  # only the main thread may
            for number in _SIGNALS:
                signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        """Give them back."""
        with suppress(ValueError):
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        self.came = True
        signal.signal(number, self._before[signal.Signals(number)])
        self._on_signal()
