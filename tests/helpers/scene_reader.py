"""Reads captions of the picture world back from their words alone, to check what the writer says of them."""

import re
from typing import NamedTuple

from omninegclip.scenes.negation import EXCLUSIVE, NAMING, Phrasing
from omninegclip.scenes.objects import KINDS, ObjectKind
from omninegclip.scenes.places import PLACES
from omninegclip.scenes.scene import Scene

_NOUNS = sorted(
    [(form, kind) for kind in KINDS for form in {kind.singular, kind.plural}], key=lambda pair: -len(pair[0])
)
_NOUN_PATTERN = re.compile(r"\b(" + "|".join(re.escape(form) for form, _ in _NOUNS) + r")\b")
_KIND_OF = dict(_NOUNS)
_PLACE_OF = {phrase: place.name for place in PLACES for phrase in place.phrases}
_PLACE_PATTERN = re.compile(
    r"(?:^|\b)(" + "|".join(map(re.escape, sorted(_PLACE_OF, key=len, reverse=True))) + r")\b"
)


class Reading(NamedTuple):
    """What a sentence says: kinds that are there, a kind that is not, whether nothing else is, and where."""

    affirmed: frozenset[ObjectKind]
    denied: ObjectKind | None
    only: bool
    place: str | None

    def is_true_of(self, scene: Scene) -> bool:
        present = set(scene.kinds)
        return (
            self.affirmed <= present
            and self.denied not in present
            and (not self.only or present <= self.affirmed)
            and self.place in (None, scene.place.name)
        )


def kinds_in(text: str) -> frozenset[ObjectKind]:
    return frozenset(_KIND_OF[noun] for noun in _NOUN_PATTERN.findall(text))


class Found(NamedTuple):
    """A phrasing that the text is written in, and what it leaves for the affirmed part."""

    phrasing: Phrasing
    affirmed: str


def phrasings_of(text: str, denied: ObjectKind) -> list[Found]:
    """Return the phrasings in which `text` denies `denied`."""
    found = []
    for phrasing in NAMING:
        before, _, after = phrasing.negate("\0", denied).partition("\0")
        bare = re.sub(r"^a (?:photo|image) of ", "", text) if phrasing.takes_lead else text
        if bare.startswith(before) and bare.endswith(after) and len(bare) > len(before + after):
            found.append(Found(phrasing, bare[len(before) : len(bare) - len(after)]))
    return found


def read(text: str) -> Reading:
    """Read `text`, trying every phrasing with every kind that the text names."""
    place = _PLACE_PATTERN.search(text)
    where = _PLACE_OF[place.group(1)] if place else None
    without_place = _PLACE_PATTERN.sub("", text)
    for kind in kinds_in(text):
        if found := phrasings_of(text, kind):
            return Reading(kinds_in(found[0].affirmed), kind, False, where)
    only = any(
        re.fullmatch(re.escape(each.template).replace(r"\{A\}", "(?:a (?:photo|image) of )?(.+)"), text)
        for each in EXCLUSIVE
    )
    return Reading(kinds_in(without_place), None, only, where)
