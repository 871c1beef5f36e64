"""A network that scores texts against images, beside a CLIP that stays as it is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

import torch
from torch import Tensor, nn

from omninegclip.training.methods.contrast_sets import KnownPairs
from omninegclip.training.methods.method import TokenIds

if TYPE_CHECKING:  # imports transformers
    from omninegclip.clip.encoder import ClipEncoder

# Named tuples of tensors, a row per text: what the frozen tower gives, and what the network makes of it.
ReadT = TypeVar("ReadT", bound=tuple[Tensor, ...])
PreparedT = TypeVar("PreparedT", bound=tuple[Tensor, ...])


class PairNetwork(nn.Module, ABC, Generic[ReadT, PreparedT]):
    """Scores of texts with images.

    Attributes:
        learning_rate: of its training, at the peak.
        images_per_step: of its training.
        epochs: passes over the images in its training.
        ranks_by_vectors: whether images are ranked by the cosines of `vectors`, and only choices are made by
            the network.
    """

    learning_rate: float
    images_per_step: int
    epochs: int
    ranks_by_vectors: bool

    @abstractmethod
    def read(self, encoder: "ClipEncoder", texts: Sequence[TokenIds]) -> ReadT:
        """Return what it is given of tokenized texts by the frozen tower, without a gradient."""

    @abstractmethod
    def prepare(self, texts: ReadT) -> PreparedT:
        """Return what it makes of each text alone, with a gradient."""

    @abstractmethod
    def vectors(self, prepared: PreparedT) -> Tensor:
        """Return one L2-normalised embedding [T, d] of each prepared text."""

    @abstractmethod
    def forward(self, prepared: PreparedT, images: Tensor) -> Tensor:
        """Return the scores [n] of n prepared texts, each with the image of its row."""

    @abstractmethod
    def loss(self, prepared: PreparedT, images: Tensor, pairs: KnownPairs) -> dict[str, Tensor]:
        """Return `loss` and its parts for prepared texts and images of which `pairs` says what is known."""


def some_of(tensors: PreparedT, rows: Tensor) -> PreparedT:
    """Return some rows of every tensor of a named tuple."""
    return type(tensors)(*(each[rows] for each in tensors))


def all_pairs(network: PairNetwork[ReadT, PreparedT], prepared: PreparedT, images: Tensor) -> Tensor:
    """Return the scores [T, P] of every prepared text with every image [P, ...]."""
    texts = len(prepared[0])
    rows = torch.arange(texts).repeat_interleave(len(images))
    columns = torch.arange(len(images)).repeat(texts)
    return network.forward(some_of(prepared, rows), images[columns]).view(texts, len(images))
