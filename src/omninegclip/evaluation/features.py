"""Every picture embedded once: shared between benchmarks, and kept on disk between runs."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from omninegclip.data.image_lookup import open_picture
from omninegclip.data.items import Picture
from omninegclip.errors import DamagedError, OmniNegClipError
from omninegclip.evaluation.arrays import read_arrays
from omninegclip.files import atomic_file
from omninegclip.progress import console, progress

if TYPE_CHECKING:  # imports torch
    from omninegclip.clip.encoder import Encoder

_SHARD = 256  # pictures between two writes, so that an interruption loses little


class ImageFeatures:
    """The image embeddings of one model, by picture; `encoded` counts those that the model made itself."""

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

    def embed(self, places: Mapping[Picture, Path]) -> dict[Picture, str]:
        """Embed every picture that is not yet, and return what is wrong with those that can't be."""
        keys = {picture: self.key(picture, path) for picture, path in places.items()}
        of_key = {key: picture for picture, key in keys.items() if key not in self._rows}
        new, broken = list(of_key.values()), dict[Picture, str]()
        if not new:
            return broken
        with progress() as bar:
            task = bar.add_task("Embedding pictures", total=len(new), note="")
            for first in range(0, len(new), _SHARD):
                shard = new[first : first + _SHARD]
                embedded = self._encode(shard, places, broken)
                rows = {keys[picture]: row for picture, row in embedded.items()}
                self._rows.update(rows)
                self._save(rows)
                bar.advance(task, len(shard))
        reasons = {keys[picture]: reason for picture, reason in broken.items()}
        return {picture: reasons[key] for picture, key in keys.items() if key in reasons}

    def rows(self, pictures: Sequence[Picture], places: Mapping[Picture, Path]) -> NDArray[np.float32]:
        """Return the embeddings [n, d] of pictures embedded before."""
        keys = {picture: self.key(picture, places[picture]) for picture in set(pictures)}
        return np.stack([self._rows[keys[picture]] for picture in pictures])

    def key(self, picture: Picture, path: Path) -> str:
        """Name a picture by its content: a changed file, or another crop of it, is another picture."""
        try:
            found = path.stat()
            known = (path, found.st_size, found.st_mtime_ns, found.st_ino)  # while this process runs
            if known not in self._digests:
                with path.open("rb") as file:
                    self._digests[known] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return f"{path} can't be read"  # as whoever embeds it will find
        return f"{self._digests[known]}|{picture.box}|{picture.span}"

    def _encode(
        self, pictures: Sequence[Picture], places: Mapping[Picture, Path], broken: dict[Picture, str]
    ) -> dict[Picture, NDArray[np.float32]]:
        """Embed all at once, or half by half where that fails, until the broken ones stand alone."""
        try:
            embedded = self.encoder.embed_image(
                open_picture(picture, places[picture]) for picture in pictures
            )
        except OmniNegClipError as error:
            if len(pictures) == 1:
                broken[pictures[0]] = str(error)
                return {}
            half = len(pictures) // 2
            return self._encode(pictures[:half], places, broken) | self._encode(
                pictures[half:], places, broken
            )
        self.encoded += len(pictures)
        return dict(zip(pictures, np.asarray(embedded, np.float32), strict=True))

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
        console.print(f"{shard} is damaged: its pictures are embedded again.")
        with suppress(OSError):
            shard.rename(shard.with_suffix(".damaged"))  # nothing is deleted
        return {}
    return dict(zip(keys.tolist(), features, strict=True))
