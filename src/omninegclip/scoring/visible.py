"""What a model sees in captioned images: how likely each object is there, by its calibrated score."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from omninegclip.captions.lexicon import Lexicon
from omninegclip.captions.negate import Captioned
from omninegclip.captions.templates import with_article
from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.progress import track
from omninegclip.scoring.calibration import Calibration
from omninegclip.scoring.halves import DEFAULT, probability, standardised

AT_ONCE = 256  # images between two steps of the progress bar


class Sees(Protocol):
    """What is needed of a model."""

    def embed_text(self, texts: Sequence[str]) -> Embeddings:
        """Return [n, d] L2-normalised embeddings of n texts."""

    def embed_image(self, images: Sequence[Path]) -> NDArray[np.float32]:
        """Return [n, d] L2-normalised embeddings of n images."""


def look(
    images: Sequence[Captioned], folder: Path, lexicon: Lexicon, model: Sees, calibration: Calibration
) -> list[Captioned]:
    """Return the images with the probability of each object of the lexicon, those of 0.001 and more.

    Args:
        images: each with its file, in `folder` or absolute.
        folder: of the images.
        lexicon: the objects that are looked for, "a photo of a dog" each.
        model: which looks, batch by batch.
        calibration: of that model's image tower.

    Raises:
        OmniNegClipError: an image has no file, or one that can't be read.
    """
    names = list(lexicon.objects)
    texts = model.embed_text([f"a photo of {with_article(lexicon.concepts[name].noun)}" for name in names])
    mean, deviation = calibration.moments(texts)
    found: list[Captioned] = []
    for start in track(range(0, len(images), AT_ONCE), "looking at images", -(-len(images) // AT_ONCE)):
        some = images[start : start + AT_ONCE]
        cosines = texts @ model.embed_image([_file(image, folder) for image in some]).T
        likely = probability(standardised(cosines, mean, deviation), DEFAULT).round(3)
        for image, column in zip(some, likely.T, strict=True):
            seen = {name: float(p) for name, p in zip(names, column, strict=True) if p > 0}
            found.append(replace(image, seen=seen))
    return found


def _file(image: Captioned, folder: Path) -> Path:
    if image.image is None:
        raise OmniNegClipError(
            f"The caption of {image.image_id!r} names no image: to be screened it needs a column image."
        )
    path = folder / image.image
    if not path.is_file():
        raise OmniNegClipError(f"{path} does not exist: name the folder of the images with --images.")
    return path
