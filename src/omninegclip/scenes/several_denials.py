"""Sentences of contrast sets that deny several things or a place.

What reads sentences learns from them; one vector per sentence is not composed of so much.
"""

from random import Random

from omninegclip.scenes.claims import Claims, SceneCaption, holds
from omninegclip.scenes.contrast_sets import SceneAssertion
from omninegclip.scenes.grammar import ALT_TEXT_REMARKS
from omninegclip.scenes.negation import affirmed_part, forms
from omninegclip.scenes.objects import ObjectKind
from omninegclip.scenes.places import PLACES
from omninegclip.scenes.scene import Scene, plausible_kind

# {A} is what is affirmed; {d[..]}, {e[..]} and {f[..]} are objects in the words of `negation.forms`. The
# robustness suite says it in other words.
_TWO = (
    "{A} without {d[an]} and without {e[an]}",
    "{A} but no {d[n]}, no {e[n]}",
    "{A} with no {d[n]} or {e[n]} in sight",
    "no {d[n]} or {e[n]}, just {A}",
    "{A}, free of {d[ns]} and {e[ns]}",
    "{A} minus the {d[n]} and the {e[n]}",
    "{A}; the {d[n]} and the {e[n]} are missing",
    "without {d[any]}, without {e[any]}: {A}",
    "{A}, zero {d[ns]}, zero {e[ns]}",
    "a picture of {A} that does not show {d[any]} or {e[any]}",
)
_THREE = (
    "{A}, no {d[n]}, {e[n]} or {f[n]}",
    "{A} without {d[an]}, {e[an]} and {f[an]}",
    "no {d[n]}, {e[n]} or {f[n]}: {A}",
    "{A}, free of {d[ns]}, {e[ns]} and {f[ns]}",
)
_PLACE = (
    "{A}, and not {place}",
    "{A}, though not {place}",
    "{A}, which is not {place}",
    "never {place}: {A}",
)
_SENTENCES, _THREE_SHARE, _REMARK_SHARE = 2, 0.2, 0.2


def several_denials(random: Random, scene: Scene) -> list[SceneAssertion]:
    """Write sentences that deny several kinds, and one that denies a place; each may be false of the scene.

    Some affirm with a remark as alt texts have them, "no filter", which denies nothing.
    """
    return [*(_without_several(random, scene) for _ in range(_SENTENCES)), _not_there(random, scene)]


def _without_several(random: Random, scene: Scene) -> SceneAssertion:
    shared = random.sample(scene.kinds, random.randint(0, len(scene.kinds)))
    affirmed = affirmed_part(random, scene, tuple(shared))
    if random.random() < _REMARK_SHARE:
        affirmed = affirmed._replace(text=f"{affirmed.text}, {random.choice(ALT_TEXT_REMARKS)}")
    denied: list[ObjectKind] = [
        kind for kind in scene.kinds if not kind.held_out and kind not in shared and random.random() < 0.5
    ][:1]
    three = random.random() < _THREE_SHARE
    while len(denied) < (3 if three else 2):
        denied.append(plausible_kind(random, scene.place, (*scene.kinds, *denied), held_out=False))
    random.shuffle(denied)
    words = dict(zip("def", map(forms, denied), strict=False))
    text = random.choice(_THREE if three else _TWO).format(A=affirmed.text, **words)
    claims = affirmed.statement._replace(absent=tuple(denied))
    said = SceneCaption(text, claims)
    words_of = tuple(kind.indefinite for kind in denied)
    return SceneAssertion(said, tuple(denied), holds(claims, scene), affirmed.text, words_of)


def _not_there(random: Random, scene: Scene) -> SceneAssertion:
    kinds = random.sample(scene.kinds, random.randint(1, len(scene.kinds)))
    affirmed = affirmed_part(random, scene, tuple(kinds), place=False)
    place = random.choice(PLACES)
    where = random.choice(place.phrases)
    claims = affirmed.statement._replace(denied=(Claims(place=place.name),))
    said = SceneCaption(random.choice(_PLACE).format(A=affirmed.text, place=where), claims)
    return SceneAssertion(said, (), holds(claims, scene), affirmed.text, (f"a scene {where}",))
