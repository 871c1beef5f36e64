"""What any text scores on images that nobody labelled, so that cosines of different texts can be compared."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_file

FILE = "calibration.safetensors"
IMAGES = 1000  # of a background; the standard error of a mean is then 3 % of a standard deviation
FEWEST = 50  # below, a standard deviation is off by more than a tenth
_FLAT = 1e-6  # the least standard deviation of a cosine


class Calibration(NamedTuple):
    """A background: embeddings of images that show what a collection shows, without labels.

    Attributes:
        background: [m, d], L2-normalised.
        fingerprint: of the image tower that embedded them.
    """

    background: Embeddings
    fingerprint: str

    def moments(self, texts: Embeddings) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the mean [T] and standard deviation [T] of the cosines of texts [T, d] with the background.

        Raises ValueError when texts and background have different widths.
        """
        if texts.shape[1] != self.background.shape[1]:
            raise ValueError(f"texts have {texts.shape[1]} dimensions, not {self.background.shape[1]}")
        cosines = texts @ self.background.T
        return cosines.mean(axis=1), np.maximum(cosines.std(axis=1), _FLAT)

    def save(self, path: Path) -> None:
        """Write the file `path`, whole or not at all. Raises OmniNegClipError when it can't be written."""
        with atomic_file(path) as partial:
            save_file({"background": self.background}, partial, {"image_fingerprint": self.fingerprint})


def load_calibration(path: Path, fingerprint: str) -> Calibration:
    """Read a calibration for the image tower with this fingerprint.

    Raises OmniNegClipError for a file that is missing, damaged, or of another image tower.
    """
    try:
        with safe_open(path, framework="np") as stored:
            metadata, background = stored.metadata() or {}, stored.get_tensor("background")
    except FileNotFoundError as error:
        raise OmniNegClipError(f"{path} does not exist: `omninegclip calibrate` makes it.") from error
    except (SafetensorError, OSError) as error:
        raise OmniNegClipError(f"{path} is not a calibration: {error}.") from error
    if background.ndim != 2 or not background.size or not np.isfinite(background).all():
        raise OmniNegClipError(f"{path} is not a calibration: its background is no table of embeddings.")
    if (made_for := metadata.get("image_fingerprint", "")) != fingerprint:
        raise OmniNegClipError(
            f"{path} is of another image tower than this model's: make one with `omninegclip calibrate`."
        )
    return Calibration(background.astype(np.float32), made_for)
