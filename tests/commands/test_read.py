"""The verb `read`, and its door in Python."""

import json
import os
import subprocess
import sys

import pytest

import omninegclip as onc


def read(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "omninegclip", "read", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def test_says_what_was_understood() -> None:
    done = read("a street without cars", "no dog here", "a cat")
    assert done.stdout.splitlines() == ["a street, NOT cars", "(nothing), NOT a dog", "a cat"]
    assert not done.returncode


def test_lines_of_standard_input_as_json() -> None:
    done = read("-", "--json", stdin="a street without cars\na cat\n")
    assert json.loads(done.stdout) == [
        {"sentence": "a street without cars", "affirmed": "a street", "negated": ["cars"]},
        {"sentence": "a cat", "affirmed": "a cat", "negated": []},
    ]


@pytest.mark.parametrize("locale", ["C.UTF-8", "POSIX"])
def test_standard_input_is_utf_8_in_every_locale(locale: str) -> None:
    command = [sys.executable, "-X", "utf8=0", "-m", "omninegclip", "read", "-", "--json"]
    environment = os.environ | {"LC_ALL": locale, "PYTHONCOERCECLOCALE": "0"}

    def read_bytes(raw: bytes) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(command, input=raw, capture_output=True, check=False, env=environment)

    done = read_bytes("\ufeffa café without a führer\r\n".encode())
    assert json.loads(done.stdout)[0]["sentence"] == "a café without a führer"
    done = read_bytes(b"a cat\na caf\xe9\n")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"omninegclip: Line 2 of standard input is not UTF-8 text: convert it first.\n"


def test_no_reader_takes_a_sentence_as_it_stands() -> None:
    assert read("a street without cars", "--reader", "none").stdout == "a street without cars\n"


def test_an_option_that_is_not_there_is_no_sentence() -> None:
    done = read("a cat", "--reeder")
    assert done.returncode == 1
    assert "no option --reeder" in done.stderr
    assert not done.stdout


def test_a_model_that_no_reader_needs_is_refused() -> None:
    done = read("a cat", "--model", "scenes-small")
    assert done.returncode == 1
    assert "--model is for a learned reader, and rules reads without a model" in done.stderr


def test_from_python() -> None:
    assert onc.read("a street without cars") == onc.Reading("a street", ("cars",))
    with pytest.raises(onc.OmniNegClipError, match="no reader 'rule'"):
        onc.read("a cat", reader="rule")
    with pytest.raises(onc.OmniNegClipError, match="5 is not a text"):
        onc.read(5)  # type: ignore[arg-type]
    with pytest.raises(onc.OmniNegClipError, match=r"needs a model \(--model\), the one it was trained for"):
        onc.read("a cat", reader="learned:somewhere")
    with pytest.raises(onc.OmniNegClipError, match="lacks the path"):
        onc.read("a cat", reader="learned:")
    with pytest.raises(onc.OmniNegClipError, match="no reader None"):
        onc.read("a cat", reader=None)  # type: ignore[arg-type]
    with pytest.raises(onc.OmniNegClipError, match="model must be what load returns"):
        onc.read("a cat", model="scenes-small")  # type: ignore[arg-type]
    with pytest.raises(onc.OmniNegClipError, match="llm must be an Endpoint"):
        onc.read("a cat", llm="http://127.0.0.1/v1")  # type: ignore[arg-type]
