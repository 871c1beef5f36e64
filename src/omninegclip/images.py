"""Image files to upright RGB images: the one place that opens the image files of others.

Only FORMATS are decoded, whatever else Pillow knows: its reader of EPS starts a program. What a file claims
is checked before memory is taken for it.
"""

import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import ExifTags, Image, UnidentifiedImageError, features

from omninegclip.errors import OmniNegClipError
from omninegclip.extras import install

FORMATS = (
    "JPEG",
    "PNG",
    "WEBP",
    "GIF",
    "BMP",
    "TIFF",
    "PPM",
    "AVIF",
)  # MPO is read as JPEG, HEIC by an extra
SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jpeg", ".jpg", ".mpo", ".png", ".ppm"}
    | {".tif", ".tiff", ".webp"}
)
MAX_PIXELS = 89_478_485  # Pillow's own line for a suspected decompression bomb: 256 MiB of RGB
MAX_BYTES = 8 * MAX_PIXELS  # of a file: that many pixels of four channels with 16 bits, not compressed

Box = tuple[float, float, float, float]

_AVIF_BRANDS = (b"avif", b"avis")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
_TURNS = {  # EXIF orientation -> what makes the image upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TILE_SIDES = (322, 323)  # the tags of a TIFF that say how wide and high its tiles are
_TO_8_BITS = [level >> 8 for level in range(1 << 16)]


def open_image(
    source: Path | bytes | Image.Image, name: str | None = None, box: Box | None = None
) -> Image.Image:
    """Return `source`, or the crop of it that `box` means, as an upright RGB image.

    The EXIF orientation is applied. Alpha and palette transparency are dropped as CLIP's own code drops
    them, 16-bit greyscale is scaled to 8 bits (Pillow would clip it to white), and of an animation the first
    frame counts.

    Args:
        source: a path, the bytes of a file, or an image that Pillow has opened.
        name: what an error calls the image; a path names itself.
        box: x, y, width and height in the pixels as stored, before any turn; what lies outside is black.

    Raises:
        OmniNegClipError: no readable image, one of more than MAX_PIXELS pixels or MAX_BYTES bytes, or a box
            that holds no pixel.
    """
    with opened(source, name) as image:
        return _upright(image if box is None else _crop(image, box, _called(source, name)))


@contextmanager
def opened(source: Path | bytes | Image.Image, name: str | None = None) -> Iterator[Image.Image]:
    """Yield an image as Pillow opens it: its size is checked, and nothing of it decoded yet.

    Raises OmniNegClipError as `open_image` does, also for what goes wrong where the block decodes it.
    """
    called = _called(source, name)
    try:
        if isinstance(source, Image.Image):
            _check_size(source, called)
            yield source
        else:
            with _stream(source) as file:
                image = _identified(file, called)
                _check_size(image, called)
                yield image
    except OmniNegClipError:
        raise
    except FileNotFoundError as error:
        raise OmniNegClipError(f"{source!s} does not exist: name an image file.") from error
    except Image.DecompressionBombError as error:
        raise OmniNegClipError(_too_big(called)) from error
    except MemoryError as error:
        raise OmniNegClipError(f"Can't read {called}: there is too little memory for it.") from error
    except Exception as error:  # on broken files, Pillow's decoders raise every kind
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise OmniNegClipError(f"Can't read {called}: {reason.rstrip('.')}.") from error


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read its bytes, but no pipe, device or folder, which could wait or act.

    Raises OSError when it can't be opened, and OmniNegClipError when it is not a regular file.
    """
    # without O_NONBLOCK, opening a pipe waits for somebody who writes into it
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OmniNegClipError(f"{path} is not a regular file: name an image file.")
    return os.fdopen(handle, "rb")


def _stream(source: Path | bytes) -> BinaryIO:
    file = BytesIO(source) if isinstance(source, bytes) else open_regular(source)
    size = len(source) if isinstance(source, bytes) else os.fstat(file.fileno()).st_size
    if size > MAX_BYTES:  # some decoders read the whole file first
        file.close()
        raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
    return file


def _identified(file: BinaryIO, called: str) -> Image.Image:
    head = file.read(16)
    brand = head[8:12] if head[4:8] == b"ftyp" else b""
    formats = (*_formats(), "HEIF") if brand in _HEIF_BRANDS and _has_heif() else _formats()
    try:
        return Image.open(file, formats=formats)
    except UnidentifiedImageError as error:
        raise OmniNegClipError(f"Can't read {called}: {_why_not(brand)}.") from error


@cache
def _formats() -> tuple[str, ...]:
    Image.init()  # or Pillow loads its readers on demand, but for good only those of five formats
    return tuple(form for form in FORMATS if form in Image.OPEN)


@cache
def _has_heif() -> bool:
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def _why_not(brand: bytes) -> str:
    if brand in _AVIF_BRANDS and not features.check("avif"):
        return "it is an AVIF image, and Pillow has no AVIF here: python -m pip install 'pillow>=11.3'"
    if brand in _HEIF_BRANDS and not _has_heif():
        return f"it is a HEIC image, which needs an extra: {install('heif')}"
    return (
        "it is not an image file, or damaged (JPEG, PNG, WebP, GIF, BMP, TIFF, PPM, AVIF and HEIC are read)"
    )


def _check_size(image: Image.Image, called: str) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise OmniNegClipError(_too_big(called))
    # a tile of a TIFF may be larger than the image, and is decoded whole
    sides = [getattr(image, "tag_v2", {}).get(tag, 1) for tag in _TILE_SIDES]
    if not all(isinstance(side, int) for side in sides) or math.prod(sides) > MAX_PIXELS:
        raise OmniNegClipError(f"Can't read {called}: its tiles have more than {MAX_PIXELS:,} pixels.")


def _crop(image: Image.Image, box: Box, called: str) -> Image.Image:
    x, y, width, height = box
    if not all(map(math.isfinite, box)) or width < 1 or height < 1:
        raise OmniNegClipError(f"The box {list(box)} of {called} is empty: width and height are needed.")
    if x + width <= 0 or y + height <= 0 or x >= image.width or y >= image.height:
        raise OmniNegClipError(
            f"The box {list(box)} of {called} lies outside its {image.width} x {image.height} pixels."
        )
    left, top, right, bottom = map(round, (x, y, x + width, y + height))
    if (right - left) * (bottom - top) > MAX_PIXELS:
        raise OmniNegClipError(f"The box {list(box)} of {called} has more than {MAX_PIXELS:,} pixels.")
    return image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    turn = _turn(image)
    image = _rgb(image)
    if turn is not None:
        image = image.transpose(turn)
        image.info.clear()  # says still how to turn it
    return image


def _turn(image: Image.Image) -> Image.Transpose | None:
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a broken EXIF block, of which every kind is raised, says nothing about the pixels
        return None


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        image = image.convert("I").point(
            _TO_8_BITS, "L"
        )  # which takes what is below and above for 0 and 65535
    return image if image.mode == "RGB" else image.convert("RGB")


def _called(source: Path | bytes | Image.Image, name: str | None) -> str:
    name = str(source) if isinstance(source, Path) else name
    return f"the image {name}" if name else "the image"


def _too_big(called: str) -> str:
    return f"T{called[1:]} has more than {MAX_PIXELS:,} pixels: scale it down first."
