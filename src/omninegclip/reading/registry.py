"""The readers by their names."""

from collections.abc import Sequence
from typing import Literal

from omninegclip.errors import OmniNegClipError
from omninegclip.reading.reading import Reader, Reading
from omninegclip.reading.rules import RulesReader

ReaderName = Literal["rules", "none"]


class WholeReader:
    """Takes every sentence as it stands: it affirms all of it."""

    def read(self, sentences: Sequence[str]) -> list[Reading]:
        """Return the reading of each sentence, in their order."""
        return [Reading(sentence) for sentence in sentences]


_READERS: dict[str, type[RulesReader] | type[WholeReader]] = {"rules": RulesReader, "none": WholeReader}


def make_reader(name: str) -> Reader:
    """Return the reader of a name, `rules` or `none`; raises OmniNegClipError for any other."""
    if name not in _READERS:
        raise OmniNegClipError(f"There is no reader {name!r}: it can be {', '.join(_READERS)}.")
    return _READERS[name]()
