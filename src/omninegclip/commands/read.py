"""The verb `read`."""

import sys
from collections.abc import Iterator, Sequence
from typing import Annotated

from cyclopts import Parameter

from omninegclip.commands.options import LlmOptions, ModelOptions
from omninegclip.errors import OmniNegClipError
from omninegclip.printable import say, say_json

JsonList = Annotated[
    bool, Parameter("--json", negative="", help="Print a JSON list, an object per sentence.")
]


def read(
    sentences: Annotated[list[str], Parameter(consume_multiple=True, allow_leading_hyphen=True)],
    /,
    *,
    reader: str = "rules",
    model: str | None = None,
    weights: ModelOptions = ModelOptions(),
    llm: LlmOptions = LlmOptions(),
    json_: JsonList = False,
) -> None:
    """Print what sentences affirm and what they deny.

    Args:
        sentences: English sentences; - reads them from standard input, a line each.
        reader: Who tells the halves: rules of English; llm, a language model, with the rules where it fails;
            learned:PATH, a text tower that train made a reader; or none, which takes a sentence as it stands.
        model: The model that a learned reader was trained for.
    """
    from omninegclip.reading.registry import LEARNED, make_reader

    given = list(_given(sentences))
    encoder = None
    if model is not None:
        from omninegclip.clip.io.load import load_clip

        if not reader.startswith(LEARNED):
            raise OmniNegClipError(f"--model is for a learned reader, and {reader} reads without a model.")
        encoder = load_clip(*weights.named([model]))
    readings = make_reader(reader, llm.endpoint, encoder).read(given)
    if json_:
        say_json(
            [
                {"sentence": sentence, "affirmed": reading.affirmed, "negated": list(reading.negated)}
                for sentence, reading in zip(given, readings, strict=True)
            ]
        )
        return
    for reading in readings:
        say(", ".join([reading.affirmed or "(nothing)", *(f"NOT {text}" for text in reading.negated)]))


def _given(sentences: Sequence[str]) -> Iterator[str]:
    for sentence in sentences:
        if sentence.startswith("--"):
            raise OmniNegClipError(f"read has no option {sentence}: see omninegclip read --help.")
        if sentence != "-":
            yield sentence
            continue
        yield from _standard_input()


def _standard_input() -> Iterator[str]:
    """Yield its lines, which are UTF-8 whatever the locale."""
    if sys.stdin is None:
        raise OmniNegClipError("Standard input is closed: write sentences to it, or name them.")
    for number, raw in enumerate(sys.stdin.buffer, 1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise OmniNegClipError(
                f"Line {number:,} of standard input is not UTF-8 text: convert it first."
            ) from error
        yield line.rstrip("\r\n")
