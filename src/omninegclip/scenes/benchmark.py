"""The benchmark over held-out scenes: images and questions whose answers are known by construction.

Questions about negation come in equal parts for seen and held-out objects and for seen and held-out
phrasings. Images are drawn from seeds that no training data uses.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from random import Random
from typing import NamedTuple

from omninegclip.data.items import (
    BenchmarkItem,
    CaptionedImage,
    ImageChoice,
    ImageRef,
    ObjectQuestion,
    SearchQuery,
    TextChoice,
)
from omninegclip.scenes.captioning import negate_absent, negate_present
from omninegclip.scenes.claims import Claims, holds
from omninegclip.scenes.grammar import affirmative, describe
from omninegclip.scenes.negation import NAMING, Phrasing, affirmed_part, negate
from omninegclip.scenes.objects import KINDS, ObjectKind
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


class ScenesBenchmark(NamedTuple):
    """The scenes, and the questions about them as the items that any benchmark has.

    Items name scenes as `image_ref` does, and their group `condition` is the name of a `Condition`.

    Attributes:
        scenes: all scenes, each the image of its number.
        seed: what everything was drawn from.
        presence: CC-Neg's way, the right caption against one that negates what is there.
        absence_choice: NegRefCOCOg's way, two images that hold what the text affirms, one without the rest.
        multiple_choice: NegBench's way, one of four captions is true.
        gallery: images to be found by a caption that says all of them.
        negated_queries: texts to search images that look alike.
        objects: each kind that some image of the gallery holds and some does not, asked of all of them.
    """

    scenes: tuple[Scene, ...]
    seed: int
    presence: tuple[TextChoice, ...]
    absence_choice: tuple[ImageChoice, ...]
    multiple_choice: tuple[TextChoice, ...]
    gallery: tuple[CaptionedImage, ...]
    negated_queries: tuple[SearchQuery, ...]
    objects: tuple[ObjectQuestion, ...]

    def by_measure(self) -> dict[str, Sequence[BenchmarkItem]]:
        """Return the items of each kind of question by its name here."""
        return {name: getattr(self, name) for name in self._fields[2:]}


def image_ref(number: int) -> ImageRef:
    """Return the image of a scene as items name it."""
    return ImageRef(f"images/{number:05d}.png")


def scene_number(image: ImageRef) -> int:
    """Return the number of the scene that an item's image shows."""
    return int(image.path.rpartition("/")[2].removesuffix(".png"))


def make_benchmark(seed: int, size: int = 1000) -> ScenesBenchmark:
    """Draw the benchmark: `size` questions of each kind and `size` gallery images.

    Retrieval with negated captions has a gallery of its own, in families of eight images that share what
    the query affirms: one lacks the object that it denies, seven hold it.
    """
    scenes: list[Scene] = []
    presence = _presence(seed, size, scenes)
    multiple_choice = _multiple_choice(seed, presence, scenes)
    absence_choice = _absence_choice(seed, size, scenes)
    gallery = _gallery(seed, size, scenes)
    queries = _lookalikes(seed, max(4, 3 * size // 10), scenes)
    return ScenesBenchmark(
        tuple(scenes),
        seed,
        presence,
        absence_choice,
        multiple_choice,
        gallery,
        queries,
        _objects(gallery, scenes),
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


def _presence(seed: int, count: int, scenes: list[Scene]) -> tuple[TextChoice, ...]:
    items = []
    for index, condition in _conditions(count):
        random = rng("benchmark", "presence", seed, index)
        scene = _scene_with(random, partial(_has_kind, held_out=condition.held_out_object))
        denied = random.choice([kind for kind in scene.kinds if kind.held_out == condition.held_out_object])
        right = describe(random, scene, scene.kinds)
        wrong = negate_present(random, scene, scene.kinds, denied, _phrasing(random, condition))
        image, groups = image_ref(len(scenes)), {"condition": condition.name}
        items.append(TextChoice(str(index), image, (right.text, wrong.text), 0, groups))
        scenes.append(scene)
    return tuple(items)


def _has_kind(scene: Scene, held_out: bool) -> bool:
    return any(kind.held_out == held_out for kind in scene.kinds)


def _multiple_choice(
    seed: int, presence: tuple[TextChoice, ...], scenes: list[Scene]
) -> tuple[TextChoice, ...]:
    """Ask about the images of the presence questions, with one object that is there and one that is not."""
    items = []
    for (index, condition), asked in zip(_conditions(len(presence)), presence, strict=True):
        random = rng("benchmark", "multiple choice", seed, index)
        scene, held_out = scenes[scene_number(asked.image)], condition.held_out_object
        here = random.choice([kind for kind in scene.kinds if kind.held_out == held_out])
        absent = plausible_kind(random, scene.place, scene.kinds, held_out)
        template = _TEMPLATES[index // 4 % 3]
        options = _options(random, scene, here, absent, template, _phrasing(random, condition))
        right, order = options[0], random.sample(options, 4)
        groups = {"template": template, "condition": condition.name}
        items.append(TextChoice(str(index), asked.image, tuple(order), order.index(right), groups))
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


def _absence_choice(seed: int, count: int, scenes: list[Scene]) -> tuple[ImageChoice, ...]:
    """Draw pairs of images that differ in one object: the denied one here, an unmentioned one there."""
    items = []
    for index, condition in _conditions(count):
        random = rng("benchmark", "absence choice", seed, index)
        scene, shared, denied, other = _shared_objects(random, condition, range(1, 4))
        right = compose(random, scene.place, [*shared, other])
        wrong = compose(random, scene.place, [*shared, denied])
        text = negate_absent(random, right, shared, denied, _phrasing(random, condition)).text
        images = image_ref(len(scenes)), image_ref(len(scenes) + 1)
        items.append(ImageChoice(str(index), text, images, 0, {"condition": condition.name}))
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


def _gallery(seed: int, count: int, scenes: list[Scene]) -> tuple[CaptionedImage, ...]:
    """Draw scenes that differ in what they hold or where, each with a caption that says all of it."""
    items: list[CaptionedImage] = []
    seen: set[tuple[str, frozenset[tuple[ObjectKind, int]]]] = set()
    random = rng("benchmark", "gallery", seed)
    while len(items) < count:
        scene = sample_scene(random)
        content = (scene.place.name, frozenset(scene.counts.items()))
        if content in seen:
            continue
        seen.add(content)
        caption = affirmative(random, scene, complete=True, remarks=False).text
        items.append(CaptionedImage(str(len(items)), image_ref(len(scenes)), (caption,)))
        scenes.append(scene)
    return tuple(items)


def _lookalikes(seed: int, families: int, scenes: list[Scene]) -> tuple[SearchQuery, ...]:
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
    family = [(image_ref(number), scenes[number]) for number in range(start, len(scenes))]
    return tuple(
        SearchQuery(
            str(index),
            text,
            tuple(image for image, scene in family if holds(claims, scene)),
            tuple(image for image, scene in family if denied in scene.kinds),
            {"condition": condition.name},
        )
        for index, (text, claims, denied, condition) in enumerate(asked)
    )


def _objects(gallery: tuple[CaptionedImage, ...], scenes: list[Scene]) -> tuple[ObjectQuestion, ...]:
    """Ask for every kind that some image of the gallery holds and some does not."""
    held = {item.image: scenes[scene_number(item.image)].kinds for item in gallery}
    return tuple(
        ObjectQuestion(
            f"{kind.singular} {image.path}",
            image,
            kind.indefinite,
            kind in kinds,
            {"condition": Condition(kind.held_out, held_out_phrasing=False).name},
        )
        for kind in KINDS
        if 0 < sum(kind in kinds for kinds in held.values()) < len(held)
        for image, kinds in held.items()
    )
