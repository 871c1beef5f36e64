"""An index on the disk: which model its vectors are of, its engine, and the lock of who writes."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any

import numpy as np

from omninegclip.clip.io.name import ModelName
from omninegclip.embeddings import Embeddings
from omninegclip.errors import DamagedError, OmniNegClipError
from omninegclip.files import hold, read_sealed, write_sealed
from omninegclip.index.engine import VectorEngine
from omninegclip.index.where import Compare

if TYPE_CHECKING:
    from omninegclip.clip.encoder import ClipEncoder
    from omninegclip.index.qdrant import QdrantEngine

HEADER = "index.json"
_WIDEST = 65_536  # numbers of a vector
BACKGROUND = 1000  # embeddings, about, that tell what is ordinary


@dataclass(frozen=True)
class Header:
    """Where the vectors of an index come from.

    Attributes:
        model: its name, as `load_clip` takes it.
        dim: size d of a vector.
        fingerprint: of the model; empty for vectors that were made elsewhere.
        image_fingerprint: of its image tower and transform; empty likewise.
        transform: its image transform, as `preprocessor_config.json` has it.
        activation: what was said of it, for weights that don't say it.
        tokenizer: the folder that was named, for weights that come without one.
    """

    model: str
    dim: int
    fingerprint: str
    image_fingerprint: str
    transform: dict[str, object]
    activation: str | None = None
    tokenizer: str | None = None

    @classmethod
    def of(cls, encoder: "ClipEncoder", model: str, foreign: bool = False) -> "Header":
        """Return the header of vectors that `encoder`, named `model`, makes, or is said to have made."""
        whole = ("", "") if foreign else (encoder.fingerprint, encoder.image_fingerprint)
        made = cls(str(model), encoder.dim, *whole, encoder.transform.to_config())
        if not isinstance(model, ModelName):
            return made
        folder = str(model.tokenizer) if model.tokenizer else None
        return replace(made, activation=model.activation, tokenizer=folder)

    @property
    def named(self) -> str:
        """The model with its options, as a command line has them."""
        activation = f" --activation {self.activation}" if self.activation else ""
        tokenizer = f" --tokenizer {self.tokenizer}" if self.tokenizer else ""
        return f"{self.model}{activation}{tokenizer}"

    def refuse(self, encoder: "ClipEncoder", where: str, writing: bool) -> None:
        """Raise OmniNegClipError unless vectors of `encoder` can stand beside those of the index."""
        if encoder.dim != self.dim:
            raise OmniNegClipError(
                f"{where} holds vectors of {self.dim} numbers, and those of this model have {encoder.dim}: "
                f"name the model of the index, {self.named}, or another --db."
            )
        if not self.image_fingerprint:
            return
        if encoder.transform.to_config() != self.transform:
            raise OmniNegClipError(
                f"{where} was made with another image transform than this model's: name the model of the "
                f"index, {self.named}, or another --db."
            )
        mine = encoder.image_fingerprint if writing else encoder.fingerprint
        if mine != (self.image_fingerprint if writing else self.fingerprint):
            raise OmniNegClipError(
                f"{where} was made with another model than this one: name the model of the index, "
                f"{self.named}, as it was then, or another --db."
            )


@dataclass(frozen=True)
class Store:
    """An open index.

    Attributes:
        where: its name, for messages.
        header: where its vectors come from.
        engine: what holds them.
    """

    where: str
    header: Header
    engine: VectorEngine

    def paths(self) -> frozenset[str]:
        """Return the path of each image, as a text."""
        return frozenset(path for batch in self.engine.read(["path"]) for path in batch["path"].to_pylist())

    def background(self) -> Embeddings:
        """Return the embeddings [m, d] of about BACKGROUND images, drawn once and for all by their lots."""
        share = BACKGROUND / max(self.engine.count(), 1)
        condition = None if share >= 1 else Compare("lot", "<", share)
        parts = [batch.vectors for batch in self.engine.scan(condition)]
        return np.concatenate(parts) if parts else np.empty((0, self.header.dim), np.float32)


def open_store(db: str) -> Store:
    """Open an index to search it; raises OmniNegClipError when there is none, or it is damaged."""
    header, engine = _reached(db)
    if header is None:
        raise OmniNegClipError(
            f"{db} holds no index of images: make one with omninegclip index FOLDER --db {db}."
        )
    return Store(db, header, engine or _lance(db, header, writing=False))


def header_of(db: str) -> Header | None:
    """Return where the vectors of an index come from, None where there is no index yet."""
    header, engine = _reached(db)
    if engine is not None:
        engine.close()
    return header


@contextmanager
def writable_store(db: str, header: Header) -> Iterator[Store]:
    """Yield an index that this process alone may write, made with `header` where there is none.

    Of a Qdrant server, every process may write: two that index the same folder write the same rows.

    Raises OmniNegClipError when another process is writing it, or something else lies there.
    """
    there, engine = _reached(db)
    if engine is not None:
        if there is None:
            engine.make(asdict(header), header.dim)
        try:
            yield Store(db, there or header, engine)
        finally:
            engine.close()
        return
    folder = Path(db)
    if there is None and _is_taken(folder):
        raise OmniNegClipError(f"{db} holds no index of images, but something else: name a new folder.")
    with hold(folder):
        there = _read_header(folder)
        if there is None:
            write_sealed(folder / HEADER, asdict(header))
        lance: VectorEngine | None = None
        try:
            lance = _lance(db, there or header, writing=True)
            yield Store(db, there or header, lance)
        except BaseException:
            if there is None and (lance is None or lance.count() == 0):  # made for nothing
                _remove(folder)
            raise


def _remove(folder: Path) -> None:
    """Remove an index without rows; the header goes last, by which what is left is known as an index."""
    from omninegclip.index.lance import TABLE

    shutil.rmtree(folder / f"{TABLE}.lance", ignore_errors=True)
    (folder / HEADER).unlink(missing_ok=True)


def _reached(db: str) -> "tuple[Header | None, QdrantEngine | None]":
    """Return the header of an index, and its engine if that keeps the header."""
    from omninegclip.index.qdrant import SCHEME, QdrantEngine

    if not db.startswith(SCHEME):
        return _read_header(Path(db)), None
    engine = QdrantEngine(db)
    stored = engine.header()
    return None if stored is None else header_from(stored, db), engine


def _lance(db: str, header: Header, *, writing: bool) -> VectorEngine:
    from omninegclip.index.lance import LanceEngine

    return LanceEngine(Path(db), header.dim, writing=writing)


def header_from(stored: dict[str, Any], where: object) -> Header:
    """Return a header as it was stored; raises DamagedError for what is none."""
    text, perhaps = (str,), (str, NoneType)
    kinds: dict[str, tuple[type, ...]] = {
        "model": text,
        "dim": (int,),
        "fingerprint": text,
        "image_fingerprint": text,
    }
    kinds |= {"transform": (dict,), "activation": perhaps, "tokenizer": perhaps}
    # earlier versions had no activation and no tokenizer
    values: dict[str, Any] = {"activation": None, "tokenizer": None} | stored
    known = values.keys() == kinds.keys() and all(type(values[name]) in kinds[name] for name in kinds)
    if not known or not 0 < values["dim"] <= _WIDEST:
        raise DamagedError(
            f"{where} has the header of another version of this package: index the folders again, into a new "
            "--db."
        )
    return Header(**values)


def _read_header(folder: Path) -> Header | None:
    path = folder / HEADER
    if not path.is_file():
        return None
    return header_from(read_sealed(path), path)


def _is_taken(folder: Path) -> bool:
    """Tell whether something of others lies there; a run that was killed as it began leaves hidden files."""
    try:
        return any(not each.name.startswith(".") for each in folder.iterdir())
    except FileNotFoundError:
        return False
    except OSError:
        return True
