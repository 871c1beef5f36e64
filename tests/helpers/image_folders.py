"""Folders of small images, and the index of them."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
from PIL import Image

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.index.embed import on_this_machine
from omninegclip.index.names import path_of
from omninegclip.index.store import Header, Store, open_store, writable_store
from omninegclip.index.update import Changes, update


def draw(path: Path, seed: int, size: tuple[int, int] = (40, 30)) -> Path:
    """Write an image that differs from those of other seeds."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def draw_photos(folder: Path, count: int) -> Path:
    """Write images numbered from 0, and a file that is none, and return their folder."""
    for number in range(count):
        draw(folder / f"{number:02}.png", number)
    (folder / "broken.jpg").write_bytes(b"no image")
    return folder


def bring_up_to_date(db: str | Path, folders: Sequence[Path | str], encoder: ClipEncoder) -> Changes:
    with writable_store(str(db), Header.of(encoder, "tiny")) as store:
        store.header.refuse(encoder, str(db), writing=True)
        return update(store, folders, on_this_machine(encoder, 1))


def stored(db: str | Path) -> dict[str, dict[str, object]]:
    """Return all rows of an index by their path; each id is there once."""
    engine = open_store(str(db)).engine
    rows = engine.get([each for batch in engine.read(["id"]) for each in batch["id"].to_pylist()]).to_pylist()
    assert len({row["id"] for row in rows}) == len(rows)
    return {path_of(row["path"]): row for row in rows}


class Place:
    """Where an engine keeps an index of random vectors, of which some are equal in no number."""

    def __init__(self, kind: str, folder: Path, dim: int) -> None:
        self.name = f"qdrant://{folder}/images" if kind == "qdrant" else str(folder / "db")
        self.header = Header("none", dim, "", "", {})
        vectors = np.random.default_rng(4).standard_normal((600, dim)).astype(np.float32)
        self.vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def writable(self) -> AbstractContextManager[Store]:
        return writable_store(self.name, self.header)

    def open(self) -> Store:
        return open_store(self.name)

    @staticmethod
    def store(db: Path) -> Store:
        return open_store(str(db))
