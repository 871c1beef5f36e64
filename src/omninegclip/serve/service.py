"""The model and the index of a server, and the jobs that its one thread answers in batches."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, ParamSpec, Protocol, TypeVar

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from pydantic import BaseModel

from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.index.score import Half
from omninegclip.index.search import Index
from omninegclip.index.where import IsKnown
from omninegclip.serve.limits import ServeLimits
from omninegclip.serve.resident import ResidentRows
from omninegclip.serve.truth import Truth
from omninegclip.serve.wire import Column, ServedModel

if TYPE_CHECKING:
    from omninegclip.clip.encoder import ClipEncoder

CACHED = 10_000  # embeddings of texts, 2 kB each for 512 numbers
Pixels = NDArray[np.float32]
P = ParamSpec("P")
T = TypeVar("T")


class Calibrated(NamedTuple):
    """A vector [d], with mean and standard deviation of its cosines over the background."""

    vector: Embeddings
    mean: float
    deviation: float


class Text(NamedTuple):
    """A text, for one of the two models."""

    model: Column
    text: str


Known = dict[Text, Calibrated]


class ServeJob(Protocol):
    """What a request asks the thread of the model for."""

    @property
    def texts(self) -> Sequence[Text]:
        """What is to be embedded."""

    @property
    def pixels(self) -> Pixels | None:
        """Images [n, 3, size, size] to be embedded by the index's model; None when there are none."""

    def direction(self, vectors: "Vectors") -> Embeddings | None:
        """Return the vector [d] whose products with all rows help to answer; None when none do."""

    def answer(self, vectors: "Vectors", products: Embeddings | None) -> BaseModel:
        """Return the answer; raises OmniNegClipError where the request is wrong."""


class Vectors(NamedTuple):
    """What of a job has been embedded: all texts of its batch, and its own images."""

    texts: Known
    images: Sequence[Calibrated]

    def half(self, model: Column, texts: Sequence[str], dim: int) -> Half:
        """Return texts as one half of a question."""
        return half_of([self.texts[Text(model, text)] for text in texts], dim)


class Service:
    """An index that is served.

    Attributes:
        index: what is searched.
        base: the same rows beside the base model's texts; the index itself when there is no base model.
        base_name: of that model; None when there is none.
        truth: what images show, where that is known.
        is_truth_known: of any image.
        rows: all rows in memory; None where they are too many.
        folder: what all paths of images begin with.
    """

    def __init__(
        self, index: Index, truth: Truth, base: str | None = None, limits: ServeLimits | None = None
    ) -> None:
        """Read the rows, and load the base model.

        Raises OmniNegClipError when the vectors of the index are not of the base model's image tower.
        """
        self.index, self.truth = index, truth
        self.base_name = None if base is None else Path(base).name
        self.base = index if base is None else _beside(index, base)
        size = len(index) * index.store.header.dim * 4
        self.rows = (
            ResidentRows(index.store.engine) if 0 < size <= (limits or ServeLimits()).resident_bytes else None
        )
        self.count = len(index)
        self.is_truth_known = bool(truth) or index.store.engine.count(IsKnown("shows", True)) > 0
        self.folder = _shared(index)
        self._cache: LRUCache[Text, Calibrated] = LRUCache(CACHED)
        self.hits = self.misses = 0

    @property
    def encoder(self) -> "ClipEncoder":
        """The model of the index."""
        return self.index.encoder

    @property
    def dim(self) -> int:
        """Size d of an embedding."""
        return self.index.store.header.dim

    @property
    def model_name(self) -> str:
        """The name of the model of the index; of a path its end, since folders are nobody else's business."""
        return Path(self.index.store.header.model).name

    def card(self) -> ServedModel:
        """Return what is known of the model of the index."""
        encoder, readme = self.encoder, Path(self.index.store.header.model) / "README.md"
        return ServedModel(
            name=self.model_name,
            family=encoder.family.model_type,
            dim=encoder.dim,
            parameters=sum(weight.numel() for weight in encoder.model.parameters()),
            fingerprint=encoder.fingerprint,
            transform=encoder.transform.to_config(),
            card=readme.read_text(errors="replace") if readme.is_file() else "",
        )

    def run(self, jobs: Sequence[ServeJob]) -> list[BaseModel | Exception]:
        """Answer jobs together: texts in one pass, images in one, the products with all rows in one."""
        texts = self._texts([text for job in jobs for text in job.texts])
        vectors = [Vectors(texts, images) for images in self._images(jobs)]
        directions = [_tried(job.direction, own) for job, own in zip(jobs, vectors, strict=True)]
        products = self._products(directions)
        return [
            direction if isinstance(direction, Exception) else _tried(job.answer, own, product)
            for job, own, direction, product in zip(jobs, vectors, directions, products, strict=True)
        ]

    def _products(self, directions: Sequence[object]) -> list[Embeddings | None]:
        there = [place for place, each in enumerate(directions) if isinstance(each, np.ndarray)]
        found: list[Embeddings | None] = [None] * len(directions)
        if self.rows is not None and there:
            asked = np.stack([np.asarray(directions[place], np.float32) for place in there])
            for place, products in zip(there, self.rows.cosines(asked), strict=True):
                found[place] = products
        return found

    def _texts(self, texts: Sequence[Text]) -> Known:
        found: Known = {}
        for text in dict.fromkeys(texts):
            if (known := self._cache.get(text)) is not None:
                found[text] = known
        self.hits += len(found)
        for model, index in (("index", self.index), ("base", self.base)):
            new = [text for text in dict.fromkeys(texts) if text.model == model and text not in found]
            if not new:
                continue
            self.misses += len(new)
            # not `embed_text`, which prints texts of scripts that the model doesn't know
            tokens = index.encoder.tokenize([text.text for text in new])
            made = dict(zip(new, self._calibrated(index.encoder.embed_tokens(tokens)), strict=True))
            found |= made
            self._cache.update(made)
        return found

    def _images(self, jobs: Sequence[ServeJob]) -> Iterator[list[Calibrated]]:
        given = [job.pixels for job in jobs if job.pixels is not None]
        made = iter(self._calibrated(_embedded(self.encoder, np.concatenate(given))) if given else ())
        for job in jobs:
            yield [next(made) for _ in range(0 if job.pixels is None else len(job.pixels))]

    def _calibrated(self, vectors: Embeddings) -> list[Calibrated]:
        mean, deviation = (
            self.index.calibration.moments(vectors) if self.count else np.ones((2, len(vectors)))
        )
        return [Calibrated(*each) for each in zip(vectors, mean.tolist(), deviation.tolist(), strict=True)]


def half_of(vectors: Sequence[Calibrated], dim: int) -> Half:
    """Return calibrated vectors as one half of a question."""
    return Half(
        np.stack([each.vector for each in vectors]) if vectors else np.empty((0, dim), np.float32),
        np.array([each.mean for each in vectors], np.float64),
        np.array([each.deviation for each in vectors], np.float64),
    )


def _embedded(encoder: "ClipEncoder", pixels: Pixels) -> Embeddings:
    """Return the embeddings [n, d] of transformed images."""
    import torch

    parts = []
    with torch.inference_mode():
        for start in range(0, len(pixels), encoder.image_batch):
            batch = torch.from_numpy(pixels[start : start + encoder.image_batch])
            parts.append(encoder.encode_images(batch).float().cpu().numpy())
    return np.concatenate(parts)


def _tried(work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T | Exception:
    """Return what a job of a batch gives, or what it raised: the others go on."""
    try:
        return work(*given, **named)
    except Exception as error:
        return error


def _beside(index: Index, base: str) -> Index:
    """Return an index that embeds texts with another model of the same image tower."""
    from omninegclip.index.loading import load_for

    encoder = load_for(base, str(index.encoder.device))
    header = index.store.header
    same = encoder.image_fingerprint == header.image_fingerprint
    if encoder.dim != header.dim or (header.image_fingerprint and not same):
        raise OmniNegClipError(
            f"--compare {base}: the vectors of {index.store.where} are not of this model's image tower. Name "
            "the model that the index's own was fine-tuned from with its image tower frozen."
        )
    return index.beside(encoder)


def _shared(index: Index) -> str:
    """Return the folder, with a slash at its end, that all paths of an index lie below; else nothing."""
    first: str | None = None
    for batch in index.store.engine.read(["path"]):
        for path in batch["path"].to_pylist():
            folder = path.rpartition("/")[0] + "/"
            first = folder if first is None else first
            while not folder.startswith(first):
                first = first.rstrip("/").rpartition("/")[0] + "/" if "/" in first.rstrip("/") else ""
    return first or ""
