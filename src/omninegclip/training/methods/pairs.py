"""Captions beside their negated forms: a step has a batch of each kind of negation."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from omninegclip.errors import OmniNegClipError
from omninegclip.objectives.features import CaptionFeatures
from omninegclip.objectives.objective import Setting
from omninegclip.training.distributed import gather, share
from omninegclip.training.methods.method import (
    BatchPlan,
    FeatureRows,
    Method,
    Rows,
    Settings,
    Texts,
    TokenIds,
    Tokenize,
    TrainingRecords,
)

if TYPE_CHECKING:  # imports transformers
    from omninegclip.clip.encoder import ClipEncoder


class PairBatch(NamedTuple):
    """One step's data: a batch of each kind of negation, with image features that were computed before.

    Of B images of each kind, this process encodes the captions of its share.

    Attributes:
        presence_images: I, [B, d].
        absence_images: J, [B, d].
        texts: in one chunk or several, C and N of each image of the first batch in turn, then O and U of
            each of the second: 4B over all processes.
        presence_pairs: how many of the pairs in `texts` are of the first batch.
        presence_same: [B, B], true where two rows show one image; None where that is ignored.
        absence_same: likewise for the second batch.
    """

    presence_images: Tensor
    absence_images: Tensor
    texts: tuple[Texts, ...]
    presence_pairs: int
    presence_same: Tensor | None
    absence_same: Tensor | None

    def served(self, texts: Tensor, scale: Tensor) -> Mapping[str, object]:
        """Return both batches of features, given those of this process's captions."""
        kinds = [2 * self.presence_pairs, len(texts) - 2 * self.presence_pairs]
        first, second = map(gather, torch.split(texts, kinds))
        return {
            "presence": CaptionFeatures(self.presence_images, first[0::2], first[1::2], self.presence_same),
            "absence": CaptionFeatures(self.absence_images, second[0::2], second[1::2], self.absence_same),
            "scale": scale,
        }


class CaptionPairs(NamedTuple):
    """Images with a caption and its negated form, row by row: image feature rows, ids, token ids."""

    image_rows: Tensor
    image_ids: Tensor
    captions: Sequence[TokenIds]
    negated: Sequence[TokenIds]


class Triplets(NamedTuple):
    """What is read of records: features of the images, and both kinds of pairs."""

    features: FeatureRows
    presence: CaptionPairs
    absence: CaptionPairs

    @property
    def sizes(self) -> list[int]:
        """How many pairs there are of each kind."""
        return [len(self.presence.captions), len(self.absence.captions)]

    def texts_per_step(self, batch_size: int) -> float:
        """Return the number of captions in a step."""
        return 4 * batch_size

    def lay_out(self, encoder: "ClipEncoder", drawn: Sequence[NDArray[np.int64]]) -> Texts:
        """Return the texts of what each sampler drew as the model's text tower takes them."""
        return encoder.lay_out(self.groups(drawn), encoder.context_length)

    def groups(self, drawn: Sequence[NDArray[np.int64]]) -> list[Sequence[TokenIds]]:
        """Return the pairs of the rows that were drawn of each kind."""
        return [
            (pairs.captions[row], pairs.negated[row])
            for pairs, rows in zip((self.presence, self.absence), drawn, strict=True)
            for row in rows.tolist()
        ]

    def batches(self, encoder: "ClipEncoder", plan: BatchPlan) -> Callable[[int], Iterator[PairBatch]]:
        """Return what makes the batches from a step on."""
        return partial(pair_batches, self, encoder, plan)


def make_triplets(
    records: Rows,
    features: FeatureRows,
    tokenize: Tokenize,
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

    def pairs(column: str) -> CaptionPairs:
        rows = [row for row, record in enumerate(records) if record[column]]
        if not rows:
            raise OmniNegClipError(f"No record has a {column}: both kinds of negation are needed.")
        texts = [str(records[row][column]) for row in rows]
        if strip_commas and column == "presence_negated":
            texts = [text.replace(",", "") for text in texts]
        return CaptionPairs(
            torch.tensor(rows) + first_row, ids[rows], [captions[row] for row in rows], tokenize(texts)
        )

    return Triplets(features, pairs("presence_negated"), pairs("absence_negated"))


def pair_batches(
    triplets: Triplets, encoder: "ClipEncoder", plan: BatchPlan, first_step: int = 0
) -> Iterator[PairBatch]:
    """Yield batch after batch as the two samplers say, each process with the captions of its share."""
    masked = plan.settings["mask_same_image"]
    presence, absence = triplets.presence, triplets.absence
    for first, second in zip(*(each.batches(first_step) for each in plan.samplers), strict=True):
        own = share(first), share(second)
        groups = triplets.groups(own)
        size = 2 * plan.chunk_size if plan.chunk_size else len(groups)
        yield PairBatch(
            presence_images=triplets.features[presence.image_rows[first]],
            absence_images=triplets.features[absence.image_rows[second]],
            texts=tuple(
                encoder.lay_out(groups[start : start + size], encoder.context_length)
                for start in range(0, len(groups), size)
            ),
            presence_pairs=len(own[0]),
            presence_same=_same(presence.image_ids[first]) if masked else None,
            absence_same=_same(absence.image_ids[second]) if masked else None,
        )


def _same(image_ids: Tensor) -> Tensor:
    return image_ids[:, None] == image_ids[None, :]


def _read(records: TrainingRecords, encoder: "ClipEncoder", settings: Settings) -> Triplets:
    return make_triplets(*records, encoder.tokenize, strip_commas=bool(settings["strip_commas"]))


PAIRS = Method(
    name="pairs",
    serves=("presence", "absence", "scale"),
    columns=("image_id", "caption", "presence_negated", "absence_negated"),
    read=_read,
    batches_per_step=2,
    settings={"mask_same_image": Setting(bool, True), "strip_commas": Setting(bool, False)},
)
