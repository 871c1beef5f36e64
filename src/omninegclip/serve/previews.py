"""Images of the index made small: what was indexed and nothing else, without what its file says beside."""

import hashlib
from base64 import b64decode
from binascii import Error as Base64Error
from io import BytesIO
from pathlib import Path
from threading import Lock

import numpy as np
from cachetools import LRUCache
from PIL import Image

from omninegclip.clip.transform import ImageTransform
from omninegclip.errors import OmniNegClipError
from omninegclip.images import MAX_BYTES, open_image, open_regular, opened
from omninegclip.index.engine import VectorEngine
from omninegclip.index.names import path_of
from omninegclip.serve.problems import GoneError
from omninegclip.serve.service import Pixels

CACHED = 64 * 2**20  # bytes of previews


class Previews:
    """Small JPEGs of the images of an index, the latest of them kept in memory."""

    def __init__(self, engine: VectorEngine) -> None:
        """Show the images of an engine's rows."""
        self._engine = engine
        self._cache: LRUCache[tuple[str, int], bytes] = LRUCache(CACHED, getsizeof=len)
        self._lock = Lock()

    def known(self, row_id: str, side: int) -> bytes | None:
        """Return a preview that was made before; None where there is none."""
        with self._lock:
            return self._cache.get((row_id, side))

    def make(self, row_id: str, side: int) -> bytes:
        """Return the image of a row, at most `side` pixels wide and high.

        Its path is taken from the index alone, and its content must be what was indexed: neither a request
        nor a link that was put in its place since then leads elsewhere.

        Raises GoneError when there is no such row, or its file is not what was indexed.
        """
        rows = self._engine.get([row_id]).select(["path", "content"]).to_pylist()
        if not rows:
            raise GoneError("The index has no image of this id.")
        made = _small(_as_indexed(Path(path_of(rows[0]["path"])), rows[0]["content"]), side)
        with self._lock:
            self._cache[row_id, side] = made
        return made


class Uploads:
    """Image files of requests, made ready for the model."""

    def __init__(self, transform: ImageTransform, most_pixels: int) -> None:
        """Take images of at most `most_pixels`."""
        self._transform, self._most = transform, most_pixels

    def pixels(self, files: list[str]) -> Pixels:
        """Return files in Base64 as pixels [n, 3, size, size].

        Raises OmniNegClipError for one that is no Base64, no image, or too large; nothing of it is decoded.
        """
        names = [f"{number} of the request" for number in range(len(files))] if len(files) > 1 else [""]
        return np.stack([self._one(file, name) for file, name in zip(files, names, strict=True)])

    def _one(self, file: str, name: str) -> Pixels:
        called = f"The image {name}".rstrip()
        try:
            raw = b64decode(file, validate=True)
        except (Base64Error, ValueError) as error:
            raise OmniNegClipError(f"{called} is not Base64: encode the bytes of its file.") from error
        with opened(raw, name) as image:
            if image.width * image.height > self._most:
                raise OmniNegClipError(
                    f"{called} has {image.width:,} x {image.height:,} pixels, and {self._most:,} are "
                    "taken at most: scale it down first."
                )
            return self._transform(image)


def _as_indexed(path: Path, content: str | None) -> bytes:
    try:
        with open_regular(path) as file:
            raw = file.read(MAX_BYTES)
    except (OSError, OmniNegClipError) as error:
        raise GoneError("The image can't be read any more: index its folder again.") from error
    if hashlib.sha256(raw).hexdigest() != content:
        raise GoneError("The file is not what was indexed: index its folder again.")
    return raw


def _small(raw: bytes, side: int) -> bytes:
    """Return an image file as a small JPEG that holds pixels alone."""
    try:
        image = open_image(raw)
    except OmniNegClipError as error:
        raise GoneError("The image can't be decoded any more.") from error
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    image.info.clear()  # Pillow would write a comment of the file again
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
