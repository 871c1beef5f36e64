"""A few fixed texts and images whose embeddings show whether a model still computes what it did."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from omninegclip.clip.encoder import Encoder
from omninegclip.embeddings import Embeddings

PROBE_TEXTS = (
    "a photo of a cat",
    "a photo without a cat",
    "two dogs on a beach, but no person",
    "a red square left of a blue circle",
    "a street at night in the rain, seen from a window of the upper floor, with no car anywhere",
)
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
