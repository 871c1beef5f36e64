"""What a search asks for: what is to be seen and what not, read from a sentence and corrected by options."""

from collections.abc import Sequence
from dataclasses import dataclass

from omninegclip.errors import OmniNegClipError
from omninegclip.reading.reading import BESIDES, ELSE, Reader, Reading

LARGEST = 10.0  # weight


@dataclass(frozen=True)
class Unwanted:
    """What must not be seen, and how much it counts beside 1."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True)
class Question:
    """What a search asks for.

    Attributes:
        affirmed: what is to be seen; empty when that is anything, or an image says it.
        unwanted: what must not be seen.
        sentence: what was asked, unread.
        image: the image that others shall be like; empty when there is none.
        others: -1 where all that is not named is denied, as by "only", 1 where there must be something else,
            0 where nothing is said of it.
    """

    affirmed: str
    unwanted: tuple[Unwanted, ...] = ()
    sentence: str = ""
    image: str = ""
    others: int = 0

    @property
    def understood(self) -> str:
        """Say what is looked for."""
        wanted = " and ".join(
            part
            for part in (
                self.affirmed,
                ELSE if self.others > 0 else "",
                f"like {self.image}" if self.image else "",
            )
            if part
        )
        without = [
            f"NOT {each.text}" + (f" (weight {each.weight:g})" if each.weight != 1 else "")
            for each in self.unwanted
        ]
        nothing_else = [f"NOT {ELSE}"] if self.others < 0 else []
        return ", ".join([wanted or "anything", *without, *nothing_else])


def read_question(query: str, without: Sequence[str], image: str, reader: Reader) -> Question:
    """Return what a sentence, texts to exclude as `TEXT` or `TEXT:WEIGHT`, and an image ask for together.

    Raises OmniNegClipError when they ask for nothing.
    """
    query = query.strip()
    reading = reader.read([query])[0] if query else Reading("")
    unwanted = {text: Unwanted(text) for text in reading.named}
    unwanted |= {each.text: each for each in map(unwanted_of, without)}
    if not (query or unwanted or image):
        raise OmniNegClipError("search needs a QUERY, --without TEXT or --image FILE.")
    # "a photo" affirms nothing beside a denial, and is a query like any other where it stands alone
    others = reading.others(query)
    affirmed = reading.affirmed.removesuffix(BESIDES) if others else reading.affirmed
    return Question(affirmed or ("" if unwanted else query), tuple(unwanted.values()), query, image, others)


def unwanted_of(text: str) -> Unwanted:
    """Read TEXT or TEXT:WEIGHT.

    Raises OmniNegClipError where it is empty, and for what ends like a weight and is none.
    """
    if not text.strip():
        raise OmniNegClipError("without is empty: say what must not be seen.")
    head, colon, tail = text.strip().rpartition(":")
    if not colon or not (_is_number(tail) or not tail):
        return Unwanted(text.strip())
    weight = float(tail or "nan")
    if not (head.strip() and 0 < weight <= LARGEST):
        raise OmniNegClipError(
            f"without {text!r}: write TEXT or TEXT:WEIGHT, where the weight must be above 0, and "
            f"{LARGEST:g} at most."
        )
    return Unwanted(head.strip(), weight)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
