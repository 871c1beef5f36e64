"""Statements as the trainer takes them: sentences whose truth is known, and the pictures they are about."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from omninegclip.clip.encoder import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.objectives import composed_target, known_false
from omninegclip.progress import track
from omninegclip.training.distributed import share
from omninegclip.training.task import StatementBatch, Texts

TokenIds = Sequence[int]
OBJECTIVE = "omni-plus"  # what learns from statements; all else learns from pairs
CANDIDATES = 64  # pictures that hold what a statement denies, of which the most fitting one is taken
CONCEPT = "a photo of {}"
EMBEDDED = 2048  # texts between two moves of a bar


class Statement(NamedTuple):
    """A sentence about a picture: token ids, what it affirms and denies by number, and its affirmed words.

    `affirmed` is None where its truth alone is known, and not what it means beside that.
    """

    tokens: TokenIds
    affirms: tuple[int, ...]
    denies: int | None
    holds: bool
    affirmed: int | None


class Statements(NamedTuple):
    """The statements of n pictures.

    Attributes:
        image_rows: [n] rows of the pictures' features.
        of_picture: the statements of each picture, those that begin alike together.
        present: [n, V] booleans: the picture is known to hold the object.
        absent: [n, V] booleans: it is known not to hold it.
        names: the V objects.
        affirmed: token ids of all that statements affirm, numbered by `Statement.affirmed`.
        concepts: token ids of the V objects.
    """

    image_rows: Tensor
    of_picture: Sequence[Sequence[Statement]]
    present: Tensor
    absent: Tensor
    names: Sequence[str]
    affirmed: Sequence[TokenIds]
    concepts: Sequence[TokenIds]


def make_statements(
    records: Sequence[Mapping[str, Any]],
    tokenize: Callable[[Sequence[str]], list[list[int]]],
    *,
    first_row: int = 0,
) -> Statements | None:
    """Read the column `statements` of records whose pictures have the image features from `first_row` on.

    An object counts as absent from a picture, much as in CLIP's own loss, when neither `objects_present` nor
    `objects_unsure` names it; where `objects_present` is null nothing is known of the picture beside its own
    statements. Returns None where no record has statements.

    Raises OmniNegClipError for a statement that lacks a part, and where statements name one object alone.
    """
    rows = [row for row, record in enumerate(records) if record.get("statements")]
    if not rows:
        return None
    said = [
        [_completed(each, records[row]["image_id"]) for each in records[row]["statements"]] for row in rows
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
    return Statements(
        image_rows=torch.tensor(rows) + first_row,
        of_picture=[[_statement(each, next(tokens), names, affirmed) for each in all_of] for all_of in said],
        present=present,
        absent=~(present | unsure) & known[:, None],
        names=list(names),
        affirmed=tokenize(list(affirmed)),
        concepts=tokenize([CONCEPT.format(name) for name in names]),
    )


class Meanings:
    """What a model makes of affirmations and of objects before it is fine-tuned: targets for statements."""

    def __init__(
        self,
        statements: Statements,
        embed: Callable[[Sequence[TokenIds]], Embeddings],
        weight: float,
        pictures: Iterable[int] | None = None,
    ) -> None:
        """Embed everything once that statements about `pictures` affirm, all by default.

        `weight` is that of `composed_target`. `names` are the embeddings [V, d] of the objects; a concept is
        one of them without what all have in common, of length 1.
        """
        chosen = range(len(statements.of_picture)) if pictures is None else pictures
        self.names = torch.from_numpy(embed(statements.concepts))
        said = (each.affirmed for number in chosen for each in statements.of_picture[number])
        self._affirmed = torch.zeros(len(statements.affirmed), self.names.shape[1])
        _embed_into(self._affirmed, embed, statements.affirmed, {n for n in said if n is not None})
        self._concepts = F.normalize(self.names - self.names.mean(dim=0), dim=-1)
        self._weight = weight

    def targets(self, statements: Sequence[Statement]) -> Tensor:
        """Return the target [T, d] of each statement: its own embedding, or the composed one if it denies.

        Zeros where nothing is known of its meaning.
        """
        targets = torch.zeros(len(statements), self._affirmed.shape[1])
        known = [row for row, each in enumerate(statements) if each.affirmed is not None]
        targets[known] = self._affirmed[[statements[row].affirmed for row in known]]
        denying = [row for row in known if statements[row].denies is not None]
        concepts = self._concepts[[statements[row].denies for row in denying]]
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


class HardPictures:
    """Finds pictures that hold what a statement denies and much of what it affirms."""

    def __init__(self, present: Tensor, images: Tensor, names: Tensor) -> None:
        """Find the pictures that hold each object.

        Args:
            present: [n, V] booleans, from labels or captions.
            images: [n, d] features, read where nothing is known of any picture: the pictures that are nearest
                to an object's name then stand for those that hold it.
            names: [V, d] embeddings of the objects' names.
        """
        self._present = present.numpy()
        if present.any():
            self._holders = [np.flatnonzero(column) for column in self._present.T]
        else:
            nearest = (names @ images.T).topk(min(CANDIDATES, len(images)), dim=1).indices
            self._holders = list(nearest.numpy())

    def of(self, statement: Statement, own: int, random: np.random.Generator) -> int | None:
        """Return the number of a picture other than the statement's own.

        None for a statement that denies nothing or is false, and where no other picture holds what it denies.
        """
        if statement.denies is None or not statement.holds:
            return None
        holders = self._holders[statement.denies]
        holders = holders[holders != own]
        if not len(holders):
            return None
        some = random.choice(holders, min(CANDIDATES, len(holders)), replace=False)
        shared = self._present[some][:, list(statement.affirms)].sum(axis=1)
        return int(some[np.argmax(shared)])


def statement_batches(
    statements: Statements,
    meanings: Meanings,
    features: Any,
    rows: Iterator[NDArray[np.int64]],
    seed: int,
    context_length: int,
    lay_out: Callable[[Sequence[Sequence[TokenIds]], int], Texts],
    *,
    hard_pictures: bool = True,
    first_step: int = 0,
    chunk_size: int | None = None,
) -> Iterator[StatementBatch]:
    """Yield batch after batch of the pictures that `rows` names, with a hard picture per true denial or none.

    What is drawn depends on the seed and the number of the step alone. Each process gets the sentences of its
    share, and everything else of the whole batch.
    """
    find = None
    if hard_pictures:
        images = features[statements.image_rows] if not statements.present.any() else torch.empty(0)
        find = HardPictures(statements.present, images, meanings.names).of
    for step, numbers in enumerate(rows, first_step):
        random = np.random.default_rng([seed, step])
        said = [each for number in numbers for each in statements.of_picture[number]]
        own = [place for place, number in enumerate(numbers) for _ in statements.of_picture[number]]
        mined = [
            find(each, int(numbers[place]), random) if find else None
            for each, place in zip(said, own, strict=True)
        ]
        # a hard picture that is in the batch already is not shown twice
        shown = list(dict.fromkeys([*numbers.tolist(), *(each for each in mined if each is not None)]))
        column = {number: place for place, number in enumerate(shown)}
        known = torch.tensor(shown)
        affirms, denies = _claims(said, statements.present.shape[1])
        mine = share(numbers)
        groups = [group for number in mine for group in alike(statements.of_picture[number])]
        size = len(groups) if chunk_size is None else max(1, chunk_size * len(groups) // max(1, len(mine)))
        yield StatementBatch(
            images=features[statements.image_rows[known]],
            texts=tuple(
                lay_out(groups[start : start + size], context_length) for start in range(0, len(groups), size)
            ),
            own=torch.tensor(own),
            true=torch.tensor([each.holds for each in said]),
            false=known_false(affirms, denies, statements.present[known], statements.absent[known]),
            hard=torch.tensor([-1 if number is None else column[number] for number in mined]),
            targets=meanings.targets(said),
            meant=torch.tensor([each.affirmed is not None for each in said]),
            denies=denies.any(dim=1),
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
                f"A statement of the picture {image_id!r} has no {key!r}: a statement needs text, affirms "
                "and holds."
            )
    return {"denies": None, "affirmed": None, **(statement or {})}


def _statement(
    each: Mapping[str, Any], tokens: TokenIds, names: Mapping[str, int], affirmed: Mapping[str, int]
) -> Statement:
    denies = None if each["denies"] is None else names[each["denies"]]
    affirms = tuple(names[name] for name in each["affirms"])
    meaning = None if each["affirmed"] is None else affirmed[each["affirmed"]]
    return Statement(array("i", tokens), affirms, denies, each["holds"], meaning)


def _named(each: Mapping[str, Any]) -> list[str]:
    return [*each["affirms"], *([] if each["denies"] is None else [each["denies"]])]


def _number(names: Iterator[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(names))}


def _claims(said: Sequence[Statement], objects: int) -> tuple[Tensor, Tensor]:
    affirms, denies = torch.zeros(2, len(said), objects, dtype=torch.bool)
    for row, each in enumerate(said):
        affirms[row, list(each.affirms)] = True
        if each.denies is not None:
            denies[row, each.denies] = True
    return affirms, denies


def alike(statements: Sequence[Statement]) -> list[list[TokenIds]]:
    """Return token ids, consecutive statements with the same affirmed words in one group."""
    runs = groupby(statements, key=lambda each: each.affirmed)
    return [[each.tokens for each in run] for _, run in runs]
