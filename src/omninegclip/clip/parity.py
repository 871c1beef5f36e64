"""A few fixed texts and images whose embeddings show whether a model still computes what it did."""

from copy import copy
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from omninegclip.clip.device import ComputePlace
from omninegclip.clip.encoder import ClipEncoder, Encoder
from omninegclip.embeddings import Embeddings
from omninegclip.progress import console

PROBE_TEXTS = (
    "a photo of a cat",
    "a photo without a cat",
    "two dogs on a beach, but no person",
    "a red square left of a blue circle",
    "a street at night in the rain, seen from a window of the upper floor, with no car anywhere",
)
NOUNS = ("cat", "dog", "car", "bus", "tree", "boat", "horse", "chair", "bird", "cup", "child", "hat")
CAPTION = "a photo of a {}"
NEGATIONS = ("a photo of no {}", "a photo without a {}", "there is no {} in the photo")
TOLERANCE = 1e-4  # of a cosine; other machines and library versions differ by about 1e-6


def probe_images() -> list[Image.Image]:
    """Return the fixed images: gradients with bright rectangles, of several shapes."""
    made = []
    for seed, (height, width) in enumerate([(240, 320), (320, 240), (224, 224), (90, 120)], start=1):
        y, x = np.mgrid[:height, :width]
        channels = [(x * seed + y * (channel + 1)) % 256 for channel in range(3)]
        channels[seed % 3][height // 4 : height // 2, width // 4 : width // 2] = 255
        made.append(Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8)))
    return made


def probe_embeddings(encoder: Encoder) -> Embeddings:
    """Return the embeddings [texts + images, d] of the probe."""
    return np.concatenate([encoder.embed_text(PROBE_TEXTS), encoder.embed_image(probe_images())])


def probe_cosines(encoder: Encoder) -> NDArray[np.float64]:
    """Return all cosines [n, n] within the probe, to six decimals: small enough to keep in a file."""
    embeddings = probe_embeddings(encoder).astype(np.float64)
    return np.round(embeddings @ embeddings.T, 6)


class PrecisionLoss(NamedTuple):
    """What a number format changes of a model's cosines with the probe's images.

    Attributes:
        cosines: the largest change of a cosine.
        flipped: the share of choices between a caption and its negated form, by an image, that change.
    """

    cosines: float
    flipped: float

    @property
    def holds(self) -> bool:
        """Whether embeddings in that format can stand for those in fp32: 0.002, and a choice in a hundred."""
        return self.cosines <= 0.002 and self.flipped <= 0.01


def precision_loss(encoder: ClipEncoder, precision: str) -> PrecisionLoss:
    """Return what `precision` changes of the model, where it is, on 12 captions and 36 negated ones."""
    other = copy(encoder)
    other.precision = precision
    texts = [form.format(noun) for form in (CAPTION, *NEGATIONS) for noun in NOUNS]
    exact, rounded = (
        each.similarity(texts, probe_images()).reshape(1 + len(NEGATIONS), len(NOUNS), -1)
        for each in (in_fp32(encoder), other)
    )
    flipped = (exact[1:] > exact[0]) != (rounded[1:] > rounded[0])
    return PrecisionLoss(float(np.abs(exact - rounded).max()), float(flipped.mean()))


def in_fp32(encoder: ClipEncoder) -> ClipEncoder:
    """Return the same model, embedding in fp32."""
    exact = copy(encoder)
    exact.precision = "fp32"
    return exact


def put(encoder: ClipEncoder, place: ComputePlace) -> None:
    """Move a model to its place, and say that fp32 is used where its embeddings would lose too much.

    NaN, as of an overflow, is too much.
    """
    torch.nn.Module.to(encoder.model, place.device)
    if place.precision == "fp32":
        return
    loss = precision_loss(encoder, place.precision)
    if loss.holds:
        encoder.precision = place.precision
        return
    console.print(
        f"Embedding in fp32: {place.precision} would change this model's cosines by up to {loss.cosines:.4f} "
        f"and {loss.flipped:.1%} of its choices between a caption and its negated form."
    )
