"""Records as the trainer takes them: image features and tokenized caption pairs, batch by batch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from omninegclip.clip.text.packing import pack
from omninegclip.errors import OmniNegClipError
from omninegclip.training.distributed import share
from omninegclip.training.methods.contrast_sets import ContrastSets, TokenIds, make_contrast_sets
from omninegclip.training.task import PairBatch, Texts

Pair = tuple[TokenIds, TokenIds]


class FeatureRows(Protocol):
    """Features of images by row: a tensor [n, d], or what is kept on disk."""

    def __getitem__(self, rows: Tensor, /) -> Tensor:
        """Return the features [k, d] of k rows as float32."""


class CaptionPairs(NamedTuple):
    """Pictures with a caption and its negated form, row by row: image feature rows, ids, token ids."""

    image_rows: Tensor
    image_ids: Tensor
    captions: Sequence[TokenIds]
    negated: Sequence[TokenIds]


class Triplets(NamedTuple):
    """Everything that fine-tuning reads: features of the images, both kinds of pairs, and statements."""

    features: FeatureRows
    presence: CaptionPairs
    absence: CaptionPairs
    contrast_sets: ContrastSets | None = None


def make_triplets(
    records: Sequence[Mapping[str, Any]],
    features: FeatureRows,
    tokenize: Callable[[Sequence[str]], list[list[int]]],
    *,
    strip_commas: bool = False,
    first_row: int = 0,
) -> Triplets:
    """Build the triplets of `records`, whose images have the image features from `first_row` on.

    `strip_commas` takes the commas out of the captions negated by presence, and out of no others.

    Raises OmniNegClipError when no record has a caption negated by presence, or none by absence.
    """
    names = {name: number for number, name in enumerate(dict.fromkeys(r["image_id"] for r in records))}
    ids = torch.tensor([names[record["image_id"]] for record in records])
    captions = tokenize([record["caption"] for record in records])

    contrast_sets = make_contrast_sets(records, tokenize, first_row=first_row)

    def pairs(column: str) -> CaptionPairs:
        rows = [row for row, record in enumerate(records) if record[column]]
        if not rows and contrast_sets is None:
            raise OmniNegClipError(f"No record has a {column}: both kinds of negation are needed.")
        texts = [str(records[row][column]) for row in rows]
        if strip_commas and column == "presence_negated":
            texts = [text.replace(",", "") for text in texts]
        negated = tokenize(texts) if texts else []
        return CaptionPairs(
            torch.tensor(rows, dtype=torch.long) + first_row,
            ids[rows],
            [captions[row] for row in rows],
            negated,
        )

    return Triplets(features, pairs("presence_negated"), pairs("absence_negated"), contrast_sets)


def batches(
    triplets: Triplets,
    presence_rows: Iterator[NDArray[np.int64]],
    absence_rows: Iterator[NDArray[np.int64]],
    context_length: int,
    *,
    mask_same_image: bool,
    chunk_size: int | None = None,
    lay_out: Callable[[Sequence[Sequence[TokenIds]], int], Texts] = pack,
) -> Iterator[PairBatch]:
    """Yield batch after batch as the two samplers say, each process with the captions of its share.

    `chunk_size` is the largest number of images of each kind in a chunk of captions; None makes one chunk.
    `lay_out` makes what the text tower takes of captions in groups that begin alike, at most `context_length`
    tokens each; the default is for causal towers.
    """
    for first, second in zip(presence_rows, absence_rows, strict=True):
        own = share(first), share(second)
        groups = [
            (pairs.captions[row], pairs.negated[row])
            for pairs, rows in zip((triplets.presence, triplets.absence), own, strict=True)
            for row in rows.tolist()
        ]
        size = 2 * chunk_size if chunk_size else len(groups)
        yield PairBatch(
            presence_images=triplets.features[triplets.presence.image_rows[first]],
            absence_images=triplets.features[triplets.absence.image_rows[second]],
            texts=tuple(lay_out(chunk, context_length) for chunk in _chunks(groups, size)),
            presence_pairs=len(own[0]),
            presence_same=_same(triplets.presence.image_ids[first]) if mask_same_image else None,
            absence_same=_same(triplets.absence.image_ids[second]) if mask_same_image else None,
        )


def _same(image_ids: Tensor) -> Tensor:
    return image_ids[:, None] == image_ids[None, :]


def _chunks(groups: Sequence[Pair], size: int) -> Iterator[Sequence[Pair]]:
    return (groups[start : start + size] for start in range(0, len(groups), size))
