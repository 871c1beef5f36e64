"""The three captions of a record: a true one, a false one by presence, a true one by absence."""

from random import Random
from typing import NamedTuple

from omninegclip.scenes.claims import SceneCaption
from omninegclip.scenes.grammar import describe, mention
from omninegclip.scenes.negation import EXCLUSIVE, NAMING, Phrasing, affirmed_part, negate
from omninegclip.scenes.objects import ObjectKind
from omninegclip.scenes.scene import Scene, plausible_kind

# One phrasing in eight denies all else ("nothing but a dog") where that serves.
_EXCLUSIVE_SHARE = 0.125


class Captions(NamedTuple):
    """What a record says of one image; `presence_negated` is None where nothing present may be negated."""

    caption: SceneCaption
    presence_negated: SceneCaption | None
    absence_negated: SceneCaption
    denied_present: ObjectKind | None
    denied_absent: ObjectKind


def training_captions(random: Random, scene: Scene) -> Captions:
    """Write the captions of one image for fine-tuning: held-out kinds and phrasings are never negated."""
    kinds = mention(random, scene)
    open_to_denial = [kind for kind in kinds if not kind.held_out]
    denied = random.choice(open_to_denial) if open_to_denial else None
    absent = plausible_kind(random, scene.place, scene.kinds, held_out=False)
    return Captions(
        caption=describe(random, scene, kinds),
        presence_negated=negate_present(
            random, scene, kinds, denied, training_phrasing(random, len(kinds) > 1)
        )
        if denied
        else None,
        absence_negated=negate_absent(
            random, scene, kinds, absent, training_phrasing(random, len(kinds) == len(scene.kinds))
        ),
        denied_present=denied,
        denied_absent=absent,
    )


def negate_present(
    random: Random, scene: Scene, kinds: tuple[ObjectKind, ...], denied: ObjectKind, phrasing: Phrasing
) -> SceneCaption:
    """Affirm `kinds` except `denied`, which is in the image, and deny that one: a false caption."""
    rest = tuple(kind for kind in kinds if kind != denied)
    return negate(random, affirmed_part(random, scene, rest), denied, phrasing)


def negate_absent(
    random: Random, scene: Scene, kinds: tuple[ObjectKind, ...], denied: ObjectKind, phrasing: Phrasing
) -> SceneCaption:
    """Affirm `kinds` and deny `denied`, which is not in the image: a true caption."""
    return negate(random, affirmed_part(random, scene, kinds), denied, phrasing)


def training_phrasing(random: Random, exclusive_serves: bool) -> Phrasing:
    """Draw a phrasing that fine-tuning may see; exclusive ones only where they say what is meant."""
    pool = EXCLUSIVE if exclusive_serves and random.random() < _EXCLUSIVE_SHARE else NAMING
    return random.choice([phrasing for phrasing in pool if not phrasing.held_out])
