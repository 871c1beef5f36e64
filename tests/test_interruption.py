"""What a signal does to a verb: one sentence, and no traceback however often it comes."""

import signal
import subprocess
import sys

import pytest

from omninegclip.errors import OmniNegClipError
from omninegclip.interruption import run_resumable

# a verb that waits, and cleans up for as many seconds as its argument says
VERB = """
import sys, time
from omninegclip import cli

def wait() -> None:
    try:
        print("waiting", flush=True)
        time.sleep(60)
    finally:
        print("cleaning", flush=True)
        time.sleep(seconds)

seconds = float(sys.argv[1])
sys.argv = ["omninegclip", "wait"]
cli.app.command(wait)
cli.main()
"""


def start(seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", VERB, str(seconds)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_lets_a_verb_clean_up(number: signal.Signals) -> None:
    process = start(0)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (130, "cleaning\n")
    assert errors == "omninegclip: Stopped; nothing half-written is left.\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_ends_it_at_once_with_a_sentence(number: signal.Signals) -> None:
    process = start(60)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "cleaning\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.startswith("omninegclip: Stopped at once;")
    assert len(errors.splitlines()) == 1


def test_a_resumable_program_ends_in_a_sentence_or_not_at_all() -> None:
    def end(error: type[BaseException] | None) -> None:
        if error:
            raise error("No room is left.")

    run_resumable(lambda: end(None))
    for error, sentence in (
        (OmniNegClipError, "No room is left."),
        (KeyboardInterrupt, "Stopped; the same command continues the run."),
    ):
        with pytest.raises(SystemExit) as ended:
            run_resumable(lambda error=error: end(error))
        assert ended.value.code == sentence  # which Python prints on standard error, with exit code 1
    with pytest.raises(ZeroDivisionError):  # a bug keeps its traceback
        run_resumable(lambda: end(ZeroDivisionError))
