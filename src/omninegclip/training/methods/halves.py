"""The halves of sentences, for a text tower that learns to read: sentences and what to say of them."""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from omninegclip.data.sources import Row
from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_folder
from omninegclip.objectives.features import HalvesFeatures
from omninegclip.reading.affirmed import without_frame
from omninegclip.reading.learned import DENIALS, FILE, nothing_of, save_reader, with_slots
from omninegclip.reading.reading import ANYTHING
from omninegclip.training.distributed import gather, share
from omninegclip.training.methods.contrast_sets import CONCEPT, embed_into, sentences_of
from omninegclip.training.methods.method import (
    BatchPlan,
    Method,
    Rows,
    Settings,
    Texts,
    TokenIds,
    Trained,
    TrainingRecords,
)
from omninegclip.training.methods.pairs import PAIRS

if TYPE_CHECKING:  # imports transformers
    from omninegclip.clip.encoder import ClipEncoder


class HalvesBatch(NamedTuple):
    """One step's data: the sentences of this process's share of the images, with a text for every slot.

    `known` is of all processes; its `vectors` are empty.
    """

    texts: tuple[Texts, ...]
    known: HalvesFeatures

    def served(self, texts: Tensor, scale: Tensor) -> Mapping[str, object]:
        """Return what is known with what the tower says, given the features of this process's texts."""
        vectors = gather(texts).reshape(self.known.targets.shape)
        return {"halves": self.known._replace(vectors=vectors)}


class ReadSentence(NamedTuple):
    """A sentence: a text for every slot, and the number of what should be said there, 0 for nothing."""

    slots: Sequence[TokenIds]
    halves: Sequence[int]


class SentenceHalves(NamedTuple):
    """The sentences about n images whose halves are known.

    Attributes:
        of_image: by image.
        halves: token ids of all that is affirmed or denied; the first stands for anything.
    """

    of_image: Sequence[Sequence[ReadSentence]]
    halves: Sequence[TokenIds]

    @property
    def sizes(self) -> list[int]:
        """How many images there are."""
        return [len(self.of_image)]

    def texts_per_step(self, batch_size: int) -> float:
        """Return the mean number of texts in a step, which is that of the slots."""
        return batch_size * (1 + DENIALS) * sum(map(len, self.of_image)) / len(self.of_image)

    def groups(self, drawn: Sequence[NDArray[np.int64]]) -> list[Sequence[TokenIds]]:
        """Return the slots of each sentence of the images drawn, which begin alike."""
        return [each.slots for image in drawn[0].tolist() for each in self.of_image[image]]

    def batches(self, encoder: "ClipEncoder", plan: BatchPlan) -> Callable[[int], Iterator[HalvesBatch]]:
        """Return what makes the batches from a step on, with the targets that the model sets now."""
        images = plan.samplers[0].seen(plan.steps)
        needed = {number for image in images for each in self.of_image[image] for number in each.halves}
        targets = torch.zeros(len(self.halves), encoder.dim)
        embed_into(targets, encoder.embed_tokens, self.halves, needed - {0})
        targets[0] = torch.from_numpy(nothing_of(encoder))
        return lambda first_step: halves_batches(self, targets, encoder, plan, first_step)


def make_halves(records: Rows, encoder: "ClipEncoder") -> SentenceHalves:
    """Read the column `contrast_set` of records: the sentences whose halves it says and slots can hold.

    Raises OmniNegClipError when there is none, and for a sentence that lacks a part.
    """
    said = [
        [each for each in sentences_of(record) if _is_known(each)]
        for record in records
        if record.get("contrast_set")
    ]
    said = [sentences for sentences in said if sentences]
    if not said:
        raise OmniNegClipError(
            "No record has a contrast_set that says what a sentence affirmed, which a reader learns from: "
            "use records with that column, as `omninegclip scenes` and `negate --hard` write it."
        )
    number = {ANYTHING: 0}
    for half in (half for sentences in said for each in sentences for half in _halves(each)):
        number.setdefault(half, len(number))
    longest, texts = encoder.context_length, [each["text"] for sentences in said for each in sentences]
    tokens = iter(encoder.tokenize(texts))
    return SentenceHalves(
        [
            [
                ReadSentence(
                    [array("i", slot) for slot in with_slots(next(tokens), longest)],
                    _in_slots([number[half] for half in _halves(each)]),
                )
                for each in sentences
            ]
            for sentences in said
        ],
        encoder.tokenize(list(number)),
    )


def halves_batches(
    sentences: SentenceHalves, targets: Tensor, encoder: "ClipEncoder", plan: BatchPlan, first_step: int = 0
) -> Iterator[HalvesBatch]:
    """Yield batch after batch of the images that are sampled; each process gets the texts of its share.

    Args:
        sentences: of all images.
        targets: [m, d] what should be said, by number.
        encoder: lays out the texts.
        plan: which batches are made.
        first_step: number of the first.
    """
    for numbers in plan.samplers[0].batches(first_step):
        mine = share(numbers)
        groups = sentences.groups([mine])
        size = max(1, plan.chunk_size * len(groups) // max(1, len(mine))) if plan.chunk_size else len(groups)
        halves = [each.halves for number in numbers.tolist() for each in sentences.of_image[number]]
        yield HalvesBatch(
            texts=tuple(
                encoder.lay_out(groups[start : start + size], encoder.context_length)
                for start in range(0, len(groups), size)
            ),
            known=HalvesFeatures(torch.empty(0), targets[torch.tensor(halves)], targets[0]),
        )


def _is_known(said: Row) -> bool:
    return said["affirmed"] is not None and len(_denied(said)) <= DENIALS


def _denied(said: Row) -> list[str]:
    return said["denied"] or [CONCEPT.format(name) for name in said["negates"]]


def _halves(said: Row) -> list[str]:
    """Return what a sentence affirms and denies in words; ANYTHING where it only denies."""
    denied = _denied(said)
    return [said["affirmed"] if not denied or without_frame(said["affirmed"]) else ANYTHING, *denied]


def _in_slots(numbers: Sequence[int]) -> list[int]:
    return [*numbers, *[0] * (1 + DENIALS - len(numbers))]


def _read(records: TrainingRecords, encoder: "ClipEncoder", settings: Settings) -> SentenceHalves:
    return make_halves(records.rows, encoder)


def _save(folder: Path, trained: Trained) -> None:
    with atomic_folder(folder) as partial:
        save_reader(partial / FILE, trained.weights, trained.base, trained.base_fingerprint)
        (partial / "README.md").write_text(trained.card, "utf-8")


HALVES = Method(
    name="halves",
    serves=("halves",),
    # a run validates on the captions of pairs, whatever it learns from
    columns=(*PAIRS.columns, "contrast_set"),
    read=_read,
    needs_images=False,
    library="omninegclip, as a reader",
    save=_save,
)
