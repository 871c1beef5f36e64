"""Features of a frozen image tower, computed once per picture and kept on disk."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from omninegclip.clip.images import open_image
from omninegclip.errors import OmniNegClipError
from omninegclip.progress import console, track

Picture = Path | bytes


class ImageEncoder(Protocol):
    """What the cache needs of a model."""

    @property
    def dim(self) -> int:
        """Size d of an embedding."""

    @property
    def image_fingerprint(self) -> str:
        """Hash of all that decides image embeddings: tower, projection and transform."""

    def embed_image(self, images: Iterable[Path | Image.Image]) -> NDArray[np.float32]:
        """Return [n, d] L2-normalised embeddings of n pictures."""


@dataclass(frozen=True)
class FrozenFeatures:
    """Features of n pictures, of which m are distinct.

    Attributes:
        stored: [m, d] float16, on disk.
        rows: [n] the stored row of each picture.
    """

    stored: NDArray[np.float16]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        """Return n."""
        return len(self.rows)

    def __getitem__(self, pictures: NDArray[np.int64] | Tensor) -> Tensor:
        """Return the features [k, d] of k pictures by number, as float32."""
        pictures = np.asarray(pictures)
        return torch.from_numpy(self.stored[self.rows[pictures]].astype(np.float32))


class ImageFeatureCache:
    """A folder of features, one file of float16 rows for each image tower and list of pictures.

    A file is named by a hash of both, so one of another model, transform or collection is never read. One
    process writes while others wait, chunk after chunk, and an interrupted file is taken up where it ends.
    """

    def __init__(self, folder: Path, chunk: int = 1024) -> None:
        """Keep features in `folder`; an interruption loses at most `chunk` pictures."""
        self.folder, self.chunk = folder, chunk

    def features(self, encoder: ImageEncoder, pictures: Sequence[Picture]) -> FrozenFeatures:
        """Return the features of `pictures`; the tower sees each distinct one once, if they are not stored.

        Pictures are the same if their bytes are, or their path, size and time of change.

        Raises:
            OmniNegClipError: A picture can't be read, a feature is not finite, or the folder not written.
        """
        identities = {picture: _identity(picture) for picture in set(pictures)}
        distinct = {identities[picture]: picture for picture in pictures}
        number = {identity: row for row, identity in enumerate(distinct)}
        path = self.folder / f"{_key(encoder.image_fingerprint, distinct)}.f16"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with _exclusive(path):
                if not path.exists():
                    self._write(path, encoder, list(distinct.values()))
            stored = np.memmap(path, np.float16, mode="r", shape=(len(distinct), encoder.dim))
        except OSError as error:
            raise OmniNegClipError(
                f"Can't keep image features in {self.folder}: {error.strerror or error}."
            ) from error
        return FrozenFeatures(stored, np.array([number[identities[picture]] for picture in pictures]))

    def _write(self, path: Path, encoder: ImageEncoder, pictures: Sequence[Picture]) -> None:
        """Append to a partial file, whose length says how many pictures are done, and rename it at last."""
        partial = path.with_suffix(".partial")
        row_bytes = np.dtype(np.float16).itemsize * encoder.dim
        with partial.open("ab") as file:
            done = file.tell() // row_bytes
            file.truncate(done * row_bytes)
            starts = range(done, len(pictures), self.chunk)
            for start in track(starts, f"image features, {self.chunk} at a time", len(starts)):
                file.write(_encode(encoder, pictures[start : start + self.chunk]).tobytes())
                file.flush()
                os.fsync(file.fileno())
        partial.replace(path)


def _encode(encoder: ImageEncoder, pictures: Sequence[Picture]) -> NDArray[np.float16]:
    opened = (open_image(picture) if isinstance(picture, bytes) else picture for picture in pictures)
    features = encoder.embed_image(opened)
    if not np.isfinite(features).all():
        broken = pictures[int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])]
        name = broken if isinstance(broken, Path) else "a picture"
        raise OmniNegClipError(f"The model's features of {name} are not finite: check its weights.")
    return features.astype(np.float16)


def _identity(picture: Picture) -> str:
    if isinstance(picture, bytes):
        return hashlib.sha256(picture).hexdigest()
    try:
        found = picture.stat()
    except FileNotFoundError as error:
        raise OmniNegClipError(f"{picture} does not exist: name a picture file.") from error
    return f"{picture.resolve()} {found.st_size} {found.st_mtime_ns}"


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
