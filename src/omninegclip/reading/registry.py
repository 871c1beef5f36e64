"""The readers by their names."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from omninegclip.errors import OmniNegClipError
from omninegclip.llm import Endpoint, LanguageModel
from omninegclip.reading.language_model import READING, LlmReader
from omninegclip.reading.reading import Reader, Reading
from omninegclip.reading.rules import RulesReader

if TYPE_CHECKING:  # imports transformers
    from omninegclip.clip.encoder import Encoder

ReaderName = Literal["rules", "llm", "none"]
LEARNED = "learned:"  # and the path of a reader that was trained for the model
ServedReader = Literal["rules", "none"]  # a server asks no other server


class WholeReader:
    """Takes every sentence as it stands: it affirms all of it."""

    def read(self, sentences: Sequence[str]) -> list[Reading]:
        """Return the reading of each sentence, in their order."""
        return [Reading(sentence) for sentence in sentences]


def check_name(name: str, known: Sequence[str] = get_args(ReaderName)) -> None:
    """Raise OmniNegClipError where a reader is neither one of `known` nor a learned one with a path."""
    if not isinstance(name, str) or (name not in known and not name.startswith(LEARNED)):
        raise OmniNegClipError(f"There is no reader {name!r}: it can be {', '.join(known)} or {LEARNED}PATH.")
    if name == LEARNED:
        raise OmniNegClipError(f"The reader {LEARNED} lacks the path of what was trained: {LEARNED}PATH.")


def make_reader(name: str, llm: Endpoint | None = None, encoder: "Encoder | None" = None) -> Reader:
    """Return the reader of a name.

    Args:
        name: `rules`, `llm`, `none`, or `learned:PATH`.
        llm: the endpoint that the reader `llm` asks.
        encoder: the model that a learned reader reads for.

    Raises:
        OmniNegClipError: there is no such reader, it lacks what it needs, or it was made for another model.
    """
    check_name(name)
    if name.startswith(LEARNED):
        if encoder is None:
            raise OmniNegClipError(f"The reader {name} needs a model (--model), the one it was trained for.")
        from omninegclip.reading.learned import load_reader

        return load_reader(Path(name.removeprefix(LEARNED)), encoder)
    if name == "rules":
        return RulesReader()
    if name == "none":
        return WholeReader()
    if llm is None:
        raise OmniNegClipError(
            "The reader llm needs --llm-url, an OpenAI-compatible endpoint up to /v1, and --llm-model."
        )
    return LlmReader(LanguageModel(llm, READING))
