"""A sentence in two halves, and what tells them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from omninegclip.embeddings import Embeddings

ELSE = "something else"  # what is denied where everything else is: "nothing but a dog"
BESIDES = f" and {ELSE}"  # what is affirmed beside the rest: "not only a dog"
# What stands for the affirmed half of a sentence that affirms nothing; every image fits it equally.
ANYTHING = "a photo"


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

    def others(self, sentence: str) -> int:
        """Return what it says of what it does not name: -1 denies it, 1 affirms it, 0 says nothing.

        A sentence that stands as it was written, even "a dog and something else", says nothing of it.
        """
        if ELSE in self.negated:
            return -1
        return int(self.affirmed.endswith(BESIDES) and self.affirmed != sentence)


class Reader(Protocol):
    """Tells the halves of sentences."""

    def read(self, sentences: Sequence[str]) -> list[Reading]:
        """Return the reading of each sentence, in their order."""


class Halves(NamedTuple):
    """What T sentences affirm and negate, as embeddings.

    Attributes:
        vectors: [T, d] of the affirmed half: of the sentence itself, as it stands, where it negates nothing.
        affirms: [T] booleans: the sentence affirms something.
        negated: [N, d] of what all sentences negate, in their order.
        starts: [T + 1] sentence i negates the rows `starts[i]:starts[i + 1]` of `negated`.
        others: [T] -1 where all that a sentence does not name is denied, 1 where it says that there is
            something else, 0 where it says nothing of it.
    """

    vectors: Embeddings
    affirms: NDArray[np.bool_]
    negated: Embeddings
    starts: NDArray[np.int64]
    others: NDArray[np.int8]


ReadHalves = Callable[[Sequence[str]], Halves]
