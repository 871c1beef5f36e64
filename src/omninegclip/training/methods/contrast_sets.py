"""Contrast sets: sentences about an image whose truth is known, what they mean, and images that fit less."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from omninegclip.data.sources import Row
from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.objectives import composed_target, false_pairs
from omninegclip.objectives.features import ContrastFeatures
from omninegclip.objectives.objective import Setting, Weight
from omninegclip.progress import track
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
from omninegclip.training.methods.pairs import PAIRS

if TYPE_CHECKING:  # imports transformers
    from omninegclip.clip.encoder import ClipEncoder

CANDIDATES = 64  # images that hold what a sentence negates, of which the most fitting one is taken
CONCEPT = "a photo of {}"
EMBEDDED = 2048  # texts between two moves of a bar


class ContrastBatch(NamedTuple):
    """One step's data: what `ContrastFeatures` has, with this process's texts instead of all features.

    Attributes:
        texts: the sentences of this process's share of the images, in one chunk or several.
        known: all else of the batch, of all processes; its `texts` are empty.
    """

    texts: tuple[Texts, ...]
    known: ContrastFeatures

    def served(self, texts: Tensor, scale: Tensor) -> Mapping[str, object]:
        """Return what is known with the features of all sentences, given those of this process's."""
        return {"contrast_sets": self.known._replace(texts=gather(texts)), "scale": scale}


class Assertion(NamedTuple):
    """A sentence about an image: token ids, what it affirms and negates by number, and its affirmed words.

    `affirmed` is None where its truth alone is known, and not what it means beside that.
    """

    tokens: TokenIds
    affirms: tuple[int, ...]
    negates: int | None
    holds: bool
    affirmed: int | None


class ContrastSets(NamedTuple):
    """The contrast sets of n images.

    Attributes:
        features: of the images of all records.
        image_rows: [n] rows of the images' features.
        of_image: the sentences of each image, those that begin alike together.
        present: [n, V] booleans: the image is known to hold the object.
        absent: [n, V] booleans: it is known not to hold it.
        names: the V objects.
        affirmed: token ids of all that sentences affirm, numbered by `Assertion.affirmed`.
        concepts: token ids of the V objects.
    """

    features: FeatureRows
    image_rows: Tensor
    of_image: Sequence[Sequence[Assertion]]
    present: Tensor
    absent: Tensor
    names: Sequence[str]
    affirmed: Sequence[TokenIds]
    concepts: Sequence[TokenIds]

    @property
    def sizes(self) -> list[int]:
        """How many images there are."""
        return [len(self.of_image)]

    def texts_per_step(self, batch_size: int) -> float:
        """Return the mean number of sentences in a step."""
        return batch_size * sum(map(len, self.of_image)) / len(self.of_image)

    def lay_out(self, encoder: "ClipEncoder", drawn: Sequence[NDArray[np.int64]]) -> Texts:
        """Return the texts of what each sampler drew as the model's text tower takes them."""
        return encoder.lay_out(self.groups(drawn), encoder.context_length)

    def groups(self, drawn: Sequence[NDArray[np.int64]]) -> list[Sequence[TokenIds]]:
        """Return the sentences of the images drawn, those in a row with the same affirmed words together."""
        return [
            [each.tokens for each in run]
            for image in drawn[0].tolist()
            for _, run in groupby(self.of_image[image], key=lambda each: each.affirmed)
        ]

    def batches(self, encoder: "ClipEncoder", plan: BatchPlan) -> Callable[[int], Iterator[ContrastBatch]]:
        """Return what makes the batches from a step on, with the targets that the model sets now."""
        images = plan.samplers[0].seen(plan.steps)
        weights = ConceptWeights(plan.settings["concept_weight"], plan.settings["bare_concept_weight"])
        targets = TargetEmbeddings(self, encoder.embed_tokens, weights, images)
        return lambda first_step: contrast_batches(self, targets, encoder, plan, first_step)


def make_contrast_sets(records: Rows, features: FeatureRows, tokenize: Tokenize) -> ContrastSets:
    """Read the column `contrast_set` of records, whose images have the features in the same order.

    An object counts as absent from an image, much as in CLIP's own loss, when neither `objects_present` nor
    `objects_unsure` names it; where `objects_present` is null nothing is known of the image beside its own
    sentences.

    Raises OmniNegClipError when no record has a contrast set, for a sentence that lacks a part, and where
    all sentences name one object alone.
    """
    rows = [row for row, record in enumerate(records) if record.get("contrast_set")]
    if not rows:
        raise OmniNegClipError(
            "No record has a contrast_set, which this objective needs: "
            "use records with that column, or set objective=omni."
        )
    said = [[each for each in sentences_of(records[row]) if _has_one_concept(each)] for row in rows]
    names = _number(name for all_of in said for each in all_of for name in _named(each))
    if len(names) < 2:
        raise OmniNegClipError(
            f"The contrast sets name {len(names)} object(s): at least two are needed, to tell "
            "negations apart."
        )
    affirmed = _number(each["affirmed"] for all_of in said for each in all_of if each["affirmed"] is not None)
    tokens = iter(tokenize([each["text"] for all_of in said for each in all_of]))
    present, unsure = (
        _held([records[row].get(column) or () for row in rows], names)
        for column in ("objects_present", "objects_unsure")
    )
    known = torch.tensor([records[row].get("objects_present") is not None for row in rows])
    return ContrastSets(
        features=features,
        image_rows=torch.tensor(rows),
        of_image=[[_assertion(each, next(tokens), names, affirmed) for each in all_of] for all_of in said],
        present=present,
        absent=~(present | unsure) & known[:, None],
        names=list(names),
        affirmed=tokenize(list(affirmed)),
        concepts=tokenize([CONCEPT.format(name) for name in names]),
    )


class ConceptWeights(NamedTuple):
    """The weights w of `composed_target`.

    Attributes:
        composed: of a sentence that affirms known objects.
        bare: of one that affirms none of them, as "no dog here": that is true of most images, and a heavy
            negated concept would push all of them away.
    """

    composed: float
    bare: float

    def of(self, said: Assertion) -> float:
        """Return the weight of a sentence that negates something."""
        return self.composed if said.affirms else self.bare


class TargetEmbeddings:
    """What a model makes of affirmations and of objects before it is fine-tuned: targets for sentences."""

    def __init__(
        self,
        contrast_sets: ContrastSets,
        embed: Callable[[Sequence[TokenIds]], Embeddings],
        weights: ConceptWeights,
        images: Iterable[int] | None = None,
    ) -> None:
        """Embed everything once that sentences about `images` affirm, all by default.

        `names` are the embeddings [V, d] of the objects; a concept is
        one of them without what all have in common, of length 1.
        """
        chosen = range(len(contrast_sets.of_image)) if images is None else images
        self.names = torch.from_numpy(embed(contrast_sets.concepts))
        said = (each.affirmed for number in chosen for each in contrast_sets.of_image[number])
        self._affirmed = torch.zeros(len(contrast_sets.affirmed), self.names.shape[1])
        embed_into(self._affirmed, embed, contrast_sets.affirmed, {n for n in said if n is not None})
        self._concepts = F.normalize(self.names - self.names.mean(dim=0), dim=-1)
        self._weights = weights

    def targets(self, said: Sequence[Assertion]) -> Tensor:
        """Return the target [T, d] of each sentence: its own embedding, or the composed one if it negates.

        Zeros where nothing is known of its meaning.
        """
        targets = torch.zeros(len(said), self._affirmed.shape[1])
        known = [row for row, each in enumerate(said) if each.affirmed is not None]
        targets[known] = self._affirmed[[said[row].affirmed for row in known]]
        negating = [row for row in known if said[row].negates is not None]
        concepts = self._concepts[[said[row].negates for row in negating]]
        weights = torch.tensor([self._weights.of(said[row]) for row in negating])
        targets[negating] = composed_target(targets[negating], concepts, weights)
        return targets


def embed_into(
    rows: Tensor,
    embed: Callable[[Sequence[TokenIds]], Embeddings],
    texts: Sequence[TokenIds],
    which: Iterable[int],
) -> None:
    """Set `which` rows of [n, d] to the embeddings of those of n texts, a bar showing how far it is."""
    numbers = sorted(which, key=lambda number: (len(texts[number]), number))
    parts = [numbers[start : start + EMBEDDED] for start in range(0, len(numbers), EMBEDDED)]
    for part in track(parts, f"Embedding {len(numbers):,} affirmed texts", len(parts)):
        rows[part] = torch.from_numpy(embed([texts[number] for number in part]))


class HardImages:
    """Finds images that hold what a sentence negates and much of what it affirms."""

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

    def of(self, said: Assertion, own: int, random: np.random.Generator) -> int | None:
        """Return the number of an image other than the sentence's own.

        None for a sentence that negates nothing or is false, and where no other image holds what it negates.
        """
        if said.negates is None or not said.holds:
            return None
        holders = self._holders[said.negates]
        holders = holders[holders != own]
        if not len(holders):
            return None
        some = random.choice(holders, min(CANDIDATES, len(holders)), replace=False)
        shared = self._present[some[:, None], said.affirms].sum(axis=1)
        return int(some[np.argmax(shared)])


class KnownPairs(NamedTuple):
    """Sentences and images, and what is known of each pair.

    Attributes:
        said: the T sentences.
        images: [P] numbers of the images: those whose sentences they are, and behind them the hard ones.
        own: [T] column of each sentence's own image.
        true: [T] whether it is true of that image.
        false: [T, P] where it is known to be false.
        hard: [T] column of its hard image, -1 for none.
        negates: [T] whether it negates something.
    """

    said: Sequence[Assertion]
    images: Tensor
    own: Tensor
    true: Tensor
    false: Tensor
    hard: Tensor
    negates: Tensor


FindHard = Callable[[Assertion, int, np.random.Generator], int | None]


def find_hard(contrast_sets: ContrastSets, names: Tensor) -> FindHard:
    """Return what finds hard images; `names` are the embeddings [V, d] of the objects."""
    unknown = not contrast_sets.present.any()
    images = contrast_sets.features[contrast_sets.image_rows] if unknown else torch.empty(0)
    return HardImages(contrast_sets.present, images, names).of


def known_pairs(
    contrast_sets: ContrastSets,
    numbers: NDArray[np.int64],
    said: Sequence[Sequence[Assertion]],
    find: FindHard | None,
    random: np.random.Generator,
) -> KnownPairs:
    """Return the pairs of images, by number, with the sentences `said` of each and their hard images."""
    every = [each for sentences in said for each in sentences]
    own = [place for place, sentences in enumerate(said) for _ in sentences]
    mined = [
        find(each, int(numbers[place]), random) if find else None
        for each, place in zip(every, own, strict=True)
    ]
    # a hard image that is in the batch already is not shown twice
    shown = list(dict.fromkeys([*numbers.tolist(), *(each for each in mined if each is not None)]))
    column = {number: place for place, number in enumerate(shown)}
    images = torch.tensor(shown)
    affirms, negates = _claims(every, len(contrast_sets.names))
    return KnownPairs(
        every,
        images,
        torch.tensor(own),
        torch.tensor([each.holds for each in every]),
        false_pairs(affirms, negates, contrast_sets.present[images], contrast_sets.absent[images]),
        torch.tensor([-1 if number is None else column[number] for number in mined]),
        negates.any(dim=1),
    )


def contrast_batches(
    contrast_sets: ContrastSets,
    targets: TargetEmbeddings,
    encoder: "ClipEncoder",
    plan: BatchPlan,
    first_step: int = 0,
) -> Iterator[ContrastBatch]:
    """Yield batch after batch of the images that are sampled, with a hard image per true negation or none.

    What is drawn depends on the seed and the number of the step alone. Each process gets the sentences of its
    share, and everything else of the whole batch.
    """
    find = find_hard(contrast_sets, targets.names) if plan.settings["hard_images"] else None
    for step, numbers in enumerate(plan.samplers[0].batches(first_step), first_step):
        random = np.random.default_rng([plan.seed, step])
        said = [contrast_sets.of_image[number] for number in numbers]
        pairs = known_pairs(contrast_sets, numbers, said, find, random)
        mine = share(numbers)
        groups = contrast_sets.groups([mine])
        size = max(1, plan.chunk_size * len(groups) // max(1, len(mine))) if plan.chunk_size else len(groups)
        yield ContrastBatch(
            texts=tuple(
                encoder.lay_out(groups[start : start + size], encoder.context_length)
                for start in range(0, len(groups), size)
            ),
            known=ContrastFeatures(
                images=contrast_sets.features[contrast_sets.image_rows[pairs.images]],
                texts=torch.empty(0),
                own=pairs.own,
                true=pairs.true,
                false=pairs.false,
                hard=pairs.hard,
                targets=targets.targets(pairs.said),
                meant=torch.tensor([each.affirmed is not None for each in pairs.said]),
                negates=pairs.negates,
            ),
        )


def _held(objects: Sequence[Sequence[str]], names: Mapping[str, int]) -> Tensor:
    held = torch.zeros(len(objects), len(names), dtype=torch.bool)
    for row, known in enumerate(objects):
        held[row, [names[name] for name in known if name in names]] = True
    return held


def sentences_of(record: Row) -> list[Row]:
    """Return the sentences of a record's contrast set, what they lack filled in.

    Raises OmniNegClipError for one that lacks a part that nothing can stand for.
    """
    found = []
    for given in record["contrast_set"]:
        said = given or {}
        for key in ("text", "affirms", "holds"):
            if said.get(key) is None:
                raise OmniNegClipError(
                    f"A sentence in the contrast set of the image {record['image_id']!r} has no {key!r}: "
                    "it needs text, affirms and holds."
                )
        negates = said.get("negates") or []
        found.append({"affirmed": None, "denied": None, **said, "negates": negates})
    return found


def _has_one_concept(said: Row) -> bool:
    """Tell whether a sentence denies nothing, or one object alone: only then is a target composed."""
    return len(said["negates"]) < 2 and len(said["denied"] or said["negates"]) == len(said["negates"])


def _assertion(
    each: Row, tokens: TokenIds, names: Mapping[str, int], affirmed: Mapping[str, int]
) -> Assertion:
    negates = names[each["negates"][0]] if each["negates"] else None
    affirms = tuple(names[name] for name in each["affirms"])
    meaning = None if each["affirmed"] is None else affirmed[each["affirmed"]]
    return Assertion(array("i", tokens), affirms, negates, each["holds"], meaning)


def _named(each: Row) -> list[str]:
    return [*each["affirms"], *each["negates"]]


def _number(names: Iterator[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(names))}


def _claims(said: Sequence[Assertion], objects: int) -> tuple[Tensor, Tensor]:
    """Return [T, V] which objects each sentence affirms, and which it negates."""
    claims = np.zeros((2, len(said), objects), np.bool_)
    affirmed = [(row, name) for row, each in enumerate(said) for name in each.affirms]
    negated = [(row, each.negates) for row, each in enumerate(said) if each.negates is not None]
    for claimed, places in zip(claims, (affirmed, negated), strict=True):
        claimed[tuple(np.array(places, np.int64).reshape(-1, 2).T)] = True
    affirms, negates = torch.from_numpy(claims)
    return affirms, negates


def _read(records: TrainingRecords, encoder: "ClipEncoder", settings: Settings) -> ContrastSets:
    return make_contrast_sets(*records, encoder.tokenize)


CONTRAST_SETS = Method(
    name="contrast_sets",
    serves=("contrast_sets", "scale"),
    # a run validates on the captions of pairs, whatever it learns from
    columns=(*PAIRS.columns, "contrast_set", "objects_present", "objects_unsure"),
    read=_read,
    settings={
        "concept_weight": Setting(Weight, 0.5),
        "bare_concept_weight": Setting(Weight, 0.5),
        "hard_images": Setting(bool, True),
    },
)
