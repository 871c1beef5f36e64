"""The score of a search: how well images fit, by the calibrated halves of the question.

Every score is a part that is linear in the image's vector, by which an engine can find candidates, and a
part that only takes away. So what the last candidate has of the first part is the most that any image could
have that is not among the candidates.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from omninegclip.embeddings import Embeddings
from omninegclip.scoring.calibration import Calibration
from omninegclip.scoring.halves import DEFAULT, SUBTRACTED, Gate, log_absent, probability, standardised
from omninegclip.scoring.others import Others

ScoreName = Literal["gate", "subtract", "filter", "cosine"]
Numbers = NDArray[np.floating]


@dataclass(frozen=True)
class Half:
    """Vectors [n, d], with mean and standard deviation [n] of their cosines over the background."""

    vectors: Embeddings
    mean: Numbers
    deviation: Numbers

    @classmethod
    def of(cls, vectors: Embeddings, calibration: Calibration) -> "Half":
        """Calibrate vectors."""
        mean, deviation = calibration.moments(vectors)
        return cls(vectors, mean.astype(np.float64), deviation.astype(np.float64))

    def z(self, images: NDArray[np.floating]) -> Numbers:
        """Return the calibrated cosines [n, m] with images [m, d], in the precision of the images."""
        return standardised(self.vectors.astype(images.dtype) @ images.T, self.mean, self.deviation)


@dataclass(frozen=True)
class QuestionScore:
    """How well images fit a question.

    Attributes:
        affirmed: what is to be seen; without vectors when that is anything.
        negated: what must not be seen.
        weights: [n] of what must not be seen.
        name: of the score.
        gate: its numbers.
        others: what it says of all that it does not name, None where that is nothing; it counts as one thing
            more that must not be seen.
        others_weight: of that.
    """

    affirmed: Half
    negated: Half
    weights: Numbers
    name: ScoreName = "gate"
    gate: Gate = DEFAULT
    others: Others | None = None
    others_weight: float = 1.0

    @property
    def direction(self) -> Numbers:
        """The vector [d] of the linear part, whose cosine with images sorts them as that part does."""
        wanted = (self.affirmed.vectors / self.affirmed.deviation[:, None]).sum(axis=0)
        if self.name == "subtract" or not len(self.affirmed.vectors):
            weighted = self.weights / self.negated.deviation
            unwanted = (self.negated.vectors * weighted[:, None]).sum(axis=0)
            return np.asarray(wanted / max(len(self.affirmed.vectors), 1) - SUBTRACTED * unwanted)
        return np.asarray(wanted / len(self.affirmed.vectors))

    @property
    def is_sorted(self) -> bool:
        """Whether the linear part bounds the score; else all images are scored."""
        if self.others is not None and self.name == "subtract":
            return False
        return bool(len(self.affirmed.vectors)) or self.name == "subtract" or len(self.weights) == 1

    def parts(self, images: NDArray[np.floating]) -> tuple[Numbers, Numbers]:
        """Return the scores [m] of images [m, d], and the most [m] that an image can have further on.

        A score of -inf says that the image is excluded.
        """
        wanted = self.affirmed.z(images).mean(axis=0) if len(self.affirmed.vectors) else np.zeros(len(images))
        z, weights = self.negated.z(images), self.weights
        if self.others is not None:
            z = np.vstack([z, self.others.denied(images.T, wanted, self.gate)])
            weights = np.append(weights, self.others_weight)
        if not len(weights) or self.name == "cosine":
            return wanted, wanted
        if self.name == "subtract":
            score = wanted - SUBTRACTED * weights @ z
            return score, score
        if self.name == "filter":
            score = np.where((z >= self.gate.threshold).any(axis=0), -np.inf, wanted)
        else:
            score = wanted + self.gate.weight * weights @ log_absent(z, self.gate)
        # images that are sorted by one denied half alone only fit less and less
        return score, wanted if len(self.affirmed.vectors) else score

    def in_range(self, scores: Numbers) -> Numbers:
        """Return scores on the scale from 0 to 1 that all engines and all ways to score share.

        It is the probability of what is affirmed, lowered by what is denied. When nothing is affirmed it is
        the probability that nothing of what is denied is there.
        """
        if len(self.affirmed.vectors) or self.name == "subtract":
            return probability(scores, self.gate)
        return np.asarray(np.exp(scores / self.gate.weight))

    def probabilities(self, images: Embeddings) -> tuple[Numbers, Numbers]:
        """Return the probability of each half: [p, m] of what is affirmed, and [n, m] of what is negated."""
        return probability(self.affirmed.z(images), self.gate), probability(self.negated.z(images), self.gate)

    def something_else(self, images: Embeddings) -> Numbers | None:
        """Return the probability [m] that images show something else than what is affirmed.

        None where the question says nothing of it.
        """
        if self.others is None:
            return None
        z = self.others.denied(images.T, self.affirmed.z(images).mean(axis=0), self.gate)
        there = 2 * self.gate.threshold - z if self.others.there else z
        return probability(there, self.gate)
