"""Scores of a sentence's two halves against images: calibrated cosines in, one score per image out.

All functions are pure. They take z, the cosine of a half with an image in standard deviations above what that
half scores on images that nobody labelled (`calibration.Calibration`).

What they assume: over those images the cosine of a text is bell-shaped, so that z can be compared between
texts; and the image's evidence for A and for N is independent. The second fails where the halves share words
or things ("a red car, not a blue car"): z(N) is then high for whatever looks like A.
"""

from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from omninegclip.errors import OmniNegClipError

ZScores = NDArray[np.floating]


class Gate(NamedTuple):
    """The numbers of the gate and of the log-odds.

    Attributes:
        steepness: k of the gate's sigmoid, per standard deviation.
        threshold: t, the z at which a text is as likely to be true of an image as not.
        weight: w of a denial beside the affirmed half.
        level: of an image's level, the share that is taken off every z when texts are chosen among
            (`levels.Levels`): 0 where images hardly differ in it, 1 where they do.
    """

    steepness: float = 4.0
    threshold: float = 2.0
    weight: float = 2.0
    level: float = 0.0

    def but(self, threshold: float | None, level: float | None) -> "Gate":
        """Return the numbers with others in place of some; None leaves one as it is.

        Raises OmniNegClipError for a threshold that is no z, and a level that is no share.
        """
        for name, value in (("threshold", threshold), ("level", level)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, Real)):
                raise OmniNegClipError(f"The {name} is {value!r}: it must be a number.")
        if threshold is not None and not -LARGEST_Z <= threshold <= LARGEST_Z:
            raise OmniNegClipError(
                f"The threshold must be from {-LARGEST_Z} to {LARGEST_Z} standard deviations, not "
                f"{threshold}."
            )
        if level is not None and not 0 <= level <= 1:
            raise OmniNegClipError(f"The level must be a share from 0 to 1, not {level}.")
        changed = self if threshold is None else self._replace(threshold=float(threshold))
        return changed if level is None else changed._replace(level=float(level))


LARGEST_Z = 10  # of a threshold
DEFAULT = Gate()
SUBTRACTED = 0.5  # the weight of z(N) beside z(A) in a difference
EXPLAINED = 0.5  # how much of what the affirmed half explains of another thing's z is taken off it


def standardised(cosines: ZScores, mean: ZScores, deviation: ZScores) -> ZScores:
    """Return z = (cos - mean) / sd.

    Args:
        cosines: [T, n] of T texts with n images, or [T] with one image each.
        mean: [T] of each text's cosines over the unlabelled images.
        deviation: [T] their standard deviations, above 0.
    """
    shape = (-1,) + (1,) * (cosines.ndim - 1)
    return np.asarray((cosines - mean.reshape(shape)) / deviation.reshape(shape))


def probability(z: ZScores, gate: Gate) -> ZScores:
    """Return sigmoid(k (z - t)), how likely a text is true of an image; any shape."""
    return np.asarray(np.exp(-np.logaddexp(0, -gate.steepness * (z - gate.threshold))))


def log_absent(z: ZScores, gate: Gate) -> ZScores:
    """Return log sigmoid(-k (z - t)), the log probability that a text is not true of an image; any shape.

    At most 0; for images that hold what the text says it falls by k with every standard deviation.
    """
    return np.asarray(-np.logaddexp(0, gate.steepness * (z - gate.threshold)))


def gated(affirmed: ZScores | float, negated: ZScores, gate: Gate) -> ZScores:
    """Return the soft gate, for ranking images by one sentence.

        s = z(A) + w sum_N log sigmoid(-k (z(N) - t))

    An image without N keeps its place by A; one that holds N falls behind.

    Args:
        affirmed: z(A) [n], or 0 for a sentence that affirms nothing.
        negated: z(N) [N, n] of the N things that it negates.
        gate: k, t and w.
    """
    return np.asarray(affirmed + gate.weight * log_absent(negated, gate).sum(axis=0))


def subtracted(affirmed: ZScores | float, negated: ZScores, weight: float = SUBTRACTED) -> ZScores:
    """Return z(A) - w sum_N z(N), for ranking images by one sentence; shapes as for `gated`."""
    return np.asarray(affirmed - weight * negated.sum(axis=0))


def something_else(things: ZScores, affirmed: ZScores, shared: ZScores) -> ZScores:
    """Return the evidence that an image holds something else than what is affirmed, on the scale of z.

        e = max_V [z(V) - r_V z(A) / 2]

    What looks like A is expected where A is; half of that, because all of it hides what is there beside A.

    Args:
        things: z(V) [V, n] of the things that an image may hold beside A, at least one.
        affirmed: z(A) [n].
        shared: r [V], the correlation of each thing's cosines with those of A over the unlabelled images.
    """
    return np.asarray((things - EXPLAINED * np.outer(shared, affirmed)).max(axis=0))


def log_odds(affirmed: ZScores | None, negated: ZScores, threshold: float) -> ZScores:
    """Return how much speaks for a sentence, for choosing among sentences about one image.

        s = [z(A) - t] + sum_N [t - z(N)]

    It adds log-odds and not log probabilities, which lets a half that is surely false outweigh one that is
    surely true. Shapes as for `gated`; `affirmed` is None for a sentence that affirms nothing.
    """
    absent = np.asarray((threshold - negated).sum(axis=0))
    return absent if affirmed is None else affirmed - threshold + absent
