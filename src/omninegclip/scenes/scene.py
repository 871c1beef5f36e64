"""A scene: which objects stand where in which place, drawn from a seed."""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from functools import cache
from random import Random
from typing import NamedTuple

from omninegclip.scenes.objects import GROUPS, KINDS, ObjectKind
from omninegclip.scenes.places import PLACES, Place

SIZE = 96

# How large an object is drawn, in pixels, by how many share the image.
_SIZES = {1: (40, 68), 2: (34, 52), 3: (30, 44), 4: (27, 38), 5: (25, 33)}


class SceneItem(NamedTuple):
    """One object in an image: its centre and size in pixels, its turn in degrees."""

    kind: ObjectKind
    x: float
    y: float
    size: int
    angle: float
    mirrored: bool


class Scene(NamedTuple):
    """Everything that is in one image; what is not listed is not there."""

    place: Place
    items: tuple[SceneItem, ...]

    @property
    def counts(self) -> Counter[ObjectKind]:
        """Return how many objects of each kind are present."""
        return Counter(item.kind for item in self.items)

    @property
    def kinds(self) -> tuple[ObjectKind, ...]:
        """Return the kinds present, in the order in which they were drawn."""
        return tuple(dict.fromkeys(item.kind for item in self.items))


def rng(*key: object) -> Random:
    """Return the generator that belongs to `key`: the same key gives the same numbers on every machine."""
    return Random(":".join(map(str, key)))  # noqa: S311 -- drawing images, not secrets


def sample_scene(random: Random) -> Scene:
    """Draw a place, one to five objects that are plausible together in it, and where they stand."""
    place = random.choice(PLACES)
    wanted = random.choices((1, 2, 3, 4, 5), (22, 30, 26, 13, 9))[0]
    objects: list[ObjectKind] = []
    present: list[ObjectKind] = []
    while len(objects) < wanted:
        kind = plausible_kind(random, place, present)
        copies = random.choices((1, 2, 3), (80, 14, 6))[0] if kind.has_singular else 1
        present.append(kind)
        objects += [kind] * min(copies, wanted - len(objects))
    return compose(random, place, objects)


def compose(random: Random, place: Place, objects: Sequence[ObjectKind]) -> Scene:
    """Place `objects` at random in the image so that they overlap at their edges at most."""
    low, high = _SIZES[len(objects)]
    items: list[SceneItem] = []
    for kind in objects:
        size = random.randint(low, high)
        x, y = _free_spot(random, size, items)
        items.append(SceneItem(kind, x, y, size, random.gauss(0, 8), random.random() < 0.5))
    return Scene(place, tuple(items))


def _free_spot(random: Random, size: int, items: Sequence[SceneItem]) -> tuple[float, float]:
    """Return the first of some random spots that keeps its distance, or the best of them."""
    best, best_room = (SIZE / 2, SIZE / 2), -math.inf
    margin = 0.42 * size
    for _ in range(24):
        spot = (random.uniform(margin, SIZE - margin), random.uniform(margin, SIZE - margin))
        room = min(
            (math.dist(spot, (item.x, item.y)) - 0.45 * (size + item.size) for item in items),
            default=math.inf,
        )
        if room > best_room:
            best, best_room = spot, room
        if room >= 0:
            break
    return best


def plausible_kind(
    random: Random, place: Place, present: Collection[ObjectKind], held_out: bool | None = None
) -> ObjectKind:
    """Draw a kind that is not among `present` but could well be: at home in the place or of a present group.

    `held_out` restricts the draw to kinds that are (True) or are not (False) held out from negation.
    """
    groups, taken = {kind.group for kind in present}, {kind.singular for kind in present}
    chance = random.random()
    if groups and chance < 0.5:
        pool = groups
    elif chance < 0.9:
        pool = set(place.groups)
    else:
        pool = set(GROUPS)
    for groups_tried in (frozenset(pool), frozenset(place.groups), frozenset(GROUPS)):
        candidates = [kind for kind in _kinds_of(groups_tried, held_out) if kind.singular not in taken]
        if candidates:
            return random.choice(candidates)
    raise AssertionError("the picture world has more kinds than a scene can hold")


@cache
def _kinds_of(groups: frozenset[str], held_out: bool | None) -> tuple[ObjectKind, ...]:
    return tuple(kind for kind in KINDS if kind.group in groups and held_out in (None, kind.held_out))
