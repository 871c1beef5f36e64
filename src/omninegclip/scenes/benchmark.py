"""The benchmark over held-out scenes: images and questions whose answers are known by construction.

Questions about negation come in equal parts for seen and held-out objects and for seen and held-out
phrasings. Images are drawn from seeds that no training data uses.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from random import Random
from typing import NamedTuple

from omninegclip.scenes.captioning import negate_absent, negate_present
from omninegclip.scenes.claims import Claims, holds
from omninegclip.scenes.grammar import affirmative, describe
from omninegclip.scenes.negation import NAMING, Phrasing, affirmed_part, negate
from omninegclip.scenes.objects import ObjectKind
from omninegclip.scenes.scene import Scene, compose, plausible_kind, rng, sample_scene

LOOKALIKES = 7
_TEMPLATES = ("positive", "negative", "hybrid")


class Condition(NamedTuple):
    """Whether fine-tuning data could have negated the object, and whether it could have used the phrasing."""

    held_out_object: bool
    held_out_phrasing: bool

    @property
    def name(self) -> str:
        """Return `seen`, `held_out`, `held_out_phrasings` or `held_out_both`."""
        objects, phrasings = ("seen", "held_out_phrasings"), ("held_out", "held_out_both")
        return (phrasings if self.held_out_object else objects)[self.held_out_phrasing]


class PresenceQuestion(NamedTuple):
    """CC-Neg's way: the right caption must score above the one that denies what is there."""

    image: int
    right: str
    wrong: str
    condition: Condition


class AbsenceQuestion(NamedTuple):
    """NegRefCOCOg's way: of two images that hold what is affirmed, the one without the denied object."""

    text: str
    right: int
    wrong: int
    condition: Condition


class ChoiceQuestion(NamedTuple):
    """NegBench's way: one of four captions is true."""

    image: int
    options: tuple[str, str, str, str]
    answer: int
    template: str
    condition: Condition


class NegatedQuery(NamedTuple):
    """A caption, the images of the gallery that it is true of, and the object that it denies."""

    text: str
    relevant: tuple[int, ...]
    denied: ObjectKind
    condition: Condition


class ScenesBenchmark(NamedTuple):
    """All questions; image numbers index `scenes`, and `gallery` and `lookalikes` are runs of them."""

    scenes: tuple[Scene, ...]
    seed: int
    presence: tuple[PresenceQuestion, ...]
    absence_choice: tuple[AbsenceQuestion, ...]
    multiple_choice: tuple[ChoiceQuestion, ...]
    gallery: range
    captions: tuple[str, ...]
    lookalikes: range
    negated_queries: tuple[NegatedQuery, ...]


def make_benchmark(seed: int, size: int = 1000) -> ScenesBenchmark:
    """Draw the benchmark: `size` questions of each kind and `size` gallery images.

    Retrieval with negated captions has a gallery of its own, in families of eight images that share what
    the query affirms: one lacks the object that it denies, seven hold it.
    """
    scenes: list[Scene] = []
    presence = _presence(seed, size, scenes)
    multiple_choice = _multiple_choice(seed, presence, scenes)
    absence_choice = _absence_choice(seed, size, scenes)
    start = len(scenes)
    captions = _gallery(seed, size, scenes)
    middle = len(scenes)
    queries = _lookalikes(seed, max(4, 3 * size // 10), scenes)
    return ScenesBenchmark(
        scenes=tuple(scenes),
        seed=seed,
        presence=presence,
        absence_choice=absence_choice,
        multiple_choice=multiple_choice,
        gallery=range(start, middle),
        captions=captions,
        lookalikes=range(middle, len(scenes)),
        negated_queries=queries,
    )


def _conditions(count: int) -> Iterator[tuple[int, Condition]]:
    """Number `count` questions, the four conditions in turn."""
    four = [Condition(*flags) for flags in product((False, True), repeat=2)]
    return ((index, four[index % 4]) for index in range(count))


def _phrasing(random: Random, condition: Condition) -> Phrasing:
    return random.choice([each for each in NAMING if each.held_out == condition.held_out_phrasing])


def _scene_with(random: Random, accept: Callable[[Scene], bool]) -> Scene:
    """Draw scenes until one is acceptable."""
    while not accept(scene := sample_scene(random)):
        pass
    return scene


def _presence(seed: int, count: int, scenes: list[Scene]) -> tuple[PresenceQuestion, ...]:
    items = []
    for index, condition in _conditions(count):
        random = rng("benchmark", "presence", seed, index)
        scene = _scene_with(random, partial(_has_kind, held_out=condition.held_out_object))
        denied = random.choice([kind for kind in scene.kinds if kind.held_out == condition.held_out_object])
        right = describe(random, scene, scene.kinds)
        wrong = negate_present(random, scene, scene.kinds, denied, _phrasing(random, condition))
        items.append(PresenceQuestion(len(scenes), right.text, wrong.text, condition))
        scenes.append(scene)
    return tuple(items)


def _has_kind(scene: Scene, held_out: bool) -> bool:
    return any(kind.held_out == held_out for kind in scene.kinds)


def _multiple_choice(
    seed: int, presence: tuple[PresenceQuestion, ...], scenes: list[Scene]
) -> tuple[ChoiceQuestion, ...]:
    """Ask about the images of the presence questions, with one object that is there and one that is not."""
    items = []
    for index, asked in enumerate(presence):
        random = rng("benchmark", "multiple choice", seed, index)
        scene, held_out = scenes[asked.image], asked.condition.held_out_object
        here = random.choice([kind for kind in scene.kinds if kind.held_out == held_out])
        absent = plausible_kind(random, scene.place, scene.kinds, held_out)
        template = _TEMPLATES[index // 4 % 3]
        options = _options(random, scene, here, absent, template, _phrasing(random, asked.condition))
        right, order = options[0], random.sample(options, 4)
        items.append(
            ChoiceQuestion(asked.image, tuple(order), order.index(right), template, asked.condition)  # type: ignore[arg-type]
        )
    return tuple(items)


def _options(
    random: Random, scene: Scene, here: ObjectKind, absent: ObjectKind, template: str, phrasing: Phrasing
) -> list[str]:
    """Return the right caption and three wrong ones in the way of NegBench's three templates."""
    lead = random.choice(("", "a photo of ", "a picture of ")) if phrasing.takes_lead else ""
    bare = affirmed_part(random, scene, ()).text

    def positive(kind: ObjectKind) -> str:
        return f"{lead}{kind.indefinite}"

    def negative(kind: ObjectKind) -> str:
        return phrasing.negate(bare, kind)

    def hybrid(yes: ObjectKind, no: ObjectKind) -> str:
        return phrasing.negate(positive(yes), no)

    swapped = hybrid(absent, here)
    if template == "positive":
        return [positive(here), positive(absent), negative(here), swapped]
    if template == "negative":
        return [negative(absent), positive(absent), negative(here), swapped]
    return [hybrid(here, absent), positive(absent), negative(here), swapped]


def _absence_choice(seed: int, count: int, scenes: list[Scene]) -> tuple[AbsenceQuestion, ...]:
    """Draw pairs of images that differ in one object: the denied one here, an unmentioned one there."""
    items = []
    for index, condition in _conditions(count):
        random = rng("benchmark", "absence choice", seed, index)
        scene, shared, denied, other = _shared_objects(random, condition, range(1, 4))
        right = compose(random, scene.place, [*shared, other])
        wrong = compose(random, scene.place, [*shared, denied])
        text = negate_absent(random, right, shared, denied, _phrasing(random, condition)).text
        items.append(AbsenceQuestion(text, len(scenes), len(scenes) + 1, condition))
        scenes += [right, wrong]
    return tuple(items)


def _shared_objects(
    random: Random, condition: Condition, how_many: range
) -> tuple[Scene, tuple[ObjectKind, ...], ObjectKind, ObjectKind]:
    """Draw what two images share, an object that one of them holds, and one to put in its place."""
    scene = _scene_with(random, lambda scene: len(scene.kinds) in how_many)
    shared = scene.kinds
    denied = plausible_kind(random, scene.place, shared, condition.held_out_object)
    other = plausible_kind(random, scene.place, (*shared, denied))
    return scene, shared, denied, other


def _gallery(seed: int, count: int, scenes: list[Scene]) -> tuple[str, ...]:
    """Draw scenes that differ in what they hold or where, each with a caption that says all of it."""
    captions: list[str] = []
    seen: set[tuple[str, frozenset[tuple[ObjectKind, int]]]] = set()
    random = rng("benchmark", "gallery", seed)
    while len(captions) < count:
        scene = sample_scene(random)
        content = (scene.place.name, frozenset(scene.counts.items()))
        if content in seen:
            continue
        seen.add(content)
        captions.append(affirmative(random, scene, complete=True, remarks=False).text)
        scenes.append(scene)
    return tuple(captions)


def _lookalikes(seed: int, families: int, scenes: list[Scene]) -> tuple[NegatedQuery, ...]:
    """Draw families that share what the query affirms, and find the images that it is true of."""
    asked: list[tuple[str, Claims, ObjectKind, Condition]] = []
    start = len(scenes)
    for index, condition in _conditions(families):
        random = rng("benchmark", "lookalikes", seed, index)
        scene, shared, denied, other = _shared_objects(random, condition, range(2, 4))
        target = compose(random, scene.place, [*shared, other])
        affirmed = affirmed_part(random, target, shared, place=True)
        caption = negate(random, affirmed, denied, _phrasing(random, condition))
        asked.append((caption.text, caption.statement, denied, condition))
        scenes.append(target)
        scenes += [compose(random, scene.place, [*shared, denied]) for _ in range(LOOKALIKES)]
    family = scenes[start:]
    return tuple(
        NegatedQuery(
            text, tuple(n for n, scene in enumerate(family) if holds(claims, scene)), denied, condition
        )
        for text, claims, denied, condition in asked
    )
