"""The readers by their names."""

from collections.abc import Sequence
from typing import Literal, get_args

from omninegclip.errors import OmniNegClipError
from omninegclip.llm import Endpoint, LanguageModel
from omninegclip.reading.language_model import READING, LlmReader
from omninegclip.reading.reading import Reader, Reading
from omninegclip.reading.rules import RulesReader

ReaderName = Literal["rules", "llm", "none"]
ServedReader = Literal["rules", "none"]  # a server asks no other server


class WholeReader:
    """Takes every sentence as it stands: it affirms all of it."""

    def read(self, sentences: Sequence[str]) -> list[Reading]:
        """Return the reading of each sentence, in their order."""
        return [Reading(sentence) for sentence in sentences]


def make_reader(name: str, llm: Endpoint | None = None) -> Reader:
    """Return the reader of a name: `rules`, `llm`, which asks the endpoint `llm`, or `none`.

    Raises OmniNegClipError for any other name, and when `llm` has no endpoint to ask.
    """
    if name == "rules":
        return RulesReader()
    if name == "none":
        return WholeReader()
    if name != "llm":
        raise OmniNegClipError(f"There is no reader {name!r}: it can be {', '.join(get_args(ReaderName))}.")
    if llm is None:
        raise OmniNegClipError(
            "The reader llm needs --llm-url, an OpenAI-compatible endpoint up to /v1, and --llm-model."
        )
    return LlmReader(LanguageModel(llm, READING))
