"""The command line: its verbs put together, and one sentence for whatever goes wrong."""

import gc
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper

from cyclopts import App, CycloptsError

from omninegclip import __version__
from omninegclip.commands.blend import blend
from omninegclip.commands.calibrate import calibrate
from omninegclip.commands.convert import convert
from omninegclip.commands.evaluate import evaluate
from omninegclip.commands.export import export
from omninegclip.commands.index import index
from omninegclip.commands.leaderboard import leaderboard
from omninegclip.commands.negate import negate
from omninegclip.commands.publish import publish
from omninegclip.commands.quickstart import quickstart
from omninegclip.commands.read import read
from omninegclip.commands.reproduce import reproduce
from omninegclip.commands.robustness import robustness
from omninegclip.commands.scenes import scenes
from omninegclip.commands.search import search
from omninegclip.commands.serve import serve
from omninegclip.commands.study import study
from omninegclip.commands.train import train
from omninegclip.commands.verify import verify
from omninegclip.errors import OmniNegClipError, StoppedError
from omninegclip.extras import needed_for
from omninegclip.interruption import CODE, Interruption
from omninegclip.printable import sentence

app = App(
    name="omninegclip",
    help="Teach CLIP models what 'no' means, and measure whether they learned it.",
    version=__version__,
    help_format="plaintext",  # the list of verbs has no paragraphs, and what fills them takes long to import
    suppress_keyboard_interrupt=False,  # main says what an interruption left
)
for verb in (
    quickstart, scenes, train, reproduce, convert, verify, blend, calibrate,
    evaluate, robustness, leaderboard, publish, negate, read, index, search, serve, export,
):  # fmt: skip
    app.command(verb, help_format="markdown")
app.command(study)


def main() -> None:
    """Run the command line; what a user can fix is one sentence on standard error, exit code 1 or 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that has not every character
    interruption = Interruption()
    try:
        stopped = _stopped()
    finally:
        interruption.end()
    if stopped:
        # Only now are the frames of the error gone, and with them the bars that it interrupted: the sentence
        # comes last.
        gc.collect()
        message, code = stopped
        if message and sys.stderr:
            with suppress(OSError):  # nobody reads it
                print(f"omninegclip: {sentence(message)}", file=sys.stderr)
        sys.exit(code)


def _stopped() -> tuple[str, int] | None:
    """Run the command line; return what stopped it and the exit code, if something did."""
    try:
        try:
            arguments = sys.argv[1:]
            _refuse_unwritable(arguments)
            with needed_for():
                app(arguments, print_error=False, exit_on_error=False)
        finally:
            _flush()
    except CycloptsError as error:
        return str(error), 2
    except StoppedError as stopped:
        return str(stopped), CODE
    except OmniNegClipError as error:
        return str(error), 1
    except KeyboardInterrupt:
        return "Stopped; nothing half-written is left.", CODE
    except BrokenPipeError:  # the reader of our output has enough, as `head` has
        return "", 141
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
        return f"Can't read or write {what}.", 1
    return None


def _refuse_unwritable(arguments: Sequence[str]) -> None:
    """Refuse arguments that no file of ours could hold, before any work: empty ones, and no UTF-8."""
    for place, argument in enumerate(arguments):
        if not argument or re.fullmatch(r"--[\w-]+=", argument):
            before = arguments[place - 1] if place else ""
            option = before.startswith("--") and "=" not in before
            name = argument[:-1] or (before if option else f"argument {place + 1}")
            raise OmniNegClipError(f"The value of {name} is empty: give one, or leave it out.")
        if re.search("[\0\ud800-\udfff]", argument):
            raise OmniNegClipError(f"The argument {argument} is not UTF-8 text: rename what it names.")


def _flush() -> None:
    """Write out the results while a full disk or a closed pipe can still be told."""
    if sys.stdout is None:  # closed by whoever started us
        return
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError), open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())  # or Python tries once more at exit, and complains
        raise
