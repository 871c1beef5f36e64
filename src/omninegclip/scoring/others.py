"""What images may hold beside what a text names, for "only a dog" and "not only a dog"."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from omninegclip.captions.lexicon import Lexicon, english
from omninegclip.embeddings import Embeddings, EmbedText
from omninegclip.reading.noun_phrases import indefinite
from omninegclip.scoring.calibration import Calibration
from omninegclip.scoring.halves import Gate, something_else, standardised
from omninegclip.scoring.levels import Levels

_ALIKE = 0.7  # a thing whose cosines go with those of A like this may be A by another name


class Others(NamedTuple):
    """What a text says of all that it does not name.

    Attributes:
        there: the text affirms that there is something else, and does not deny it.
        things: [V, d] embeddings of what that can be.
        mean: [V] of their cosines over unlabelled images.
        deviation: [V] their standard deviations.
        shared: [V] the correlations of these cosines with those of what the text affirms.
    """

    there: bool
    things: Embeddings
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    shared: NDArray[np.float32]

    def denied(
        self, images: NDArray[np.floating], affirmed: NDArray[np.floating], gate: Gate
    ) -> NDArray[np.floating]:
        """Return z [n] of what the text denies in images [d, n], given its z(A) [n].

        It is the evidence for something else, or mirrored at t, where that is as likely as not, the evidence
        that there is nothing else.
        """
        z = standardised(self.things @ images, self.mean, self.deviation)
        evidence = something_else(z, affirmed, self.shared)
        return np.asarray(2 * gate.threshold - evidence if self.there else evidence)


class KnownThings:
    """Nouns that images are looked through for where a text speaks of what it does not name."""

    def __init__(self, embed_text: EmbedText, nouns: Sequence[str] = ()) -> None:
        """Embed `nouns`, or the objects of the English lexicon where there are none."""
        self.lexicon: Lexicon = english().extended(nouns)
        self.nouns = tuple(dict.fromkeys(nouns)) or tuple(english().objects)
        self.vectors = embed_text([indefinite(noun) for noun in self.nouns])

    def levels(self, calibration: Calibration) -> Levels:
        """Return what tells the level of images, for the model of a calibration."""
        return Levels(self.vectors, *calibration.moments(self.vectors))

    def beside(self, text: str, vector: Embeddings, there: bool, calibration: Calibration) -> Others | None:
        """Return what may be beside what a text names, None where every noun is named or like it.

        Args:
            text: the whole of it; what it names, kinds of that, and what that is a kind of are left out.
            vector: [d] of what it affirms.
            there: whether the text affirms that there is something else.
            calibration: of the model that embeds.
        """
        said = self.lexicon.mentions(text)
        named = said.named | said.unsafe
        shared = calibration.correlations(vector, self.vectors)
        rows = [
            row
            for row, noun in enumerate(self.nouns)
            if shared[row] <= _ALIKE and named.isdisjoint(self.lexicon.resolve(noun))
        ]
        if not rows:
            return None
        things = self.vectors[rows]
        return Others(there, things, *calibration.moments(things), shared[rows])
