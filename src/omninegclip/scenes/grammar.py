"""Affirmative captions: what people write under images, complete or not, and always true."""

from random import Random

from omninegclip.scenes.claims import RELATIONS, Claims, Relation, SceneCaption, relation_holds
from omninegclip.scenes.objects import ObjectKind
from omninegclip.scenes.scene import Scene

SHAPES = (
    "{things}",
    "a photo of {things}",
    "a picture of {things}",
    "an image of {things}",
    "{things}, close up",
    "photo: {things}",
    "there {be} {things}",
    "here {be} {things}",
    "this shows {things}",
    "one can see {things}",
    "you can see {things} here",
    "look, {things}",
    "{things} in one picture",
    "a snapshot of {things}",
    "a drawing of {things}",
    "a scene with {things}",
    "my favourite picture: {things}",
    "a cartoon with {things}",
)
PLACE_SHAPES = (
    "{things} {place}",
    "{place}, {things}",
    "{place} there {be} {things}",
    "a photo of {things} {place}",
    "a picture of {things} {place}",
    "a scene {place} with {things}",
    "{things} {place}, photo",
    "{things}, {place}",
    "this picture shows {things} {place}",
    "{things} can be seen {place}",
    "somebody left {things} {place}",
    "{place} one finds {things}",
    "we found {things} {place}",
    "a day {place} with {things}",
    "spotted {place}: {things}",
    "{place} you see {things}",
)
RELATION_SHAPES = {
    "left of": (
        "{a} left of {b}",
        "{a} to the left of {b}",
        "{a} on the left and {b} on the right",
        "on the left {a}, on the right {b}",
    ),
    "right of": ("{a} right of {b}", "{a} to the right of {b}", "to the right of {b} there is {a}"),
    "above": ("{a} above {b}", "{a} over {b}", "{a} at the top and {b} at the bottom"),
    "below": ("{a} below {b}", "{a} under {b}", "{a} underneath {b}"),
    "next to": ("{a} next to {b}", "{a} beside {b}", "{a} close to {b}", "a photo of {a} near {b}"),
}

# Alt texts hold negation words that say nothing about what is in the image. They are in the pretraining
# captions for that reason: the tokens get trained, a meaning does not.
ALT_TEXT_REMARKS = (
    "no filter",
    "not edited",
    "no watermark",
    "without flash",
    "never seen before",
    "nothing fancy",
    "not for sale",
    "no words needed",
    "without comment",
    "isn't it nice",
    "aren't they nice",
    "you won't believe it",
    "doesn't get better",
    "minus the frame",
    "lacking a title",
    "free of charge",
    "royalty-free",
    "none of it staged",
    "missing from the album",
    "title absent",
    "zero edits",
    "sans frame",
    "rather nice",
    "only today",
    "just a test",
    "nowhere else",
    "high resolution",
    "stock photo",
    "vector art",
    "for my friends",
)
_NUMBERS = {2: ("two", "2", "a pair of"), 3: ("three", "3", "a few"), 4: ("four", "4"), 5: ("five", "5")}


def affirmative(
    random: Random, scene: Scene, *, complete: bool | None = None, remarks: bool = True
) -> SceneCaption:
    """Write a true caption of `scene` in one of the shapes.

    `complete` names every object and the place when True and leaves that to chance when None; `remarks`
    allows the meaningless remarks of alt texts.
    """
    kinds = mention(random, scene, complete=complete)
    relation = None if complete else _relation(random, scene)
    if relation and random.random() < 0.35:
        caption = _related(random, relation, scene)
    else:
        caption = describe(random, scene, kinds, place=True if complete else None)
    if remarks and random.random() < 0.2:
        remark = random.choice(ALT_TEXT_REMARKS)
        text = f"{caption.text}, {remark}" if random.random() < 0.7 else f"{remark}: {caption.text}"
        return caption._replace(text=text)
    return caption


def mention(random: Random, scene: Scene, *, complete: bool | None = None) -> tuple[ObjectKind, ...]:
    """Choose which of the kinds present a caption names, in random order; all of them when `complete`."""
    kinds = list(scene.kinds)
    random.shuffle(kinds)
    if complete or (complete is None and random.random() < 0.6):
        return tuple(kinds)
    return tuple(kinds[: random.randint(1, len(kinds))])


def describe(
    random: Random, scene: Scene, kinds: tuple[ObjectKind, ...], *, place: bool | None = None
) -> SceneCaption:
    """Say in one of the shapes that `kinds` are there, and where, if `place` is True or chance wills it."""
    with_place = random.random() < 0.5 if place is None else place
    things, counts = things_of(random, scene, kinds)
    shape = random.choice(PLACE_SHAPES if with_place else SHAPES)
    where = random.choice(scene.place.phrases) if with_place else ""
    be = "are" if counts[0][1] != 1 else "is"
    text = shape.format(things=things, place=where, be=be)
    return SceneCaption(text, Claims(counts, scene.place.name if with_place else None))


def things_of(
    random: Random, scene: Scene, kinds: tuple[ObjectKind, ...]
) -> tuple[str, tuple[tuple[ObjectKind, int], ...]]:
    """Return `kinds` as a spoken list, "a dog, two cats and glasses", and what it claims of their numbers."""
    phrases, counts = [], []
    for kind in kinds:
        phrase, claimed = _count_phrase(random, kind, scene.counts[kind])
        phrases.append(phrase)
        counts.append((kind, claimed))
    return join(random, phrases), tuple(counts)


def join(random: Random, phrases: list[str]) -> str:
    """Join phrases as a list is spoken or, sometimes, typed."""
    if len(phrases) == 1:
        return phrases[0]
    glue = random.choices((" and ", " with ", " plus ", ", "), (70, 15, 5, 10))[0]
    return ", ".join(phrases[:-1]) + glue + phrases[-1]


def _count_phrase(random: Random, kind: ObjectKind, count: int) -> tuple[str, int]:
    """Say how many; the claimed number is exact, or 0 where the phrase means "some"."""
    if not kind.has_singular:
        return random.choice((kind.plural, f"some {kind.plural}")), 0
    if count == 1:
        return (f"one {kind.singular}" if random.random() < 0.1 else kind.indefinite), 1
    if random.random() < 0.15:
        return random.choice((f"some {kind.plural}", kind.plural)), 0
    return f"{random.choice(_NUMBERS[count])} {kind.plural}", count


def _relation(random: Random, scene: Scene) -> Relation | None:
    """Return a relation that holds between two kinds of which there is one each, or None."""
    single = [kind for kind, count in scene.counts.items() if count == 1]
    if len(single) < 2:
        return None
    subject, reference = random.sample(single, 2)
    candidates = [Relation(subject, name, reference) for name in RELATIONS]
    true = [relation for relation in candidates if relation_holds(relation, scene)]
    return random.choice(true) if true else None


def _related(random: Random, relation: Relation, scene: Scene) -> SceneCaption:
    """Say that `relation` holds, and sometimes where."""
    shape = random.choice(RELATION_SHAPES[relation.name])
    text = shape.format(a=relation.subject.indefinite, b=relation.reference.indefinite)
    counts = tuple((kind, 1 if kind.has_singular else 0) for kind in (relation.subject, relation.reference))
    if random.random() < 0.4:
        return SceneCaption(
            f"{text}, {random.choice(scene.place.phrases)}", Claims(counts, scene.place.name, relation)
        )
    return SceneCaption(text, Claims(counts, None, relation))
