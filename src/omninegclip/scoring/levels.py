"""How high an image scores with any text, which says nothing of what it shows."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from omninegclip.embeddings import Embeddings
from omninegclip.scoring.halves import ZScores, standardised


class Levels(NamedTuple):
    """What the level of an image is told by: many things, of which an image shows few.

    Attributes:
        things: [V, d] embeddings of nouns.
        mean: [V] of their cosines over unlabelled images.
        deviation: [V] their standard deviations.
    """

    things: Embeddings
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    def of(self, images: Embeddings) -> ZScores:
        """Return b [n] of images [n, d], the mean of z over the things.

        b(I) = mean_V z(V, I)
        """
        z = standardised(self.things @ np.asarray(images, np.float32).T, self.mean, self.deviation)
        return np.asarray(z.mean(axis=0), np.float64)
