"""Negated captions: the same phrasings deny what is in the image (false) and what is not (true).

Both kinds draw on one list, so that no phrasing by itself tells a false caption from a true one. A quarter
of the phrasings is held out from fine-tuning data.
"""

import re
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from omninegclip.reading.reading import Reading
from omninegclip.scenes.claims import Claims, SceneCaption
from omninegclip.scenes.grammar import things_of
from omninegclip.scenes.objects import ObjectKind
from omninegclip.scenes.scene import Scene

# {A} what is affirmed; {n} "dog" or "glasses"; {an} "a dog"; {any} "a dog" or "any glasses"; {ns} "dogs".
_NAMING_IN_TRAINING = (
    "{A} but no {n}",
    "{A} without {an}",
    "no {n}, just {A}",
    "{A} with no {n} in sight",
    "{A}, and there {isnt} {any} here",
    "{A}, free of {ns}",
    "{A} minus the {n}",
    "{a_stem}-less picture of {A}",
    "{A}, {stem}-free",
    "{A}, no {n}",
    "without {any}: {A}",
    "{A}; the {n} {is} missing",
    "{A}, {an} {is} nowhere to be seen",
    "{A} in the absence of {an}",
    "{A}, and not {any} anywhere",
    "{A} instead of {an}",
    "{A}, but {ns} are absent",
    "{A}, you won't find {any}",
    "a picture of {A} that does not show {any}",
    "{A}, zero {ns}",
    "{A} sans {n}",
)
# Four say it with words that training knows in other places, three with words that it never sees deny.
_NAMING_HELD_OUT = (
    "{A} and no {n}",
    "{A}, not {an}",
    "there {isnt} {any}, but you see {A}",
    "a photo with {A} and without {any}",
    "{A}, lacking {an}",
    "{A}, {ns} excluded",
    "{A}, devoid of {ns}",
)
# These deny everything that they do not name.
_EXCLUSIVE_IN_TRAINING = ("nothing but {A}", "only {A}", "just {A} and nothing else")
_EXCLUSIVE_HELD_OUT = ("{A} alone",)


class Phrasing(NamedTuple):
    """A way of saying no.

    `names` tells whether it names what it denies, `held_out` whether fine-tuning data lacks it.
    """

    template: str
    names: bool
    held_out: bool

    @property
    def takes_lead(self) -> bool:
        """Tell whether what is affirmed comes first, so that "a photo of" can stand before it."""
        return self.template.startswith("{A}")

    def negate(self, affirmed: str, kind: ObjectKind) -> str:
        """Add to the words `affirmed` that `kind` is not there."""
        return self.template.format(A=affirmed, **forms(kind))


def _phrasings(names: bool, in_training: tuple[str, ...], held_out: tuple[str, ...]) -> tuple[Phrasing, ...]:
    return (
        *(Phrasing(template, names, held_out=False) for template in in_training),
        *(Phrasing(template, names, held_out=True) for template in held_out),
    )


NAMING = _phrasings(True, _NAMING_IN_TRAINING, _NAMING_HELD_OUT)
_SAYS_NOTHING = frozenset({"a scene", "a photo of a scene", "a picture of a scene"})
EXCLUSIVE = _phrasings(False, _EXCLUSIVE_IN_TRAINING, _EXCLUSIVE_HELD_OUT)
PHRASINGS = NAMING + EXCLUSIVE


def _pattern(template: str) -> re.Pattern[str]:
    """Return the expression that captions of a template match; "{a_stem}" brings its own article."""
    denied = "(?P<denied>.+)"
    words = dict.fromkeys(("n", "an", "any", "ns", "stem"), denied)
    literal = re.sub(r"[^{}\w\s]", lambda mark: "\\" + mark[0], template)
    return re.compile(
        literal.format(
            A="(?P<affirmed>.+)",
            a_stem=f"an? {denied}",
            **{"is": "(?:is|are)"},
            isnt="(?:isn't|aren't)",
            **words,
        )
    )


_PATTERNS = [
    _pattern(phrasing.template)
    for phrasing in sorted(NAMING, key=lambda each: len(re.sub(r"{\w+}", "", each.template)), reverse=True)
]


def negate(random: Random, affirmed: SceneCaption, denied: ObjectKind, phrasing: Phrasing) -> SceneCaption:
    """Add to `affirmed` that `denied` is not there, or with an exclusive phrasing that nothing else is."""
    lead = random.choice(("a photo of ", "a picture of ")) if random.random() < 0.3 else ""
    framed = phrasing.takes_lead and affirmed.statement.counts
    text = phrasing.negate(f"{lead}{affirmed.text}" if framed else affirmed.text, denied)
    if phrasing.names:
        return SceneCaption(text, affirmed.statement._replace(absent=(denied,)))
    return SceneCaption(text, affirmed.statement._replace(only=True))


def split(text: str) -> tuple[str, str] | None:
    """Return what a caption affirms and what it denies, in its own words, or None where it names no denial.

    The caption is read by the templates of this module, the most specific first; held-out ones count too.
    """
    for pattern in _PATTERNS:
        if found := pattern.fullmatch(text):
            return found["affirmed"], found["denied"].removeprefix("any ")
    return None


class TemplatesReader:
    """Reads the halves by the templates that wrote the sentences; the reader "told" of the picture world."""

    def read(self, sentences: Sequence[str]) -> list[Reading]:
        """Return the reading of each sentence."""
        return [_reading(sentence) for sentence in sentences]


def _reading(sentence: str) -> Reading:
    halves = split(sentence)
    if halves is None:
        return Reading(sentence)
    affirmed, denied = halves
    return Reading("" if affirmed in _SAYS_NOTHING else affirmed, (denied,))


def affirmed_part(
    random: Random, scene: Scene, kinds: tuple[ObjectKind, ...], *, place: bool | None = None
) -> SceneCaption:
    """Write the affirmed part of a negated caption: `kinds` and perhaps the place, or a bare scene."""
    with_place = random.random() < 0.5 if place is None else place
    where = random.choice(scene.place.phrases) if with_place else ""
    if not kinds:
        return SceneCaption(f"a scene {where}".strip(), Claims((), scene.place.name if with_place else None))
    things, counts = things_of(random, scene, kinds)
    return SceneCaption(f"{things} {where}".strip(), Claims(counts, scene.place.name if with_place else None))


def forms(kind: ObjectKind) -> dict[str, str]:
    """Return the words of `kind` that the templates of phrasings ask for."""
    one = kind.has_singular
    stem = kind.singular
    return {
        "n": stem,
        "an": kind.indefinite,
        "any": kind.indefinite if one else f"any {kind.plural}",
        "ns": kind.plural,
        "is": "is" if one else "are",
        "isnt": "isn't" if one else "aren't",
        "stem": stem,
        "a_stem": f"{'an' if stem[0] in 'aeiou' else 'a'} {stem}",
    }
