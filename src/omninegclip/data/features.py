"""Features of a frozen image tower, computed once per image and kept on disk."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from omninegclip.errors import OmniNegClipError
from omninegclip.files import append_to, read_sealed, write_sealed
from omninegclip.images import open_image
from omninegclip.progress import console, track

ImageSource = Path | bytes
_CHUNKS = "chunks"  # what a file of hashes holds


class ImageEncoder(Protocol):
    """What the cache needs of a model."""

    @property
    def dim(self) -> int:
        """Size d of an embedding."""

    @property
    def image_fingerprint(self) -> str:
        """Hash of all that decides image embeddings: tower, projection and transform."""

    def embed_image(self, images: Iterable[Path | Image.Image]) -> NDArray[np.float32]:
        """Return [n, d] L2-normalised embeddings of n images."""


@dataclass(frozen=True)
class FrozenFeatures:
    """Features of n images, of which m are distinct.

    Attributes:
        stored: [m, d] float16, on disk.
        rows: [n] the stored row of each image.
    """

    stored: NDArray[np.float16]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        """Return n."""
        return len(self.rows)

    def __getitem__(self, images: NDArray[np.int64] | Tensor) -> Tensor:
        """Return the features [k, d] of k images by number, as float32."""
        images = np.asarray(images)
        return torch.from_numpy(self.stored[self.rows[images]].astype(np.float32))


class ImageFeatureCache:
    """A folder of features, one file of float16 rows for each image tower and list of images.

    A file is named by a hash of both, images by their content, so one of another model, transform or
    collection is never read. One process writes while others wait, chunk after chunk, and an interrupted file
    is taken up where it ends. The hashes of the chunks lie beside it: what is damaged is computed again.
    """

    def __init__(self, folder: Path, chunk: int = 1024) -> None:
        """Keep features in `folder`; an interruption loses at most `chunk` images."""
        self.folder, self.chunk = folder, chunk

    def features(
        self, encoder: ImageEncoder, images: Sequence[ImageSource], contents: Sequence[str] | None = None
    ) -> FrozenFeatures:
        """Return the features of `images`; the tower sees each distinct one once, if they are not stored.

        Images are the same if their bytes are; `contents` is what `contents_of` said of them, if it did.

        Raises:
            OmniNegClipError: An image can't be read, a feature is not finite, or the folder not written.
        """
        contents = contents_of(images) if contents is None else contents
        distinct = dict(zip(contents, images, strict=True))
        number = {content: row for row, content in enumerate(distinct)}
        path = self.folder / f"{_key(encoder.image_fingerprint, distinct)}.f16"
        row_bytes = np.dtype(np.float16).itemsize * encoder.dim
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with _exclusive(path):
                if not self._is_whole(path, len(distinct) * row_bytes):
                    self._write(path, encoder, list(distinct.values()), row_bytes)
            stored = np.memmap(path, np.float16, mode="r", shape=(len(distinct), encoder.dim))
        except OSError as error:
            raise OmniNegClipError(
                f"Can't keep image features in {self.folder}: {error.strerror or error}."
            ) from error
        return FrozenFeatures(stored, np.array([number[content] for content in contents]))

    @staticmethod
    def _is_whole(path: Path, size: int) -> bool:
        """Tell whether the file is there and is what was written."""
        if not path.exists():
            return False
        if path.stat().st_size == size and sum(_whole_chunks(path, _sums(path))) == size:
            return True
        console.print(f"{path} is damaged: its features are computed again.")
        return False

    def _write(
        self, path: Path, encoder: ImageEncoder, images: Sequence[ImageSource], row_bytes: int
    ) -> None:
        """Append to a partial file, as far as it is what was written, and rename it at last."""
        partial, sums = path.with_suffix(".partial"), _sums(path)
        with append_to(partial) as file:
            sizes = _whole_chunks(partial, sums)
            sums, done = sums[: len(sizes)], sum(sizes) // row_bytes
            file.truncate(done * row_bytes)
            starts = range(done, len(images), self.chunk)
            for start in track(starts, f"image features, {self.chunk} at a time", len(starts)):
                rows = _encode(encoder, images[start : start + self.chunk]).tobytes()
                file.write(rows)
                file.flush()
                os.fsync(file.fileno())
                sums.append([len(rows), hashlib.sha256(rows).hexdigest()])
                write_sealed(_beside(path), {_CHUNKS: sums})
        partial.replace(path)


def contents_of(images: Sequence[ImageSource]) -> list[str]:
    """Return the SHA-256 of each image's bytes, which are read once for each distinct one.

    Raises OmniNegClipError when one can't be read.
    """
    distinct = list(dict.fromkeys(images))
    with ThreadPoolExecutor() as pool:
        hashes = track(pool.map(_content, distinct), "Reading the images", len(distinct))
        found = dict(zip(distinct, hashes, strict=True))
    return [found[image] for image in images]


def _content(image: ImageSource) -> str:
    if isinstance(image, bytes):
        return hashlib.sha256(image).hexdigest()
    try:
        with image.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise OmniNegClipError(f"{image} does not exist: name an image file.") from error
    except OSError as error:
        raise OmniNegClipError(f"Can't read the image {image}: {error.strerror or error}.") from error


def _beside(path: Path) -> Path:
    return path.with_suffix(".json")


def _sums(path: Path) -> list[Any]:
    """Return size and SHA-256 of every chunk that was written of a file; none when that isn't known."""
    try:
        found: list[Any] = read_sealed(_beside(path))[_CHUNKS]
    except OmniNegClipError:
        return []
    return found


def _whole_chunks(path: Path, sums: Sequence[Any]) -> list[int]:
    """Return the sizes of the chunks from the beginning of a file that are what was written."""
    sizes = []
    with path.open("rb") as file:
        for size, expected in sums:
            if hashlib.sha256(file.read(size)).hexdigest() != expected:
                break
            sizes.append(size)
    return sizes


def _encode(encoder: ImageEncoder, images: Sequence[ImageSource]) -> NDArray[np.float16]:
    opened = (open_image(image) if isinstance(image, bytes) else image for image in images)
    features = encoder.embed_image(opened)
    if not np.isfinite(features).all():
        broken = images[int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])]
        name = broken if isinstance(broken, Path) else "a picture"
        raise OmniNegClipError(f"The model's features of {name} are not finite: check its weights.")
    return features.astype(np.float16)


def _key(fingerprint: str, identities: Iterable[str]) -> str:
    return hashlib.sha256("\n".join([fingerprint, *identities]).encode()).hexdigest()[:16]


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Let one process at a time in; the system frees the lock of one that dies."""
    lock = FileLock(path.with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        console.print("Another process computes these image features: waiting for it.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
