"""One function per probe of the robustness suite: two images, and captions that tell them apart.

The images of a pair differ in nothing but what is asked for, wherever an image allows that.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

from omninegclip.scenes import probe_forms
from omninegclip.scenes.claims import Claims, Relation, SceneCaption, relation_holds
from omninegclip.scenes.negation import affirmed_part, forms
from omninegclip.scenes.objects import ObjectKind
from omninegclip.scenes.places import PLACES, Place
from omninegclip.scenes.scene import Scene, compose, plausible_kind, sample_scene

_NUMBERS = {2: "two", 3: "three"}
_OPPOSITES = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
# "On the sand" is true of the desert too, "on the grass" of the savanna, and many images have a blue sky.
_ALIKE = ({"beach", "sea", "desert"}, {"meadow", "savanna"})
_DENIABLE_PLACES = tuple(place for place in PLACES if place.name != "clear sky")


class Drawn(NamedTuple):
    """Two images that agree in what is affirmed, and what is said of them.

    `caption` is true of `right` alone. `foil` says the like of `wrong` and is true of that one alone. `plain`
    affirms what tells the two apart, in about as many words, and is true of exactly one of them.
    """

    right: Scene
    wrong: Scene
    caption: SceneCaption
    foil: SceneCaption
    plain: SceneCaption


def _double_negation(random: Random, held_out: bool, turn: bool) -> Drawn:
    """Ask for what is affirmed by two denials."""
    shared, right, one, two = _one_apart(random, held_out)
    affirmed = affirmed_part(random, right, shared)
    form = random.choice(probe_forms.DOUBLE_NEGATION)

    def not_without(kind: ObjectKind) -> SceneCaption:
        text = form.negated.format(A=affirmed.text, d=forms(kind))
        return SceneCaption(text, affirmed.statement._replace(denied=(Claims(absent=(kind,)),)))

    plain = _plainly(form.plain, affirmed, one)
    return Drawn(right, _exchanged(right, {one: two}), not_without(one), not_without(two), plain)


def _several_negations(random: Random, held_out: bool, turn: bool) -> Drawn:
    """Deny two things, one of which the wrong image holds: it takes both denials to see which is right."""
    shared, right, one, two = _one_apart(random, held_out, unnamed=1)
    unnamed = next(kind for kind in right.kinds if kind not in (*shared, one))
    neither = plausible_kind(random, right.place, (*right.kinds, two), held_out)
    affirmed = affirmed_part(random, right, shared)
    form = random.choice(probe_forms.SEVERAL_NEGATIONS)
    swap = random.random() < 0.5

    def without(kind: ObjectKind) -> SceneCaption:
        first, second = (neither, kind) if swap else (kind, neither)
        text = form.negated.format(A=affirmed.text, d=forms(first), e=forms(second))
        return SceneCaption(text, affirmed.statement._replace(absent=(first, second)))

    plain = _plainly(form.plain, affirmed, *((unnamed, one) if swap else (one, unnamed)))
    return Drawn(right, _exchanged(right, {one: two}), without(two), without(one), plain)


def _negated_count(random: Random, held_out: bool, turn: bool) -> Drawn:
    """Deny a number: two of three images hold more than the wrong one, or fewer, in turn."""
    place = random.choice(PLACES)
    while not (kind := plausible_kind(random, place, (), held_out)).has_singular:
        pass
    number, denied = (2, 3) if turn else (3, 2)
    right, wrong = compose(random, place, [kind] * number), compose(random, place, [kind] * denied)
    where = random.choice(("", f" {random.choice(place.phrases)}"))
    affirmed = Claims(((kind, 0),), place.name if where else None)
    form = random.choice(probe_forms.NEGATED_COUNT)
    fill = {"A": f"{kind.plural}{where}", "d": forms(kind)}

    def not_so_many(count: int) -> SceneCaption:
        text = form.negated.format(**fill, number=_NUMBERS[count])
        return SceneCaption(text, affirmed._replace(denied=(Claims(((kind, count),)),)))

    plain = SceneCaption(
        form.plain.format(**fill, number=_NUMBERS[number]), affirmed._replace(counts=((kind, number),))
    )
    return Drawn(right, wrong, not_so_many(denied), not_so_many(number), plain)


def _negated_relation(random: Random, held_out: bool, turn: bool) -> Drawn:
    """Deny where one object stands; in the right image it stands clearly on the other side."""
    place = random.choice(PLACES)
    one = plausible_kind(random, place, (), held_out)
    two = plausible_kind(random, place, (one,))
    denied = random.choice(tuple(_OPPOSITES))
    true = _OPPOSITES[denied]
    while not relation_holds(
        Relation(one, true, two), right := compose(random, place, random.sample((one, two), 2))
    ):
        pass
    form = random.choice(probe_forms.NEGATED_RELATION)
    both = Claims(((one, 0), (two, 0)))
    fill = {"d": forms(one), "e": forms(two)}

    def not_there(name: str) -> SceneCaption:
        text = form.negated.format(**fill, relation=name)
        return SceneCaption(text, both._replace(denied=(Claims(relation=Relation(one, name, two)),)))

    plain = SceneCaption(
        form.plain.format(**fill, relation=true), both._replace(relation=Relation(one, true, two))
    )
    return Drawn(right, _exchanged(right, {one: two, two: one}), not_there(denied), not_there(true), plain)


def _negated_place(random: Random, held_out: bool, turn: bool) -> Drawn:
    """Deny a place: the images hold the same things, where they stand is the same, the place is not."""
    here, elsewhere = _unlike_places(random)
    home = random.choice((here, elsewhere))
    kinds = [plausible_kind(random, home, (), held_out)]
    if random.random() < 0.5:
        kinds.append(plausible_kind(random, home, kinds))
    right = compose(random, here, kinds)
    affirmed = affirmed_part(random, right, tuple(kinds), place=False)
    form = random.choice(probe_forms.NEGATED_PLACE)

    def not_at(place: Place) -> SceneCaption:
        text = form.negated.format(A=affirmed.text, place=random.choice(place.phrases))
        return SceneCaption(text, affirmed.statement._replace(denied=(Claims(place=place.name),)))

    plain = SceneCaption(
        form.plain.format(A=affirmed.text, place=random.choice(here.phrases)),
        affirmed.statement._replace(place=here.name),
    )
    return Drawn(right, right._replace(place=elsewhere), not_at(elsewhere), not_at(here), plain)


def _quantifier(random: Random, held_out: bool, turn: bool) -> Drawn:
    """Ask for "only" and for "not only" in turn: who reads neither prefers the image with less in it."""
    place, shared = _company(random)
    extra = plausible_kind(random, place, shared, held_out)
    alone, more = compose(random, place, shared), compose(random, place, [*shared, extra])
    affirmed = affirmed_part(random, alone, shared, place=False)
    form = random.choice(probe_forms.QUANTIFIER)
    nothing_else = affirmed.statement._replace(only=True)
    only = SceneCaption(form.only.format(A=affirmed.text), nothing_else)
    not_only = SceneCaption(
        form.not_only.format(A=affirmed.text), affirmed.statement._replace(denied=(nothing_else,))
    )
    plain = _plainly(form.plain, affirmed, extra)
    if turn:
        return Drawn(more, alone, not_only, only, plain)
    return Drawn(alone, more, only, not_only, plain)


def _distant_negation(random: Random, held_out: bool, turn: bool) -> Drawn:
    """Put clauses before the denial, or between its word and its object."""
    shared, right, one, two = _one_apart(random, held_out)
    affirmed = affirmed_part(random, right, shared)
    form = random.choice(probe_forms.DISTANT_NEGATION)

    def without(kind: ObjectKind) -> SceneCaption:
        text = form.negated.format(A=affirmed.text, d=forms(kind))
        return SceneCaption(text, affirmed.statement._replace(absent=(kind,)))

    plain = _plainly(form.plain, affirmed, one)
    return Drawn(right, _exchanged(right, {one: two}), without(two), without(one), plain)


def _company(random: Random) -> tuple[Place, tuple[ObjectKind, ...]]:
    """Draw a place and one or two kinds that keep company in it."""
    scene = sample_scene(random)
    return scene.place, scene.kinds[: random.randint(1, 2)]


def _one_apart(
    random: Random, held_out: bool, unnamed: int = 0
) -> tuple[tuple[ObjectKind, ...], Scene, ObjectKind, ObjectKind]:
    """Draw kinds to share and an image with them, one more kind, and a kind that may stand in its place.

    `unnamed` further kinds are in the image as well.
    """
    place, shared = _company(random)
    kinds = list(shared)
    for _ in range(unnamed):
        kinds.append(plausible_kind(random, place, kinds))
    one = plausible_kind(random, place, kinds, held_out)
    two = plausible_kind(random, place, (*kinds, one), held_out)
    return shared, compose(random, place, [*kinds, one]), one, two


def _unlike_places(random: Random) -> tuple[Place, Place]:
    while True:
        first, second = random.sample(_DENIABLE_PLACES, 2)
        if not any({first.name, second.name} <= alike for alike in _ALIKE):
            return first, second


def _exchanged(scene: Scene, kinds: Mapping[ObjectKind, ObjectKind]) -> Scene:
    """Return the same image with other kinds in the same spots."""
    return scene._replace(
        items=tuple(item._replace(kind=kinds.get(item.kind, item.kind)) for item in scene.items)
    )


def _plainly(template: str, affirmed: SceneCaption, *kinds: ObjectKind) -> SceneCaption:
    """Affirm `kinds`, of each of which there is one, as well."""
    text = template.format(A=affirmed.text, **dict(zip("de", map(forms, kinds), strict=False)))
    counts = tuple((kind, 1 if kind.has_singular else 0) for kind in kinds)
    return SceneCaption(text, affirmed.statement._replace(counts=(*affirmed.statement.counts, *counts)))


# Each takes a generator, whether the object that the denial is about is held out, and its turn: those that
# ask in two directions do so in turn, so that no direction is the key.
PROBES: Mapping[str, Callable[[Random, bool, bool], Drawn]] = {
    "double_negation": _double_negation,
    "several_negations": _several_negations,
    "negated_count": _negated_count,
    "negated_relation": _negated_relation,
    "negated_place": _negated_place,
    "quantifier": _quantifier,
    "distant_negation": _distant_negation,
}
