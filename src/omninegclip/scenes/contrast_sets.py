"""Contrast sets: sentences about one scene that differ in what they deny, some true of it and some false."""

from random import Random
from typing import NamedTuple

from omninegclip.scenes.captioning import training_phrasing
from omninegclip.scenes.claims import Claims, SceneCaption
from omninegclip.scenes.grammar import describe
from omninegclip.scenes.negation import affirmed_part
from omninegclip.scenes.objects import ObjectKind
from omninegclip.scenes.scene import Scene, plausible_kind

# Short sentences teach as much as long ones and cost less: most affirm one kind, some none.
_HOW_MANY, _WEIGHTS = (0, 1, 2, 3, 5), (20, 42, 20, 10, 8)
_FALSE_AFFIRMATION = 0.15
_GROUPS, _ABSENT, _PRESENT = 2, 2, 2


class SceneAssertion(NamedTuple):
    """One sentence of a contrast set.

    `affirmed` is the sentence without its denials, the sentence itself where it denies nothing, and `denied`
    says in words of their own what it denies.
    """

    caption: SceneCaption
    negates: tuple[ObjectKind, ...]
    holds: bool
    affirmed: str
    denied: tuple[str, ...] = ()


def contrast_set(random: Random, scene: Scene) -> tuple[SceneAssertion, ...]:
    """Write sentences about `scene` for fine-tuning: held-out kinds and phrasings are never negated.

    First a caption that says everything. Then twice one affirmation, with the same phrasing denying in turn
    two things that are not there (true) and up to two that are (false); sometimes what is affirmed is not
    there, and all of it is false. Last a plain false affirmation.
    """
    everything = describe(random, scene, scene.kinds, place=True)
    assertions = [SceneAssertion(everything, (), True, everything.text)]
    for _ in range(_GROUPS):
        assertions += _denials(random, scene)
    wrong = _affirming(plausible_kind(random, scene.place, scene.kinds))
    lead = random.choice(("", "a photo of ", "a picture of "))
    wrong = wrong._replace(text=lead + wrong.text)
    return (*assertions, SceneAssertion(wrong, (), False, wrong.text))


def _denials(random: Random, scene: Scene) -> list[SceneAssertion]:
    kinds = random.sample(scene.kinds, len(scene.kinds))[: random.choices(_HOW_MANY, _WEIGHTS)[0]]
    phrasing = training_phrasing(random, exclusive_serves=False)
    true = random.random() >= _FALSE_AFFIRMATION
    if true:
        affirmed = affirmed_part(random, scene, tuple(kinds))
    else:
        kinds = [plausible_kind(random, scene.place, scene.kinds)]
        affirmed = _affirming(kinds[0])
    if phrasing.takes_lead and kinds and random.random() < 0.4:
        affirmed = affirmed._replace(text=random.choice(("a photo of ", "a picture of ")) + affirmed.text)
    absent: list[ObjectKind] = []
    while len(absent) < _ABSENT:
        absent.append(plausible_kind(random, scene.place, (*scene.kinds, *kinds, *absent), held_out=False))
    present = [kind for kind in scene.kinds if not kind.held_out and kind not in kinds]
    denied = absent + random.sample(present, min(_PRESENT, len(present)))
    plain = [SceneAssertion(affirmed, (), true, affirmed.text)] if kinds else []
    return plain + [
        SceneAssertion(
            SceneCaption(phrasing.negate(affirmed.text, kind), affirmed.statement._replace(absent=(kind,))),
            (kind,),
            true and kind in absent,
            affirmed.text,
            (kind.indefinite,),
        )
        for kind in denied
    ]


def _affirming(kind: ObjectKind) -> SceneCaption:
    return SceneCaption(kind.indefinite, Claims(((kind, 1 if kind.has_singular else 0),)))
