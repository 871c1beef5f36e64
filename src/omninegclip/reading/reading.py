"""A sentence in two halves, and what tells them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

ELSE = "something else"  # what is denied where everything else is: "nothing but a dog"


class Reading(NamedTuple):
    """What a sentence says.

    Attributes:
        affirmed: what is to be seen, as a text to embed: the sentence itself, unchanged, when it negates
            nothing; empty when it affirms nothing, as "no dog here" or "a photo without people".
        negated: what is not to be seen, each a text to embed, as "a dog"; empty when it negates nothing.
    """

    affirmed: str
    negated: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """What is not to be seen and has a name that can be embedded: all of `negated` but ELSE."""
        return tuple(text for text in self.negated if text != ELSE)


class Reader(Protocol):
    """Tells the halves of sentences."""

    def read(self, sentences: Sequence[str]) -> list[Reading]:
        """Return the reading of each sentence, in their order."""
