"""The command line in this process, which is faster than in one of its own."""

import contextlib
import io
import signal
import sys
from pathlib import Path

import pytest

from omninegclip.cli import main

Outcome = tuple[int, str, str]


def call(*arguments: str, cwd: Path = Path()) -> Outcome:
    """Return the exit code and what was written to standard output and standard error."""
    output, errors, code = io.StringIO(), io.StringIO(), 0
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(cwd):
        patch.setattr(sys, "argv", ["omninegclip", *arguments])
        patch.setattr(sys, "stdout", output)
        patch.setattr(sys, "stderr", errors)
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    return code, output.getvalue(), errors.getvalue()
