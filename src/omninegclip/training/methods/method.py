"""What a method of training is: how its data is read from records, and how its batches are made."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from omninegclip.clip.text.packing import PackedTexts
from omninegclip.clip.text.padding import PaddedTexts
from omninegclip.data.sampler import BatchSampler
from omninegclip.data.sources import Row
from omninegclip.objectives.objective import Setting

if TYPE_CHECKING:  # imports transformers
    from omninegclip.clip.encoder import ClipEncoder

TokenIds = Sequence[int]
Texts = PackedTexts | PaddedTexts
Rows = Sequence[Row]
Tokenize = Callable[[Sequence[str]], list[list[int]]]
Settings = Mapping[str, float]


class FeatureRows(Protocol):
    """Features of images by row: a tensor [n, d], or what is kept on disk."""

    def __getitem__(self, rows: Tensor, /) -> Tensor:
        """Return the features [k, d] of k rows as float32."""


class TrainingRecords(NamedTuple):
    """Records, and the features of their images in the same order."""

    rows: Rows
    features: FeatureRows


class TrainingBatch(Protocol):
    """One step's data, a named tuple, with image features that were computed before."""

    @property
    def texts(self) -> tuple[Texts, ...]:
        """The texts that this process encodes, in one chunk or several."""

    def served(self, texts: Tensor, scale: Tensor) -> Mapping[str, object]:
        """Return what objectives are served, given the features of this process's texts."""


class BatchPlan(NamedTuple):
    """Which batches are made.

    Attributes:
        samplers: say which rows are in a batch, one per size of the data.
        steps: of the whole run.
        seed: of whatever else is drawn.
        settings: of the method.
        chunk_size: images of a sampler whose texts are in one chunk; None for all.
    """

    samplers: Sequence[BatchSampler]
    steps: int
    seed: int
    settings: Settings
    chunk_size: int | None = None


class MethodData(Protocol):
    """The data that a method reads from records."""

    @property
    def sizes(self) -> list[int]:
        """How many rows each sampler draws from."""

    def texts_per_step(self, batch_size: int) -> float:
        """Return the mean number of texts in a step."""

    def lay_out(self, encoder: "ClipEncoder", drawn: Sequence[NDArray[np.int64]]) -> Texts:
        """Return the texts of the rows that each sampler drew as the model's text tower takes them."""

    def batches(self, encoder: "ClipEncoder", plan: BatchPlan) -> Callable[[int], Iterator[TrainingBatch]]:
        """Return what makes the batches from a step on; called before the model changes."""


class Trained(NamedTuple):
    """What became of a model.

    Attributes:
        encoder: the model.
        weights: those that trained, by their names in the model.
        base: the name of the model before.
        base_fingerprint: its fingerprint.
        card: what is said of the result, as Markdown.
    """

    encoder: "ClipEncoder"
    weights: Mapping[str, Tensor]
    base: str
    base_fingerprint: str
    card: str


Save = Callable[[Path, Trained], object]


def save_model(folder: Path, trained: Trained) -> None:
    """Write a model that stands by itself; raises as `save_clip` does."""
    from omninegclip.clip.io.save import save_clip

    save_clip(folder, trained.encoder, base=trained.base, card=trained.card)


@dataclass(frozen=True)
class Method:
    """A method of training, for all objectives that need no more than what its batches serve.

    Attributes:
        name: of its file.
        serves: the names under which objectives are given what is in a batch.
        columns: of records, that decide what is learned.
        read: what makes its data of records; raises OmniNegClipError where there is none.
        batches_per_step: how many batches of images are in a step.
        needs_images: whether objectives are given features of images.
        library: what reads a run's result, as model cards name it; None for that of the model's family.
        save: what writes the folder of a run's result.
        settings: values of the preset that it has.
    """

    name: str
    serves: tuple[str, ...]
    columns: tuple[str, ...]
    read: "Callable[[TrainingRecords, ClipEncoder, Settings], MethodData]"
    batches_per_step: int = 1
    needs_images: bool = True
    library: str | None = None
    save: Save = save_model
    settings: Mapping[str, Setting] = field(default_factory=dict)
