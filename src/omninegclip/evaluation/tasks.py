"""From records to figures: which images and texts a benchmark needs embedded, and what it makes of them."""

import inspect
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from omninegclip.captions.negation_words import cue
from omninegclip.data.items import (
    BenchmarkItem,
    CaptionedImage,
    ImageChoice,
    ImageRef,
    LabelledImage,
    ObjectQuestion,
    SearchQuery,
    TextChoice,
)
from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation import blind, metrics, protocols
from omninegclip.evaluation.protocols import Rule
from omninegclip.scoring.texts import Texts

KS = (1, 5, 10)
EXCLUSION_K = 5


@dataclass(frozen=True)
class Figure:
    """A named figure as its per-item values [n], with the group of every item in each breakdown."""

    name: str
    values: NDArray[np.float64]
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    proportion: bool = True  # values are credits; else any number, and intervals are bootstrapped
    blind: Mapping[str, float] = field(default_factory=dict)  # rule -> what it scores without seeing
    clusters: NDArray[np.int64] | None = None  # [n] the image of each item, where several may share one
    chosen: NDArray[np.int64] | None = None  # [n] the option chosen, by its place in the file; -1: a tie


class EvaluationTask(Protocol):
    """A kind of benchmark over its items."""

    @property
    def images(self) -> Sequence[ImageRef]:
        """The images to embed, in the order that `score` takes them."""

    @property
    def texts(self) -> Sequence[str]:
        """The texts to embed, in the order that `score` takes them."""

    def score(self, images: Embeddings, texts: Texts, rule: Rule) -> list[Figure]:
        """Return the figures from embeddings [images, d] and the texts."""


class TextChoices:
    """Choose the text that fits the image."""

    def __init__(
        self, items: Sequence[TextChoice], official: Literal["argmax", "greater"] = "argmax"
    ) -> None:
        """Hold the items; `official` is the field's rule: the first maximum, or strictly more than all."""
        if official not in ("argmax", "greater"):
            raise OmniNegClipError(f"The task option official is {official!r}: argmax or greater is needed.")
        self.items = items
        self.score_options = protocols.prefer if official == "greater" else protocols.choose
        self.images = [item.image for item in items]
        self.texts = [text for item in items for text in item.options]

    def score(self, images: Embeddings, texts: Texts, rule: Rule) -> list[Figure]:
        """Return the accuracy, with what text alone achieves beside it."""
        options = [item.options for item in self.items]
        answers = np.array([item.answer for item in self.items])
        starts = np.cumsum([0, *map(len, options)])
        scores = texts.choose_text(images, starts)
        without_looking = {
            name: float(metrics.choice(guess(options), answers).mean()) for name, guess in blind.RULES.items()
        }
        groups = _groups(self.items) | {"cue": [_cue(item) for item in self.items]}
        credits_won = self.score_options(scores, answers, rule)
        orders = [item.order or range(len(item.options)) for item in self.items]
        return [
            Figure(
                "accuracy",
                credits_won,
                groups,
                blind=without_looking,
                clusters=_same_images(self.images),
                chosen=_chosen(scores, orders, rule),
            )
        ]


class ImageChoices:
    """Choose the image, mostly a crop, that fits the text."""

    def __init__(self, items: Sequence[ImageChoice]) -> None:
        """Hold the items."""
        self.items = items
        self.images = [image for item in items for image in item.images]
        self.texts = [item.text for item in items]

    def score(self, images: Embeddings, texts: Texts, rule: Rule) -> list[Figure]:
        """Return the accuracy."""
        starts = np.cumsum([0, *(len(item.images) for item in self.items)])
        scores = texts.choose_image(images, starts)
        answers = np.array([item.answer for item in self.items])
        chance = {"constant": float(np.mean(1 / np.diff(starts)))}
        groups = _groups(self.items) | {"cue": [cue(text) for text in self.texts]}
        orders = [item.order or range(len(item.images)) for item in self.items]
        return [
            Figure(
                "accuracy",
                protocols.choose(scores, answers, rule),
                groups,
                blind=chance,
                clusters=_same_images([item.images[item.answer] for item in self.items]),
                chosen=_chosen(scores, orders, rule),
            )
        ]


class Retrieval:
    """Find the image of a caption and a caption of the image."""

    def __init__(self, items: Sequence[CaptionedImage]) -> None:
        """Hold the items, each with at least one caption."""
        self.items = items
        self.images = [item.image for item in items]
        self.texts = [text for item in items for text in item.captions]

    def score(self, images: Embeddings, texts: Texts, rule: Rule) -> list[Figure]:
        """Return hits at 1, 5 and 10 in both directions, and exclusion where objects are known."""
        starts = np.cumsum([0, *(len(item.captions) for item in self.items)])
        owners = np.repeat(np.arange(len(self.items)), np.diff(starts))
        captions = [np.arange(*span) for span in pairwise(starts)]
        by_image = _groups(self.items)
        by_caption = {name: [values[owner] for owner in owners] for name, values in by_image.items()}
        by_caption["cue"] = [cue(text) for text in self.texts]
        scores = texts.rank_images(images)
        found = protocols.retrieve(scores, owners, KS, rule)
        clusters = _same_images(self.images)
        figures = [
            Figure(f"text_to_image_r{k}", values, by_caption, clusters=clusters[owners])
            for k, values in found.items()
        ]
        found = protocols.retrieve(scores.transposed, captions, KS, rule)
        figures += [
            Figure(f"image_to_text_r{k}", values, by_image, clusters=clusters) for k, values in found.items()
        ]
        return figures if rule == "official" else figures + self._exclusion(images, texts, owners)

    def _exclusion(self, images: Embeddings, texts: Texts, owners: NDArray[np.int64]) -> list[Figure]:
        named = [
            _named(self.items[owner].absent, text) for owner, text in zip(owners, self.texts, strict=True)
        ]
        asked = [index for index, objects in enumerate(named) if objects]
        if not asked or not any(item.present for item in self.items):
            return []
        present = [set(item.present) for item in self.items]
        objects = {name for index in asked for name in named[index]}
        holders = {name: np.array([name in there for there in present]) for name in objects}

        def holds(rows: slice) -> NDArray[np.bool_]:
            return np.array([np.any([holders[name] for name in named[i]], axis=0) for i in asked[rows]])

        k = min(EXCLUSION_K, len(self.items))
        shares = metrics.exclusion_at_k(texts.some(asked).rank_images(images), holds, k)
        groups = {name: [values[owners[i]] for i in asked] for name, values in _groups(self.items).items()}
        groups["cue"] = [cue(self.texts[index]) for index in asked]
        random_order = float(np.mean([holds(slice(i, i + 1)).mean() for i in range(len(asked))]))
        return [
            Figure(
                f"exclusion_at_{EXCLUSION_K}",
                shares,
                groups,
                False,
                blind={"random order": random_order},
                clusters=_same_images(self.images)[owners[asked]],
            )
        ]


class Search:
    """Find an image that the text is true of, and keep out those that hold what it denies."""

    def __init__(self, items: Sequence[SearchQuery], gallery: Sequence[ImageRef] = ()) -> None:
        """Hold the items; what is searched is the gallery and the images of all items."""
        self.items = items
        own = (image for item in items for image in images_of(item))
        self.images = list(dict.fromkeys((*gallery, *own)))
        self.texts = [item.text for item in items]

    def score(self, images: Embeddings, texts: Texts, rule: Rule) -> list[Figure]:
        """Return hits at 1, 5 and 10, and exclusion at 5 and 10 where images are to be excluded."""
        place = {image: index for index, image in enumerate(self.images)}
        relevant = [np.array([place[image] for image in item.relevant]) for item in self.items]
        groups = _groups(self.items) | {"cue": [cue(text) for text in self.texts]}
        scores = texts.rank_images(images)
        found = protocols.retrieve(scores, relevant, KS, rule)
        size = len(self.images)
        shares = np.array([len(rows) / size for rows in relevant])
        figures = [
            Figure(f"text_to_image_r{k}", values, groups, blind={"random order": _any_of(shares, k)})
            for k, values in found.items()
        ]
        holds = np.zeros((len(self.items), size), dtype=np.bool_)
        for row, item in enumerate(self.items):
            holds[row, [place[image] for image in item.excluded]] = True
        if not holds.any():
            return figures
        without_looking = {"random order": float(holds.mean())}
        return figures + [
            Figure(
                f"exclusion_at_{k}",
                metrics.exclusion_at_k(scores, holds, min(k, size)),
                groups,
                False,
                blind=without_looking,
            )
            for k in (5, 10)
        ]


class ZeroShot:
    """Name the class of an image."""

    def __init__(
        self, items: Sequence[LabelledImage], templates: Sequence[str] = ("a photo of a {}.",)
    ) -> None:
        """Hold the items; a class is the normalised mean of its prompts, one per template."""
        self.items, self.templates = items, templates
        self.images = [item.image for item in items]
        self.classes = sorted({item.label for item in items})
        self.texts = [template.replace("{}", name) for name in self.classes for template in templates]

    def score(self, images: Embeddings, texts: Texts, rule: Rule) -> list[Figure]:
        """Return top-1 and top-5 accuracy."""
        prompts = texts.vectors.reshape(len(self.classes), len(self.templates), -1).mean(axis=1)
        classes = prompts / np.linalg.norm(prompts, axis=1, keepdims=True)
        place = {name: index for index, name in enumerate(self.classes)}
        labels = np.array([place[item.label] for item in self.items])
        groups = {"class": [item.label for item in self.items]}
        chance = {"constant": 1 / len(self.classes)}
        clusters = _same_images(self.images)
        found = protocols.classify(images, classes, labels, (1, 5), rule)
        return [
            Figure("top1", found[1], groups, blind=chance, clusters=clusters),
            Figure(
                "top5",
                found[5],
                groups,
                blind={"constant": min(1.0, 5 / len(self.classes))},
                clusters=clusters,
            ),
        ]


class Recognition:
    """Tell images that hold an object from those that do not."""

    def __init__(
        self,
        items: Sequence[ObjectQuestion],
        template: str = "a photo of a {}.",
        objects: Sequence[str] = (),
    ) -> None:
        """Hold the items, each asked with its object in the template; `objects` come first in the figure.

        Raises OmniNegClipError if no object is asked for both where it is and where it is not.
        """
        answers: dict[str, set[bool]] = {}
        for item in items:
            answers.setdefault(item.object, set()).add(item.present)
        if not any(len(both) > 1 for both in answers.values()):
            raise OmniNegClipError(
                "No object is asked for both in images that have it and in images that lack it: an AUC "
                "needs both."
            )
        self.items = items
        self.objects = list(dict.fromkeys((*objects, *sorted(answers))))
        self.images = [item.image for item in items]
        self.texts = [template.replace("{}", item.object) for item in items]

    def score(self, images: Embeddings, texts: Texts, rule: Rule) -> list[Figure]:
        """Return the AUC of every kind of object that is there in some images and not in others."""
        names = self.objects
        place = {name: index for index, name in enumerate(names)}
        kinds = np.array([place[item.object] for item in self.items])
        present = np.array([item.present for item in self.items])
        found, areas = protocols.recognise(images, texts.vectors, kinds, present)
        groups = {"object": [names[kind] for kind in found]} | self._groups_of_kinds(names, found)
        return [Figure("auc", areas, groups, proportion=False, blind={"constant": 0.5})]

    def _groups_of_kinds(self, names: Sequence[str], found: NDArray[np.int64]) -> dict[str, list[str]]:
        """Return the breakdowns in which all questions about an object are of one group."""
        groups: dict[str, dict[str, set[str]]] = {}
        for item in self.items:
            for name, group in item.groups.items():
                groups.setdefault(name, {}).setdefault(item.object, set()).add(group)
        whole = {n: by for n, by in groups.items() if all(len(members) == 1 for members in by.values())}
        return {name: [min(by[names[kind]]) for kind in found] for name, by in whole.items()}


def yes_or_no(
    items: Sequence[ObjectQuestion], yes: str = "a photo with a {}.", no: str = "a photo without a {}."
) -> TextChoices:
    """Turn each question about an object into a choice between two texts."""
    return TextChoices(
        [
            TextChoice(
                item.id,
                item.image,
                (yes.replace("{}", item.object), no.replace("{}", item.object)),
                0 if item.present else 1,
                item.groups,
            )
            for item in items
        ]
    )


# Kind of task -> the type of its records and what makes a task of them; the first that fits is the default.
KINDS: Mapping[str, tuple[type, Callable[..., EvaluationTask]]] = {
    "choose text": (TextChoice, TextChoices),
    "choose image": (ImageChoice, ImageChoices),
    "retrieve": (CaptionedImage, Retrieval),
    "search": (SearchQuery, Search),
    "classify": (LabelledImage, ZeroShot),
    "recognise": (ObjectQuestion, Recognition),
    "yes or no": (ObjectQuestion, yes_or_no),
}

# Kind of task -> the figures that it can give.
FIGURES: Mapping[str, tuple[str, ...]] = {
    "choose text": ("accuracy",),
    "choose image": ("accuracy",),
    "retrieve": (
        *(f"{way}_r{k}" for way in ("text_to_image", "image_to_text") for k in KS),
        f"exclusion_at_{EXCLUSION_K}",
    ),
    "search": (*(f"text_to_image_r{k}" for k in KS), "exclusion_at_5", "exclusion_at_10"),
    "classify": ("top1", "top5"),
    "recognise": ("auc",),
    "yes or no": ("accuracy",),
}


def kinds_of(record: type) -> list[str]:
    """Return the kinds of task that records of a type allow, the default first."""
    return [name for name, (of, _) in KINDS.items() if of is record]


def prepare(items: Sequence[BenchmarkItem], rule: Rule, seed: int) -> list[BenchmarkItem]:
    """Return the items as the rule wants them: strictly, options in random order and no empty text.

    Files put the answer first, so that whatever favours the first option would win. What can't be asked at
    all, such as a query that no image answers, is left out under either rule; `unaskable` says why.
    """
    items = [item for item in items if unaskable(item, rule) is None]
    if rule == "official":
        return items
    draw = random.Random(seed)  # noqa: S311 -- no secret hangs on it
    return [prepared for item in items if (prepared := _strict(item, draw)) is not None]


def unaskable(item: BenchmarkItem, rule: Rule) -> str | None:
    """Return why an item is left out, in the words of a result's `skipped`, or None for one that is asked."""
    if isinstance(item, CaptionedImage) and not item.captions:
        return "pictures without caption"
    if isinstance(item, SearchQuery) and not item.relevant:
        return "queries without picture"
    if isinstance(item, TextChoice) and len(item.options) < 2:
        return "questions without choice"
    if isinstance(item, ImageChoice) and len(item.images) < 2:
        return "questions without choice"
    if rule == "official":
        return None
    return None if all(text.strip() for text in _texts_of(item)) else "items with an empty text"


def build(items: Sequence[BenchmarkItem], kind: str | None = None, **options: object) -> EvaluationTask:
    """Return the task for records of one type; `options` go to its constructor.

    Raises OmniNegClipError if there are no records, or the kind of task or its options do not fit.
    """
    if not items:
        raise OmniNegClipError("No item is left to score: files with items and their images are needed.")
    fitting = {name: KINDS[name][1] for name in kinds_of(type(items[0]))}
    make = fitting.get(kind) if kind else next(iter(fitting.values()), None)
    if make is None:
        wanted = " or ".join(fitting)
        raise OmniNegClipError(
            f"The task {kind!r} does not fit {type(items[0]).__name__} records: use {wanted}."
        )
    try:
        inspect.signature(make).bind(items, **options)
    except TypeError as error:
        raise OmniNegClipError(f"The task_options don't fit: {error}.") from error
    return make(items, **options)


def images_of(item: BenchmarkItem) -> tuple[ImageRef, ...]:
    """Return the images that an item needs."""
    if isinstance(item, SearchQuery):
        return (*item.relevant, *item.excluded)
    return item.images if isinstance(item, ImageChoice) else (item.image,)


def _strict(item: BenchmarkItem, draw: random.Random) -> BenchmarkItem | None:
    if isinstance(item, CaptionedImage):
        captions = tuple(caption for caption in item.captions if caption.strip())
        return item._replace(captions=captions) if captions else None
    if isinstance(item, TextChoice):
        order = draw.sample(range(len(item.options)), len(item.options))
        options = tuple(item.options[place] for place in order)
        return item._replace(options=options, answer=order.index(item.answer), order=tuple(order))
    if isinstance(item, ImageChoice):
        order = draw.sample(range(len(item.images)), len(item.images))
        images = tuple(item.images[place] for place in order)
        return item._replace(images=images, answer=order.index(item.answer), order=tuple(order))
    return item


def _texts_of(item: BenchmarkItem) -> tuple[str, ...]:
    match item:
        case TextChoice():
            return item.options
        case ImageChoice() | SearchQuery():
            return (item.text,)
        case LabelledImage():
            return (item.label,)
        case ObjectQuestion():
            return (item.object,)
        case CaptionedImage():  # its empty captions are left out one by one
            return ()


def _same_images(images: Sequence[ImageRef]) -> NDArray[np.int64]:
    """Return a number per image, equal for crops of one image."""
    numbers: dict[tuple[str, tuple[int, int] | None], int] = {}
    return np.array([numbers.setdefault((each.path, each.span), len(numbers)) for each in images], np.int64)


def _chosen(scores: NDArray[np.floating], orders: Sequence[Sequence[int]], rule: Rule) -> NDArray[np.int64]:
    """Return the place in the file of each item's highest option, or -1 where options tie for it."""
    best = np.argmax(scores, axis=1)
    places = np.array([order[place] for order, place in zip(orders, best.tolist(), strict=True)], np.int64)
    tied = (scores == scores.max(axis=1, keepdims=True)).sum(axis=1) > 1
    return places if rule == "official" else np.where(tied, -1, places)


def _groups(
    items: Sequence[TextChoice] | Sequence[ImageChoice] | Sequence[CaptionedImage] | Sequence[SearchQuery],
) -> dict[str, list[str]]:
    names = dict.fromkeys(name for item in items for name in item.groups)
    return {name: [item.groups.get(name, "") for item in items] for name in names}


def _cue(item: TextChoice) -> str:
    texts = [item.options[item.answer], *item.options]
    return next((found for text in texts if (found := cue(text)) != "none"), "none")


def _any_of(shares: NDArray[np.float64], k: int) -> float:
    """Return how often one of k random images is among a share of all."""
    return float(np.mean(1 - (1 - shares) ** k))


def _named(objects: Iterable[str], text: str) -> list[str]:
    """Return those of the objects that a text names, in singular or plural."""
    return [name for name in objects if re.search(rf"\b{re.escape(name)}(?:s|es)?\b", text, re.IGNORECASE)]
