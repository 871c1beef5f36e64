"""Records as the trainer takes them: image features and tokenized caption pairs, batch by batch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from omninegclip.clip.packing import pack
from omninegclip.data.sampler import BatchSampler
from omninegclip.errors import OmniNegClipError
from omninegclip.training.task import Batch

TokenIds = Sequence[int]


class Pairs(NamedTuple):
    """Pictures with a caption and its negated form, row by row: image feature rows, ids, token ids."""

    image_rows: Tensor
    image_ids: Tensor
    captions: Sequence[TokenIds]
    negated: Sequence[TokenIds]


class Triplets(NamedTuple):
    """Everything that fine-tuning reads: features [n, d] of the pictures, and both kinds of pairs."""

    features: Tensor
    presence: Pairs
    absence: Pairs


def make_triplets(
    records: Sequence[Mapping[str, Any]],
    features: Tensor,
    tokenize: Callable[[Sequence[str]], list[list[int]]],
) -> Triplets:
    """Build the triplets of `records`, whose pictures have the image features of the same row.

    Raises OmniNegClipError when no record has a caption negated by presence, or none by absence.
    """
    names = {name: number for number, name in enumerate(dict.fromkeys(r["image_id"] for r in records))}
    ids = torch.tensor([names[record["image_id"]] for record in records])
    captions = tokenize([record["caption"] for record in records])

    def pairs(column: str) -> Pairs:
        rows = [row for row, record in enumerate(records) if record[column]]
        if not rows:
            raise OmniNegClipError(f"No record has a {column}: both kinds of negation are needed.")
        negated = tokenize([records[row][column] for row in rows])
        return Pairs(torch.tensor(rows), ids[rows], [captions[row] for row in rows], negated)

    return Triplets(features, pairs("presence_negated"), pairs("absence_negated"))


def batches(
    triplets: Triplets,
    presence_rows: BatchSampler,
    absence_rows: BatchSampler,
    context_length: int,
    *,
    mask_same_image: bool,
) -> Iterator[Batch]:
    """Yield batch after batch, without end, as the two samplers say."""
    for first, second in zip(presence_rows, absence_rows, strict=True):
        presence, absence = (
            _select(triplets.presence, torch.from_numpy(first)),
            _select(triplets.absence, torch.from_numpy(second)),
        )
        groups = [
            pair for pairs in (presence, absence) for pair in zip(pairs.captions, pairs.negated, strict=True)
        ]
        yield Batch(
            presence_images=triplets.features[presence.image_rows],
            absence_images=triplets.features[absence.image_rows],
            texts=pack(groups, context_length),
            presence_same=_same(presence.image_ids) if mask_same_image else None,
            absence_same=_same(absence.image_ids) if mask_same_image else None,
        )


def _select(pairs: Pairs, rows: Tensor) -> Pairs:
    return Pairs(
        pairs.image_rows[rows],
        pairs.image_ids[rows],
        [pairs.captions[row] for row in rows.tolist()],
        [pairs.negated[row] for row in rows.tolist()],
    )


def _same(image_ids: Tensor) -> Tensor:
    return image_ids[:, None] == image_ids[None, :]
