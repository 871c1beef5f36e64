"""Flickr8k and Flickr30k token files: `image.jpg#0<TAB>caption` (Hodosh et al., 2013; Young et al., 2014)."""

import re
from collections.abc import Iterator
from pathlib import Path

from omninegclip.data.items import CaptionedImage, ImageRef
from omninegclip.data.sources import text_lines
from omninegclip.errors import OmniNegClipError

_KEY = re.compile(r"(.+?\.\w+?|[^.]+)(?:\.\d+)?#\d+")


def is_token_file(path: Path) -> bool:
    """Return whether the first line of a text file is one of a token file."""
    key, tab, _ = next(iter(_lines(path)), "").partition("\t")
    return bool(tab and _KEY.fullmatch(key))


def read(path: Path, split_file: Path | None = None) -> Iterator[CaptionedImage]:
    """Yield the images in file order, or those of a split file, one name per line, in its order.

    Flickr8k's one odd key, `2258277193_586949ec62.jpg.1#0`, means that image without `.1`.
    """
    captions: dict[str, list[str]] = {}
    seen: set[str] = set()
    for number, line in enumerate(_lines(path), 1):
        key, tab, caption = line.partition("\t")
        image = _KEY.fullmatch(key)
        if image is None or not tab:
            raise OmniNegClipError(f"Line {number} of {path} is not 'image.jpg#0<TAB>caption'.")
        if key in seen:
            raise OmniNegClipError(f"{path} has the id {key!r} twice: ids must differ.")
        seen.add(key)
        captions.setdefault(image[1], []).append(caption.strip())
    for name in captions if split_file is None else _lines(split_file):
        if name not in captions:
            raise OmniNegClipError(f"{split_file} names {name}, which has no caption in {path}.")
        yield CaptionedImage(name, ImageRef(name), tuple(captions[name]))


def _lines(path: Path) -> list[str]:
    return [line for line in text_lines(path) if line.strip()]
