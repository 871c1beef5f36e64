"""Every image embedded once: shared between benchmarks, and kept on disk between runs."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from omninegclip.data.image_lookup import open_image_ref
from omninegclip.data.items import ImageRef
from omninegclip.errors import DamagedError, OmniNegClipError
from omninegclip.evaluation.arrays import read_arrays
from omninegclip.files import atomic_file
from omninegclip.progress import console, progress

if TYPE_CHECKING:  # imports torch
    from omninegclip.clip.encoder import Encoder

_SHARD = 256  # images between two writes, so that an interruption loses little


class ImageFeatures:
    """The image embeddings of one model, by image; `encoded` counts those that the model made itself."""

    def __init__(self, encoder: "Encoder", cache: Path | None = None) -> None:
        """Embed with `encoder`, and keep embeddings in a folder below `cache` if given.

        Models with the same image tower share that folder, and several processes may: no two choose the same
        name for a file, and a damaged one is computed again.

        Raises OmniNegClipError if that folder can't be made.
        """
        self.encoder = encoder
        self.encoded = 0
        self._rows: dict[str, NDArray[np.float32]] = {}
        self._digests: dict[tuple[Path, int, int, int], str] = {}
        self._folder: Path | None = None
        if cache is not None:
            self._folder = cache / str(getattr(encoder, "image_fingerprint", encoder.fingerprint))[:16]
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OmniNegClipError(
                    f"Can't keep embeddings in {cache}: {error.strerror or error}."
                ) from error
            for shard in sorted(self._folder.glob("*.npz")):
                self._rows.update(_load(shard, encoder.dim))

    def embed(self, places: Mapping[ImageRef, Path]) -> dict[ImageRef, str]:
        """Embed every image that is not yet, and return what is wrong with those that can't be."""
        keys = {image: self.key(image, path) for image, path in places.items()}
        of_key = {key: image for image, key in keys.items() if key not in self._rows}
        new, broken = list(of_key.values()), dict[ImageRef, str]()
        if not new:
            return broken
        with progress() as bar:
            task = bar.add_task("Embedding images", total=len(new), note="")
            for first in range(0, len(new), _SHARD):
                shard = new[first : first + _SHARD]
                embedded = self._encode(shard, places, broken)
                rows = {keys[image]: row for image, row in embedded.items()}
                self._rows.update(rows)
                self._save(rows)
                bar.advance(task, len(shard))
        reasons = {keys[image]: reason for image, reason in broken.items()}
        return {image: reasons[key] for image, key in keys.items() if key in reasons}

    def rows(self, images: Sequence[ImageRef], places: Mapping[ImageRef, Path]) -> NDArray[np.float32]:
        """Return the embeddings [n, d] of images embedded before."""
        keys = {image: self.key(image, places[image]) for image in set(images)}
        return np.stack([self._rows[keys[image]] for image in images])

    def key(self, image: ImageRef, path: Path) -> str:
        """Name an image by its content: a changed file, or another crop of it, is another image."""
        try:
            found = path.stat()
            known = (path, found.st_size, found.st_mtime_ns, found.st_ino)  # while this process runs
            if known not in self._digests:
                with path.open("rb") as file:
                    self._digests[known] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return f"{path} can't be read"  # as whoever embeds it will find
        return f"{self._digests[known]}|{image.box}|{image.span}"

    def _encode(
        self, images: Sequence[ImageRef], places: Mapping[ImageRef, Path], broken: dict[ImageRef, str]
    ) -> dict[ImageRef, NDArray[np.float32]]:
        """Embed all at once, or half by half where that fails, until the broken ones stand alone."""
        try:
            embedded = self.encoder.embed_image(open_image_ref(image, places[image]) for image in images)
        except OmniNegClipError as error:
            if len(images) == 1:
                broken[images[0]] = str(error)
                return {}
            half = len(images) // 2
            return self._encode(images[:half], places, broken) | self._encode(images[half:], places, broken)
        self.encoded += len(images)
        return dict(zip(images, np.asarray(embedded, np.float32), strict=True))

    def _save(self, rows: Mapping[str, NDArray[np.float32]]) -> None:
        if self._folder is None or not rows:
            return
        with atomic_file(self._folder / f"{uuid4().hex}.npz") as temporary, temporary.open("wb") as file:
            np.savez(file, keys=np.array(list(rows)), features=np.stack(list(rows.values())))


def _load(shard: Path, dim: int) -> dict[str, NDArray[np.float32]]:
    """Return the embeddings of a file by key; none of a damaged one, so that they are computed again."""
    try:
        found = read_arrays(shard)
        keys, features = found["keys"], found["features"]
        if features.shape != (len(keys), dim) or features.dtype != np.float32:
            raise DamagedError(f"{shard} is damaged: it holds no embeddings of this model.")
    except (DamagedError, KeyError):
        console.print(f"{shard} is damaged: its images are embedded again.")
        with suppress(OSError):
            shard.rename(shard.with_suffix(".damaged"))  # nothing is deleted
        return {}
    return dict(zip(keys.tolist(), features, strict=True))
