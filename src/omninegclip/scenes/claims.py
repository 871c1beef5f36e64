"""What a caption claims, apart from its words, and whether that is true of a scene."""

import math
from typing import NamedTuple

from omninegclip.scenes.objects import ObjectKind
from omninegclip.scenes.scene import Scene, SceneItem

# How far apart two centres must lie along an axis before "left of" or "above" is said, in pixels.
CLEARLY_APART = 18
# How near two centres must lie, relative to their mean size, before "next to" is said.
NEARBY = 1.6


class Relation(NamedTuple):
    """`subject` stands `name` (one of RELATIONS) of `reference`."""

    subject: ObjectKind
    name: str
    reference: ObjectKind


class Claims(NamedTuple):
    """The claims of one caption, all of which must hold: counts are exact, 0 stands for "some".

    `denied` are statements of which none may hold, so that all that can be claimed can be denied: a place, a
    count, a relation, and a denial itself.
    """

    counts: tuple[tuple[ObjectKind, int], ...] = ()
    place: str | None = None
    relation: Relation | None = None
    absent: tuple[ObjectKind, ...] = ()
    only: bool = False
    denied: "tuple[Claims, ...]" = ()

    @property
    def affirmed(self) -> tuple[ObjectKind, ...]:
        """Return the kinds that the caption says are there."""
        return tuple(kind for kind, _ in self.counts)


class SceneCaption(NamedTuple):
    """A sentence and what it claims."""

    text: str
    statement: Claims


def holds(statement: Claims, scene: Scene) -> bool:
    """Tell whether every claim of `statement` is true of `scene`."""
    if statement.place not in (None, scene.place.name):
        return False
    present = scene.counts
    return (
        all(present[kind] == count if count else present[kind] > 0 for kind, count in statement.counts)
        and (statement.relation is None or relation_holds(statement.relation, scene))
        and not any(present[kind] for kind in statement.absent)
        and (not statement.only or set(present) <= set(statement.affirmed))
        and not any(holds(denied, scene) for denied in statement.denied)
    )


def relation_holds(relation: Relation, scene: Scene) -> bool:
    """Tell whether some pair of the named kinds stands so; the image's y axis points down."""
    subjects = [item for item in scene.items if item.kind == relation.subject]
    references = [item for item in scene.items if item.kind == relation.reference]
    return any(RELATIONS[relation.name](a, b) for a in subjects for b in references)


RELATIONS = {
    "left of": lambda a, b: b.x - a.x >= CLEARLY_APART,
    "right of": lambda a, b: a.x - b.x >= CLEARLY_APART,
    "above": lambda a, b: b.y - a.y >= CLEARLY_APART,
    "below": lambda a, b: a.y - b.y >= CLEARLY_APART,
    "next to": lambda a, b: _distance(a, b) <= NEARBY * (a.size + b.size) / 2,
}


def _distance(a: SceneItem, b: SceneItem) -> float:
    return math.dist((a.x, a.y), (b.x, b.y))
