"""Statements as the trainer takes them: sentences whose truth is known, and the images they are about."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.objectives import composed_target, false_pairs
from omninegclip.progress import track
from omninegclip.training.distributed import share
from omninegclip.training.task import ContrastBatch, Texts

TokenIds = Sequence[int]
OBJECTIVE = "omni-plus"  # what learns from statements; all else learns from pairs
CANDIDATES = 64  # images that hold what a statement denies, of which the most fitting one is taken
CONCEPT = "a photo of {}"
EMBEDDED = 2048  # texts between two moves of a bar


class Assertion(NamedTuple):
    """A sentence about an image: token ids, what it affirms and denies by number, and its affirmed words.

    `affirmed` is None where its truth alone is known, and not what it means beside that.
    """

    tokens: TokenIds
    affirms: tuple[int, ...]
    negates: int | None
    holds: bool
    affirmed: int | None


class ContrastSets(NamedTuple):
    """The statements of n images.

    Attributes:
        image_rows: [n] rows of the images' features.
        of_image: the statements of each image, those that begin alike together.
        present: [n, V] booleans: the image is known to hold the object.
        absent: [n, V] booleans: it is known not to hold it.
        names: the V objects.
        affirmed: token ids of all that statements affirm, numbered by `Assertion.affirmed`.
        concepts: token ids of the V objects.
    """

    image_rows: Tensor
    of_image: Sequence[Sequence[Assertion]]
    present: Tensor
    absent: Tensor
    names: Sequence[str]
    affirmed: Sequence[TokenIds]
    concepts: Sequence[TokenIds]


def make_contrast_sets(
    records: Sequence[Mapping[str, Any]],
    tokenize: Callable[[Sequence[str]], list[list[int]]],
    *,
    first_row: int = 0,
) -> ContrastSets | None:
    """Read the column `contrast_sets` of records whose images have the image features from `first_row` on.

    An object counts as absent from an image, much as in CLIP's own loss, when neither `objects_present` nor
    `objects_unsure` names it; where `objects_present` is null nothing is known of the image beside its own
    statements. Returns None where no record has statements.

    Raises OmniNegClipError for a statement that lacks a part, and where statements name one object alone.
    """
    rows = [row for row, record in enumerate(records) if record.get("contrast_set")]
    if not rows:
        return None
    said = [
        [_completed(each, records[row]["image_id"]) for each in records[row]["contrast_set"]] for row in rows
    ]
    names = _number(name for all_of in said for each in all_of for name in _named(each))
    if len(names) < 2:
        raise OmniNegClipError(
            f"The statements name {len(names)} object(s): two at least are needed to tell denials apart."
        )
    affirmed = _number(each["affirmed"] for all_of in said for each in all_of if each["affirmed"] is not None)
    tokens = iter(tokenize([each["text"] for all_of in said for each in all_of]))
    present, unsure = (
        _held([records[row].get(column) or () for row in rows], names)
        for column in ("objects_present", "objects_unsure")
    )
    known = torch.tensor([records[row].get("objects_present") is not None for row in rows])
    return ContrastSets(
        image_rows=torch.tensor(rows) + first_row,
        of_image=[[_statement(each, next(tokens), names, affirmed) for each in all_of] for all_of in said],
        present=present,
        absent=~(present | unsure) & known[:, None],
        names=list(names),
        affirmed=tokenize(list(affirmed)),
        concepts=tokenize([CONCEPT.format(name) for name in names]),
    )


class TargetEmbeddings:
    """What a model makes of affirmations and of objects before it is fine-tuned: targets for statements."""

    def __init__(
        self,
        contrast_sets: ContrastSets,
        embed: Callable[[Sequence[TokenIds]], Embeddings],
        weight: float,
        images: Iterable[int] | None = None,
    ) -> None:
        """Embed everything once that statements about `images` affirm, all by default.

        `weight` is that of `composed_target`. `names` are the embeddings [V, d] of the objects; a concept is
        one of them without what all have in common, of length 1.
        """
        chosen = range(len(contrast_sets.of_image)) if images is None else images
        self.names = torch.from_numpy(embed(contrast_sets.concepts))
        said = (each.affirmed for number in chosen for each in contrast_sets.of_image[number])
        self._affirmed = torch.zeros(len(contrast_sets.affirmed), self.names.shape[1])
        _embed_into(self._affirmed, embed, contrast_sets.affirmed, {n for n in said if n is not None})
        self._concepts = F.normalize(self.names - self.names.mean(dim=0), dim=-1)
        self._weight = weight

    def targets(self, contrast_sets: Sequence[Assertion]) -> Tensor:
        """Return the target [T, d] of each statement: its own embedding, or the composed one if it denies.

        Zeros where nothing is known of its meaning.
        """
        targets = torch.zeros(len(contrast_sets), self._affirmed.shape[1])
        known = [row for row, each in enumerate(contrast_sets) if each.affirmed is not None]
        targets[known] = self._affirmed[[contrast_sets[row].affirmed for row in known]]
        denying = [row for row in known if contrast_sets[row].negates is not None]
        concepts = self._concepts[[contrast_sets[row].negates for row in denying]]
        targets[denying] = composed_target(targets[denying], concepts, self._weight)
        return targets


def _embed_into(
    rows: Tensor,
    embed: Callable[[Sequence[TokenIds]], Embeddings],
    texts: Sequence[TokenIds],
    which: Iterable[int],
) -> None:
    """Set `which` rows of [n, d] to the embeddings of those of n texts, a bar showing how far it is."""
    numbers = sorted(which, key=lambda number: (len(texts[number]), number))
    parts = [numbers[start : start + EMBEDDED] for start in range(0, len(numbers), EMBEDDED)]
    for part in track(parts, f"Embedding {len(numbers):,} affirmations", len(parts)):
        rows[part] = torch.from_numpy(embed([texts[number] for number in part]))


class HardImages:
    """Finds images that hold what a statement denies and much of what it affirms."""

    def __init__(self, present: Tensor, images: Tensor, names: Tensor) -> None:
        """Find the images that hold each object.

        Args:
            present: [n, V] booleans, from labels or captions.
            images: [n, d] features, read where nothing is known of any image: the images that are nearest
                to an object's name then stand for those that hold it.
            names: [V, d] embeddings of the objects' names.
        """
        self._present = present.numpy()
        if present.any():
            self._holders = [np.flatnonzero(column) for column in self._present.T]
        else:
            nearest = (names @ images.T).topk(min(CANDIDATES, len(images)), dim=1).indices
            self._holders = list(nearest.numpy())

    def of(self, statement: Assertion, own: int, random: np.random.Generator) -> int | None:
        """Return the number of an image other than the statement's own.

        None for a statement that denies nothing or is false, and where no other image holds what it denies.
        """
        if statement.negates is None or not statement.holds:
            return None
        holders = self._holders[statement.negates]
        holders = holders[holders != own]
        if not len(holders):
            return None
        some = random.choice(holders, min(CANDIDATES, len(holders)), replace=False)
        shared = self._present[some][:, list(statement.affirms)].sum(axis=1)
        return int(some[np.argmax(shared)])


def contrast_batches(
    contrast_sets: ContrastSets,
    target_losses: TargetEmbeddings,
    features: Any,
    rows: Iterator[NDArray[np.int64]],
    seed: int,
    context_length: int,
    lay_out: Callable[[Sequence[Sequence[TokenIds]], int], Texts],
    *,
    hard_images: bool = True,
    first_step: int = 0,
    chunk_size: int | None = None,
) -> Iterator[ContrastBatch]:
    """Yield batch after batch of the images that `rows` names, with a hard image per true denial or none.

    What is drawn depends on the seed and the number of the step alone. Each process gets the sentences of its
    share, and everything else of the whole batch.
    """
    find = None
    if hard_images:
        images = features[contrast_sets.image_rows] if not contrast_sets.present.any() else torch.empty(0)
        find = HardImages(contrast_sets.present, images, target_losses.names).of
    for step, numbers in enumerate(rows, first_step):
        random = np.random.default_rng([seed, step])
        said = [each for number in numbers for each in contrast_sets.of_image[number]]
        own = [place for place, number in enumerate(numbers) for _ in contrast_sets.of_image[number]]
        mined = [
            find(each, int(numbers[place]), random) if find else None
            for each, place in zip(said, own, strict=True)
        ]
        # a hard image that is in the batch already is not shown twice
        shown = list(dict.fromkeys([*numbers.tolist(), *(each for each in mined if each is not None)]))
        column = {number: place for place, number in enumerate(shown)}
        known = torch.tensor(shown)
        affirms, negates = _claims(said, contrast_sets.present.shape[1])
        mine = share(numbers)
        groups = [group for number in mine for group in alike(contrast_sets.of_image[number])]
        size = len(groups) if chunk_size is None else max(1, chunk_size * len(groups) // max(1, len(mine)))
        yield ContrastBatch(
            images=features[contrast_sets.image_rows[known]],
            texts=tuple(
                lay_out(groups[start : start + size], context_length) for start in range(0, len(groups), size)
            ),
            own=torch.tensor(own),
            true=torch.tensor([each.holds for each in said]),
            false=false_pairs(affirms, negates, contrast_sets.present[known], contrast_sets.absent[known]),
            hard=torch.tensor([-1 if number is None else column[number] for number in mined]),
            targets=target_losses.targets(said),
            meant=torch.tensor([each.affirmed is not None for each in said]),
            negates=negates.any(dim=1),
        )


def _held(objects: Sequence[Sequence[str]], names: Mapping[str, int]) -> Tensor:
    held = torch.zeros(len(objects), len(names), dtype=torch.bool)
    for row, known in enumerate(objects):
        held[row, [names[name] for name in known if name in names]] = True
    return held


def _completed(statement: Mapping[str, Any] | None, image_id: str) -> Mapping[str, Any]:
    for key in ("text", "affirms", "holds"):
        if statement is None or statement.get(key) is None:
            raise OmniNegClipError(
                f"A statement of the image {image_id!r} has no {key!r}: a statement needs text, affirms "
                "and holds."
            )
    return {"negates": None, "affirmed": None, **(statement or {})}


def _statement(
    each: Mapping[str, Any], tokens: TokenIds, names: Mapping[str, int], affirmed: Mapping[str, int]
) -> Assertion:
    negates = None if each["negates"] is None else names[each["negates"]]
    affirms = tuple(names[name] for name in each["affirms"])
    meaning = None if each["affirmed"] is None else affirmed[each["affirmed"]]
    return Assertion(array("i", tokens), affirms, negates, each["holds"], meaning)


def _named(each: Mapping[str, Any]) -> list[str]:
    return [*each["affirms"], *([] if each["negates"] is None else [each["negates"]])]


def _number(names: Iterator[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(names))}


def _claims(said: Sequence[Assertion], objects: int) -> tuple[Tensor, Tensor]:
    affirms, negates = torch.zeros(2, len(said), objects, dtype=torch.bool)
    for row, each in enumerate(said):
        affirms[row, list(each.affirms)] = True
        if each.negates is not None:
            negates[row, each.negates] = True
    return affirms, negates


def alike(contrast_sets: Sequence[Assertion]) -> list[list[TokenIds]]:
    """Return token ids, consecutive statements with the same affirmed words in one group."""
    runs = groupby(contrast_sets, key=lambda each: each.affirmed)
    return [[each.tokens for each in run] for _, run in runs]
