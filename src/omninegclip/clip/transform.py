"""The image transform of CLIP, pinned to one implementation so that embeddings are the same everywhere."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from omninegclip.clip.images import MAX_PIXELS, open_image
from omninegclip.errors import OmniNegClipError

FILE = "preprocessor_config.json"
OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class ImageTransform:
    """Resize the shorter side to `size` (bicubic), crop the centre, normalise: (v / 255 - mean) / std.

    Equal, bit for bit, to transformers' `CLIPImageProcessorPil` on RGB pictures.

    Args:
        size: side of the square that the image tower takes, in pixels.
        mean: per channel, in [0, 1].
        std: per channel, in [0, 1].
    """

    size: int = 224
    mean: tuple[float, ...] = OPENAI_MEAN
    std: tuple[float, ...] = OPENAI_STD

    def __call__(self, source: Image.Image | Path | bytes) -> NDArray[np.float32]:
        """Return the pixels [3, size, size] of a picture; raises as `open_image` does."""
        pixels = np.asarray(self._crop(open_image(source)))
        return np.stack([levels[pixels[..., channel]] for channel, levels in enumerate(self._levels)])

    def _crop(self, image: Image.Image) -> Image.Image:
        short = min(image.size)
        width, height = (int(self.size * side / short) for side in image.size)
        if width * height > MAX_PIXELS:
            raise OmniNegClipError(
                f"A picture of {image.width} x {image.height} is too long and thin: crop it first."
            )
        left, top = (width - self.size) // 2, (height - self.size) // 2
        resized = image.resize((width, height), Image.Resampling.BICUBIC)
        return resized.crop((left, top, left + self.size, top + self.size))

    @cached_property
    def _levels(self) -> NDArray[np.float32]:
        # 256 possible values per channel: a table [3, 256], rounded as transformers rounds, is faster
        values = (np.arange(256) * (1 / 255)).astype(np.float32)
        mean, std = np.array(self.mean, np.float32)[:, None], np.array(self.std, np.float32)[:, None]
        return np.asarray((values - mean) / std, dtype=np.float32)

    def to_config(self) -> dict[str, Any]:
        """Return what Hugging Face libraries read from `preprocessor_config.json`."""
        return {
            "image_processor_type": "CLIPImageProcessor",
            "do_resize": True,
            "size": {"shortest_edge": self.size},
            "resample": int(Image.Resampling.BICUBIC),
            "do_center_crop": True,
            "crop_size": {"height": self.size, "width": self.size},
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": list(self.mean),
            "image_std": list(self.std),
            "do_convert_rgb": True,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "ImageTransform":
        """Return the transform that a `preprocessor_config.json` describes.

        Raises:
            OmniNegClipError: it describes another transform than CLIP's.
        """
        size, crop = config.get("size", 224), config.get("crop_size", config.get("size", 224))
        edge = size.get("shortest_edge", size.get("height")) if isinstance(size, Mapping) else size
        square = crop.get("height", crop.get("shortest_edge")) if isinstance(crop, Mapping) else crop
        steps = ("do_resize", "do_center_crop", "do_rescale", "do_normalize")
        bicubic = config.get("resample", Image.Resampling.BICUBIC) == Image.Resampling.BICUBIC
        if edge != square or not bicubic or not all(config.get(step, True) for step in steps):
            raise OmniNegClipError(
                f"The {FILE} asks for another transform than CLIP's (bicubic resize of the shorter side, "
                "centre crop to the same size, normalise): correct the file if the model was trained with it."
            )
        mean, std = config.get("image_mean", OPENAI_MEAN), config.get("image_std", OPENAI_STD)
        return cls(int(edge), tuple(map(float, mean)), tuple(map(float, std)))

    def save(self, folder: Path) -> None:
        """Write `preprocessor_config.json` into `folder`."""
        (folder / FILE).write_text(json.dumps(self.to_config(), indent=2) + "\n")
