"""Every picture embedded once: shared between benchmarks, and kept on disk between runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from omninegclip.data.images import open_picture
from omninegclip.data.items import Picture
from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_file
from omninegclip.progress import progress

if TYPE_CHECKING:  # imports torch
    from omninegclip.clip.encoder import Encoder

_SHARD = 256  # pictures between two writes, so that an interruption loses little


class ImageFeatures:
    """The image embeddings of one model, by picture; `encoded` counts those that the model made itself."""

    def __init__(self, encoder: "Encoder", cache: Path | None = None) -> None:
        """Embed with `encoder`, and keep embeddings in a folder below `cache` if given.

        Models with the same image tower share that folder.
        """
        self.encoder = encoder
        self.encoded = 0
        self._rows: dict[str, NDArray[np.float32]] = {}
        self._folder: Path | None = None
        if cache is not None:
            self._folder = cache / str(getattr(encoder, "image_fingerprint", encoder.fingerprint))[:16]
            for shard in sorted(self._folder.glob("*.npz")):
                self._rows.update(_load(shard))

    def embed(self, places: Mapping[Picture, Path]) -> dict[Picture, str]:
        """Embed every picture that is not yet, and return what is wrong with those that can't be."""
        keys = {picture: _key(picture, path) for picture, path in places.items()}
        new = [picture for picture, key in keys.items() if key not in self._rows]
        broken: dict[Picture, str] = {}
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
        return broken

    def rows(self, pictures: Sequence[Picture], places: Mapping[Picture, Path]) -> NDArray[np.float32]:
        """Return the embeddings [n, d] of pictures embedded before."""
        keys = {picture: _key(picture, places[picture]) for picture in set(pictures)}
        return np.stack([self._rows[keys[picture]] for picture in pictures])

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
        number = 1 + max((int(shard.stem) for shard in self._folder.glob("*.npz")), default=-1)
        with atomic_file(self._folder / f"{number:06}.npz") as temporary, temporary.open("wb") as file:
            np.savez(file, keys=np.array(list(rows)), features=np.stack(list(rows.values())))


def _key(picture: Picture, path: Path) -> str:
    """Name a picture so that a changed file, or another crop of it, is another picture."""
    found = path.stat()
    return f"{path.resolve()}|{found.st_size}|{found.st_mtime_ns}|{picture.box}|{picture.span}"


def _load(shard: Path) -> dict[str, NDArray[np.float32]]:
    try:
        with np.load(shard, allow_pickle=False) as arrays:
            return dict(zip(arrays["keys"].tolist(), arrays["features"], strict=True))
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise OmniNegClipError(f"Can't read the kept embeddings {shard}: remove that file.") from error
