"""Picture files to upright RGB pictures, with a limit that is checked before anything is decoded."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from omninegclip.errors import OmniNegClipError

MAX_PIXELS = 89_478_485  # Pillow's own line for a suspected decompression bomb: 256 MiB of RGB


def open_image(source: Path | bytes | Image.Image, name: str = "the picture") -> Image.Image:
    """Return `source` as an upright RGB picture.

    The EXIF orientation is applied. Alpha and palette transparency are dropped as CLIP's own code drops
    them, 16-bit greyscale is scaled to 8 bits (Pillow would clip it to white), and of an animation the first
    frame counts.

    Args:
        source: a path, the bytes of a file, or a picture that Pillow has opened.
        name: what an error calls a source that is no path.

    Raises:
        OmniNegClipError: no readable picture, or one of more than MAX_PIXELS pixels.
    """
    name = str(source) if isinstance(source, Path) else name
    try:
        image = source if isinstance(source, Image.Image) else _open(source)
        if image.width * image.height > MAX_PIXELS:
            raise OmniNegClipError(_too_big(name))
        return _rgb(_upright(image))
    except Image.DecompressionBombError as error:
        raise OmniNegClipError(_too_big(name)) from error
    except FileNotFoundError as error:
        raise OmniNegClipError(f"{name} does not exist: name a picture file.") from error
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow's decoders raise on broken files
        reason = "it is no picture file" if isinstance(error, UnidentifiedImageError) else str(error)
        raise OmniNegClipError(f"Can't read the picture {name}: {reason}.") from error


def _open(source: Path | bytes) -> Image.Image:
    return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    try:
        return ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError, TypeError):  # a broken EXIF block says nothing about the pixels
        return image


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        levels = np.asarray(image).astype(np.int64)
        image = Image.fromarray((levels.clip(0, 65535) >> 8).astype(np.uint8))
    return image if image.mode == "RGB" else image.convert("RGB")


def _too_big(name: str) -> str:
    return f"The picture {name} has more than {MAX_PIXELS:,} pixels: scale it down first."
