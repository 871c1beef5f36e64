"""The image transform of a model, pinned to one implementation so that embeddings are the same everywhere."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from omninegclip.clip.io.metadata import read_json, read_part
from omninegclip.errors import OmniNegClipError
from omninegclip.images import MAX_PIXELS, open_image

FILE, PROCESSOR, OPEN_CLIP = "preprocessor_config.json", "processor_config.json", "open_clip_config.json"
OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)
LARGEST_SIDE = 4096  # pixels that an image tower takes; the largest in use take 1,024
STEPS = ("do_resize", "do_rescale", "do_normalize")
SQUASHING = (
    "ViT",
    "Siglip",
    "DeiT",
)  # image processors that resize both sides and don't crop


@dataclass(frozen=True)
class ImageTransform:
    """Resize the shorter side to `size` (bicubic), crop the centre, normalise: (v / 255 - mean) / std.

    Equal, bit for bit, to transformers' `CLIPImageProcessorPil` on RGB images. Other families squash the
    image into the square instead.

    Args:
        size: side of the square that the image tower takes, in pixels.
        mean: per channel, in [0, 1].
        std: per channel, in [0, 1].
        crop: False resizes both sides to `size`, whatever the shape of the image.
        resample: how pixels are resampled.
    """

    size: int = 224
    mean: tuple[float, ...] = OPENAI_MEAN
    std: tuple[float, ...] = OPENAI_STD
    crop: bool = True
    resample: Image.Resampling = Image.Resampling.BICUBIC

    def __call__(self, source: Image.Image | Path | bytes) -> NDArray[np.float32]:
        """Return the pixels [3, size, size] of an image; raises as `open_image` does."""
        pixels = np.asarray(self._square(open_image(source)))
        return np.stack([levels[pixels[..., channel]] for channel, levels in enumerate(self._levels)])

    def _square(self, image: Image.Image) -> Image.Image:
        if not self.crop:
            return image.resize((self.size, self.size), self.resample)
        short = min(image.size)
        width, height = (int(self.size * side / short) for side in image.size)
        if width * height > MAX_PIXELS:
            raise OmniNegClipError(
                f"An image of {image.width} x {image.height} is too long and thin: crop it first."
            )
        left, top = (width - self.size) // 2, (height - self.size) // 2
        resized = image.resize((width, height), self.resample)
        return resized.crop((left, top, left + self.size, top + self.size))

    @cached_property
    def _levels(self) -> NDArray[np.float32]:
        # 256 possible values per channel: a table [3, 256], rounded as transformers rounds, is faster
        values = (np.arange(256) * (1 / 255)).astype(np.float32)
        mean, std = np.array(self.mean, np.float32)[:, None], np.array(self.std, np.float32)[:, None]
        return np.asarray((values - mean) / std, dtype=np.float32)

    def to_config(self) -> dict[str, object]:
        """Return what Hugging Face libraries read from `preprocessor_config.json`."""
        square = {"height": self.size, "width": self.size}
        kind: dict[str, object] = {
            "image_processor_type": "ViTImageProcessor",
            "do_resize": True,
            "size": square,
        }
        if self.crop:
            kind |= {
                "image_processor_type": "CLIPImageProcessor",
                "size": {"shortest_edge": self.size},
                "do_center_crop": True,
                "crop_size": square,
            }
        return kind | {
            "resample": int(self.resample),
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": list(self.mean),
            "image_std": list(self.std),
            "do_convert_rgb": True,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, object], file: str = FILE) -> "ImageTransform":
        """Return the transform that a `preprocessor_config.json` describes; `file` names it in errors.

        Raises:
            OmniNegClipError: it describes neither CLIP's transform nor the squashing one of ViT and SigLIP.
        """
        _require_flags(config, file)
        mean = _channels(config, "image_mean", OPENAI_MEAN, file)
        std = _channels(config, "image_std", OPENAI_STD, file)
        if min(std) <= 0:
            raise OmniNegClipError(f"The {file} is wrong: image_std must be above 0 in each channel.")
        if str(config.get("image_processor_type")).startswith(SQUASHING):
            return cls._squashing(config, mean, std, file)
        size, crop = config.get("size", 224), config.get("crop_size", config.get("size", 224))
        edge = size.get("shortest_edge", size.get("height")) if isinstance(size, Mapping) else size
        square = crop.get("height", crop.get("shortest_edge")) if isinstance(crop, Mapping) else crop
        steps = (*STEPS, "do_center_crop")
        bicubic = config.get("resample", Image.Resampling.BICUBIC) == Image.Resampling.BICUBIC
        if edge != square or not bicubic or not all(config.get(step, True) for step in steps):
            raise OmniNegClipError(
                f"The {file} asks for another transform than CLIP's (bicubic resize of the shorter side, "
                "centre crop to the same size, normalise): correct the file if the model was trained with it."
            )
        return cls(_side(edge, file), mean, std)

    @classmethod
    def _squashing(
        cls, config: Mapping[str, object], mean: tuple[float, ...], std: tuple[float, ...], file: str
    ) -> "ImageTransform":
        size = config.get("size", 224)
        sides = (size.get("height"), size.get("width")) if isinstance(size, Mapping) else (size, size)
        resample = config.get("resample", Image.Resampling.NEAREST)
        smooth = (Image.Resampling.BICUBIC, Image.Resampling.BILINEAR)
        known = next((each for each in smooth if each == resample), None)
        whole = all(config.get(step, True) for step in STEPS) and not config.get("do_center_crop")
        if sides[0] is None or sides[0] != sides[1] or known is None or not whole:
            raise OmniNegClipError(
                f"The {file} asks for another transform than a resize to a square (`resample` 2 or 3) and a "
                "normalisation: correct the file if the model was trained with that."
            )
        return cls(_side(sides[0], file), mean, std, crop=False, resample=known)

    def save(self, folder: Path) -> None:
        """Write `preprocessor_config.json` into `folder`."""
        (folder / FILE).write_text(json.dumps(self.to_config(), indent=2) + "\n")


def find_transform(folder: Path, size: int | None) -> ImageTransform:
    """Return the transform that the files in `folder` describe, and OpenAI's at `size` pixels when none does.

    `size` None takes any.

    Raises:
        OmniNegClipError: it is another transform than CLIP's, or makes images of another size.
    """
    transform = ImageTransform(size or 224)
    if (folder / FILE).exists():
        transform = ImageTransform.from_config(read_json(folder / FILE))
    elif (folder / PROCESSOR).exists():
        processor = read_part(read_json(folder / PROCESSOR), "image_processor", folder / PROCESSOR)
        transform = ImageTransform.from_config(processor, PROCESSOR)
    elif (folder / OPEN_CLIP).exists():
        described = read_part(read_json(folder / OPEN_CLIP), "preprocess_cfg", folder / OPEN_CLIP)
        transform = _from_open_clip(described, size or 224)
    if size is not None and transform.size != size:
        raise OmniNegClipError(
            f"The model in {folder} takes {size} pixels and its image transform makes {transform.size}: "
            "correct the latter."
        )
    return transform


def _require_flags(config: Mapping[str, object], file: str) -> None:
    for step in (*STEPS, "do_center_crop"):
        if not isinstance(config.get(step), bool | None):
            raise OmniNegClipError(
                f"The {file} is wrong: {step} must be true or false, not {config[step]!r}."
            )
    if not isinstance(config.get("image_processor_type"), str | None):
        raise OmniNegClipError(f"The {file} is wrong: image_processor_type must be a name.")


def _channels(
    config: Mapping[str, object], key: str, default: tuple[float, ...], file: str
) -> tuple[float, ...]:
    values = config.get(key, default)
    if (
        not isinstance(values, list | tuple)
        or len(values) != 3
        or not all(type(value) in (int, float) and math.isfinite(value) for value in values)
    ):
        raise OmniNegClipError(f"The {file} is wrong: {key} must be a list of three numbers, not {values!r}.")
    return tuple(map(float, values))


def _side(value: object, file: str) -> int:
    if type(value) is not int or not 0 < value <= LARGEST_SIDE:
        raise OmniNegClipError(
            f"The {file} is wrong: the side of an image must be a whole number from 1 to {LARGEST_SIDE}, "
            f"not {value!r}."
        )
    return value


def _from_open_clip(config: Mapping[str, object], size: int) -> ImageTransform:
    resize, filtering = config.get("resize_mode", "shortest"), config.get("interpolation", "bicubic")
    if not isinstance(filtering, str) or filtering.upper() not in Image.Resampling.__members__:
        raise OmniNegClipError(f"The {OPEN_CLIP} is wrong: there is no interpolation {filtering!r}.")
    return ImageTransform.from_config(
        {
            "size": size,
            "do_center_crop": resize == "shortest",
            "resample": Image.Resampling[filtering.upper()],
            "image_mean": config.get("mean", OPENAI_MEAN),
            "image_std": config.get("std", OPENAI_STD),
        },
        OPEN_CLIP,
    )
