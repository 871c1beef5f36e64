"""The features of a frozen image tower, computed once per image and kept on disk: the one cache of them."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import DTypeLike, NDArray
from PIL import Image

from omninegclip.data.image_lookup import open_image_ref
from omninegclip.data.items import ImageRef
from omninegclip.errors import DamagedError, OmniNegClipError
from omninegclip.files import append_to, atomic_file, hash_file
from omninegclip.images import MAX_BYTES, open_image
from omninegclip.progress import console, track

if TYPE_CHECKING:
    from torch import Tensor

ImageFile = Path | bytes
ImageSource = ImageFile | ImageRef  # the path of a reference is where the file lies
Content = str | OmniNegClipError  # the SHA-256 of an image's file, or why it can't be read

_ARCHIVES = (".tar",)  # hold many images, and may be as large as a disk
_SEAL = hashlib.sha256().digest_size


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
    """Features of n images among the m that are kept.

    Attributes:
        stored: [m, d] float16 or float32, on disk.
        rows: [n] the stored row of each image; m for one that has none.
    """

    stored: NDArray[np.floating]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        """Return n."""
        return len(self.rows)

    def __getitem__(self, images: "NDArray[np.int64] | Tensor") -> "Tensor":
        """Return the features [k, d] of k images by number, as float32."""
        import torch  # who asks for arrays alone does not wait for it

        images = np.asarray(images)
        return torch.from_numpy(self.stored[self.rows[images]].astype(np.float32))


class ImageFeatureCache:
    """The features of one image tower in one number format: a file in a folder that many may share.

    The file is a sequence of records: the hash of an image's content, its features, and the hash of both. So
    an image is known by what it is and not by its name, and a record that was damaged or half written is
    known too, and computed again. One process at a time appends, while others wait and then read what it
    wrote; a process that is killed loses the records of one chunk. In which batch the tower sees an image may
    change the last bits of float32, so what is computed again is the same but for those.
    """

    def __init__(
        self, folder: Path, encoder: ImageEncoder, dtype: DTypeLike = np.float16, chunk: int = 256
    ) -> None:
        """Keep what `encoder` makes of images in `folder`, as `dtype`; `chunk` images are written at a time.

        Raises OmniNegClipError if the folder can't be made.
        """
        self.encoder, self.chunk = encoder, chunk
        self.path = folder / f"{encoder.image_fingerprint}-{np.dtype(dtype).name}.features"
        self._record = np.dtype(
            [("image", f"V{_SEAL}"), ("feature", dtype, encoder.dim), ("seal", f"V{_SEAL}")]
        )
        with self._writable():
            folder.mkdir(parents=True, exist_ok=True)

    def features(
        self, images: Sequence[ImageSource], contents: Sequence[str] | None = None
    ) -> FrozenFeatures:
        """Return the features of `images`, of which `contents_of` said `contents`, as `try_features` does.

        Raises OmniNegClipError when an image can't be read, a feature is not finite, or the file not written.
        """
        found, broken = self.try_features(images, contents_of(images) if contents is None else contents)
        if broken:
            reasons = list(dict.fromkeys(broken.values()))
            others = f" {len(reasons) - 1:,} other images can't be used either." if reasons[1:] else ""
            raise OmniNegClipError(f"{reasons[0]}{others}")
        return found

    def try_features(
        self, images: Sequence[ImageSource], contents: Sequence[Content]
    ) -> tuple[FrozenFeatures, dict[int, str]]:
        """Return the features of `images`, and what is wrong with those that can't be read, by number.

        The tower sees each distinct image that is not kept once. Images are the same if their files and their
        crops are; `contents` is what `try_contents_of` said of them.

        Raises OmniNegClipError when a feature is not finite, or the file can't be written.
        """
        keys = [_key(image, content) for image, content in zip(images, contents, strict=True)]
        broken = {
            key: str(each) for key, each in zip(keys, contents, strict=True) if not isinstance(each, str)
        }
        distinct = {key: image for key, image in zip(keys, images, strict=True) if key not in broken}
        with self._writable():
            records = self._records()
            places = _whole(records, distinct)
            if len(places) < len(distinct):
                with _exclusive(self.path):
                    self._drop_damaged()
                    kept = _whole(self._records(), distinct)
                    broken |= self._append({key: distinct[key] for key in distinct if key not in kept})
                records = self._records()
                places = _whole(records, distinct)
        rows = np.array([places.get(key, len(records)) for key in keys], np.int64)
        found = FrozenFeatures(records["feature"], rows)
        return found, {number: broken[key] for number, key in enumerate(keys) if key in broken}

    def kept(self, contents: Sequence[str]) -> FrozenFeatures:
        """Return the features of whole images by their content; DamagedError says that one isn't kept."""
        keys = [_key(b"", content) for content in contents]
        records = self._records()
        places = _whole(records, dict.fromkeys(keys))
        if missing := sum(key not in places for key in keys):
            raise DamagedError(f"{self.path} lacks the features of {missing:,} images.")
        return FrozenFeatures(records["feature"], np.array([places[key] for key in keys], np.int64))

    def _records(self) -> NDArray[np.void]:
        """Return all records of the file, which stays on disk; half a record at its end is none."""
        count = self.path.stat().st_size // self._record.itemsize if self.path.exists() else 0
        return np.memmap(self.path, self._record, "r", shape=count) if count else np.empty(0, self._record)

    def _drop_damaged(self) -> None:
        """Write the file anew without what is damaged, or was cut off; those who read the old one keep it."""
        records = self._records()
        whole = sorted(_whole(records).values())
        if not self.path.exists() or self.path.stat().st_size == len(whole) * self._record.itemsize:
            return
        if damaged := len(records) - len(whole):
            console.print(f"{self.path} is damaged: {damaged:,} features in it are computed again.")
        with atomic_file(self.path) as temporary, temporary.open("wb") as file:
            file.writelines(records[place].tobytes() for place in whole)

    def _append(self, images: Mapping[bytes, ImageSource]) -> dict[bytes, str]:
        """Embed images and write their records chunk by chunk; return what is wrong with the broken ones."""
        keys, broken = list(images), dict[bytes, str]()
        starts = range(0, len(keys), self.chunk)
        with append_to(self.path) as file:
            for start in track(starts, f"Embedding images, {self.chunk} at a time", len(starts)):
                chunk = {key: images[key] for key in keys[start : start + self.chunk]}
                for key, feature in self._embed(chunk, broken).items():
                    content = key + feature.astype(self._record["feature"].base).tobytes()
                    file.write(content + hashlib.sha256(content).digest())
                file.flush()
                os.fsync(file.fileno())
        return broken

    def _embed(
        self, images: Mapping[bytes, ImageSource], broken: dict[bytes, str]
    ) -> dict[bytes, NDArray[np.float32]]:
        """Embed all at once, or half by half where that fails, until the broken ones stand alone."""
        try:
            features = self.encoder.embed_image(map(_opened, images.values()))
        except OmniNegClipError as error:
            if len(images) == 1:
                broken |= dict.fromkeys(images, str(error))
                return {}
            both, half = list(images.items()), len(images) // 2
            return self._embed(dict(both[:half]), broken) | self._embed(dict(both[half:]), broken)
        finite = np.isfinite(features).all(axis=1)
        if not finite.all():
            name = _name(list(images.values())[int(finite.argmin())])
            raise OmniNegClipError(f"The model's features of {name} are not finite: check its weights.")
        return dict(zip(images, features, strict=True))

    @contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OmniNegClipError(
                f"Can't keep image features in {self.path.parent}: {error.strerror or error}."
            ) from error


def contents_of(images: Sequence[ImageSource]) -> list[str]:
    """Return the SHA-256 of each image's file; raises OmniNegClipError when one can't be read."""
    contents = []
    for content in try_contents_of(images):
        if isinstance(content, OmniNegClipError):
            raise content
        contents.append(content)
    return contents


def try_contents_of(images: Sequence[ImageSource]) -> list[Content]:
    """Return the SHA-256 of each image's file, or why it can't be read; each distinct one is read once."""
    files = [Path(image.path) if isinstance(image, ImageRef) else image for image in images]
    distinct = list(dict.fromkeys(files))
    with ThreadPoolExecutor() as pool:
        hashes = track(pool.map(_content, distinct), "Reading the images", len(distinct))
        found = dict(zip(distinct, hashes, strict=True))
    return [found[file] for file in files]


def _content(image: ImageFile) -> Content:
    try:
        if isinstance(image, bytes):
            return hashlib.sha256(image).hexdigest()
        if image.suffix not in _ARCHIVES and image.stat().st_size > MAX_BYTES:
            return OmniNegClipError(
                f"The image {image!s} has more than {MAX_BYTES:,} bytes: name an image file."
            )
        return hash_file(image)
    except FileNotFoundError:
        return OmniNegClipError(f"{image!s} does not exist: name an image file.")
    except OSError as error:
        return OmniNegClipError(f"Can't read the image {image!s}: {error.strerror or error}.")


def _key(image: ImageSource, content: Content) -> bytes:
    """Return what names an image in the file: its content, and which part of that it is."""
    box, span = (image.box, image.span) if isinstance(image, ImageRef) else (None, None)
    return hashlib.sha256(f"{content}|{box}|{span}".encode()).digest()


def _whole(records: NDArray[np.void], wanted: Mapping[bytes, object] | None = None) -> dict[bytes, int]:
    """Return where the record of each image lies, of the wanted ones and those that are what was written."""
    found = {}
    for place, key in enumerate(records["image"].tolist()):
        if wanted is None or key in wanted:
            record = records[place].tobytes()
            if hashlib.sha256(record[:-_SEAL]).digest() == record[-_SEAL:]:
                found[key] = place
    return found


def _opened(image: ImageSource) -> Path | Image.Image:
    if isinstance(image, ImageRef):
        return open_image_ref(image, Path(image.path))
    return open_image(image) if isinstance(image, bytes) else image


def _name(image: ImageSource) -> str:
    return (
        "an image" if isinstance(image, bytes) else image.path if isinstance(image, ImageRef) else str(image)
    )


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Let one process at a time in; the system frees the lock of one that dies."""
    lock = FileLock(path.with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        console.print("Another process is computing image features with this tower: waiting for it.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
