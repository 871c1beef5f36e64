"""Natural ways, at natural places, to say that something is not there.

No phrasing adds a comma, so that a comma tells nothing of negation.
"""

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from random import Random

from omninegclip.captions.companions import companions
from omninegclip.captions.compose import compose
from omninegclip.captions.english import article, words
from omninegclip.captions.lexicon import Noun, english
from omninegclip.captions.parse import NOUNS, Parse
from omninegclip.captions.structure import (
    FINITE,
    PARTS,
    finite,
    object_of,
    person,
    plural,
    subject,
    verb_of,
)

PORTABLE = words("umbrella backpack suitcase handbag cane")
ROOMS = words(
    "kitchen bathroom bedroom room office park field forest beach garden yard restaurant store "
    "station airport classroom desert zoo harbor meadow backyard playground library restroom plaza "
    "courtyard stadium pasture"
)
PASTURES = words("field pasture meadow park farm zoo yard backyard enclosure pen")
ALOFT = words("kite frisbee")  # in sight or not, and no part of a place
TOWNS = words("city town downtown")  # have one of everything somewhere
SURFACES = words("table desk counter bench shelf")
DISHES = words("tray plate")
SMALL = words("food tableware electronics household")
LARGE = words(
    "toilet bathtub sink refrigerator oven fireplace television mirror dishwasher rug radiator towel"
)
POURED = words("coffee tea beer wine juice milk soda")  # stands beside a plate
# of which a person misses one, or several
ONE = (
    LARGE
    | words(
        "microwave piano lighthouse scoreboard trampoline clock toaster blender kettle fountain statue "
        "bridge cake pizza soup salad leash laptop guitar"
    )
    | {"Christmas tree", "clock tower", "soccer goal", "washing machine", "coffee maker", "swimming pool"}
)
SEVERAL = words(
    "tomato onion mushroom carrot grape strawberry egg cookie cucumber potato pancake chopsticks gift pear "
    "apple banana orange pineapple"
)

# Each with its weight: how often captions of COCO and Flickr8k say it, of any noun, which
# recipes/negation-wording counts. "With no" is said half as often again as "without"; here "without" has the
# larger weight, since "with" is what tells a negated caption where the words of negation are left out.
BARE = {"with no {noun}": 21, "without {a_noun}": 66}  # of the last noun: a room, a plate
END = {
    "with no {noun} around": 3,
    "with no {noun} nearby": 3,
    "with no {noun} in sight": 3,
    "with no {noun} in view": 0,
    "with no {noun} visible": 0,
    "with no {noun} to be seen": 0,
    "with no {noun} anywhere in sight": 0,
    "without {a_noun} in sight": 20,
    "without {a_noun} nearby": 14,
    "without {a_noun} around": 14,
    "without {a_noun} in view": 0,
    "without a single {one} in sight": 0,
    "without a single {one} around": 0,
    "with not {an_one} in sight": 0,
}
END_OF_SENTENCE = {
    "and there {is} no {noun} in sight": 1,
    "and there {is} no {noun} nearby": 1,
    "and there {is} no {noun} around": 1,
    "but there {is} no {noun} around": 0,
    "but there {is} no {noun} in sight": 0,
    "and no {noun} can be seen": 0,
    "and no {noun} {is} visible": 0,
    "and no {noun} {is} in sight": 1,
}
END_OF_NOUNS = {
    "and no {noun} around": 1,
    "and no {noun} in sight": 2,
    "and no {noun} nearby": 1,
    "but no {noun} in sight": 3,
    "but no {noun} nearby": 1,
    "but not {an_one} in sight": 0,
}
PERSON = {
    "with no {noun}": 21,
    "without {a_noun}": 66,
    "carrying no {noun}": 0,
    "not carrying {a_noun}": 0,
    "who {has} no {noun}": 0,
    "who {does} not have {a_noun}": 0,
}
PLACE = {
    "with no {noun}": 21,
    "without {a_noun}": 66,
    "with no {noun} in it": 2,
    "without {a_noun} in it": 0,
    "that has no {noun}": 1,
    "that has no {noun} in it": 0,
    "where there {is} no {noun}": 0,
}
SURFACE = {
    "with no {noun} on it": 1,
    "without {a_noun} on it": 3,
    "that has no {noun} on it": 1,
}
CLAUSE = {
    "with no {noun} in sight": 1,
    "with no {noun} around": 1,
    "with no {noun} nearby": 1,
    "without {a_noun} in sight": 6,
}
LIST = {"but no {noun}": 3, "and no {noun}": 15}
CLOSE_UP = re.compile(r"\bclose[- ]?ups?\b", re.IGNORECASE)
UNSEEN = 1  # how often what captions were never seen to say counts as said


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a denial: before the word at this index, how often it is taken, and what is said there."""

    name: str
    at: int
    share: float
    wordings: Mapping[str, int]


def insert_absence(parse: Parse, noun: Noun, kind: str, rng: Random) -> tuple[str, str]:
    """Return the name of a place, and the caption that says there in one of its wordings: no noun."""
    slots = list(places(parse, noun, kind))
    place = rng.choices(slots, [slot.share for slot in slots])[0]
    fitting = {
        wording: often + UNSEEN
        for wording, often in place.wordings.items()
        if not ("one}" in wording and (noun.always_many or not noun.countable))
    }
    wording = rng.choices(list(fitting), list(fitting.values()))[0]
    roaming = kind in {"animal", "vehicle", "street", "sport"} and wording in BARE  # "in a park without dogs"
    many = (roaming or noun.singular in SEVERAL) or (
        noun.singular not in ONE and place.name != "person" and rng.random() < 0.5
    )
    return place.name, fill(parse, place, wording, noun, many)


def is_closed(parse: Parse) -> bool:
    """Return whether a caption ends on a relative clause, of which a denial behind it would speak."""
    return any(
        parse.deps[token] == "relcl"
        and parse.span(token)[1] >= parse.end
        and any(parse.tags[i] in FINITE for i in range(*parse.span(token)))
        for token in range(parse.end)
    )


def shows_scene(parse: Parse) -> bool:
    """Return whether a sentence speaks of more than a part: "the edge of a board"."""
    about = subject(parse)
    return about is None or parse.words[about.head].lower() not in PARTS


def fill(parse: Parse, place: Slot, wording: str, noun: Noun, many: bool) -> str:
    """Return the caption with one wording at its place."""
    one, about = noun.singular, subject(parse)
    several = about is not None and plural(parse, about.head)
    words = wording.format(
        **noun.forms(many),
        one=one,
        an_one=f"{article(one)} {one}",
        has="have" if several else "has",
        does="do" if several else "does",
    )
    return compose(parse, (place.at, place.at, words))


def places(parse: Parse, noun: Noun, kind: str) -> Iterator[Slot]:
    """Yield the places where a noun's absence can be said, the end of the caption always."""
    sentence, about = finite(parse), subject(parse)
    verbs = any(tag.startswith("VB") for tag in parse.tags)
    wordings = END | (END_OF_SENTENCE if sentence else {} if verbs else END_OF_NOUNS)
    if kind in {"food", "tableware"}:  # nothing to eat is around
        wordings = {wording: often for wording, often in wordings.items() if "around" not in wording}
    clauses = [
        token
        for token in range(4, parse.end)
        if parse.deps[token] == "mark"
        and parse.words[token] in {"while", "as"}
        and parse.words[token - 1] != ","
    ]
    yield Slot(
        "end",
        parse.end,
        0.1 if clauses else 1.0,
        _unrepeated(parse, BARE if _lacks(parse, noun, kind) else wordings),
    )
    alone = (
        about is not None
        and about.head - about.start < 4
        and "compound" not in parse.deps[about.start : about.head]
    )
    if (
        about
        and alone
        and noun.singular in PORTABLE
        and (noun.singular != "umbrella" or {"rain", "rainy"} & set(parse.words))
        and _single(parse, about.head)
        and person(parse, about.head)
    ):
        yield Slot("person", about.head + 1, 1.5, PERSON)
    if (
        sentence
        and about
        and about.start == 0
        and verb_of(parse) == about.head + 1
        and kind in {"animal", "vehicle"}
        and not person(parse, about.head)
    ):
        yield Slot("subject", about.head + 1, 0.05, CLAUSE)
    for token in clauses:
        yield Slot("clause", token, 1.0, CLAUSE)
    yield from _after_nouns(parse, noun, kind)


def _lacks(parse: Parse, noun: Noun, kind: str) -> bool:
    """Return whether the caption ends on what lacks a thing by itself: "in a kitchen without a microwave"."""
    if not parse.end or noun.singular in POURED:
        return False
    last = parse.words[parse.end - 1].lower()
    if last in TOWNS or noun.singular in ALOFT or (kind == "animal" and last not in PASTURES):
        return False
    return _expects(last, noun, {"scene", "food"})


def _expects(word: str, noun: Noun, kinds: Set[str]) -> bool:
    """Return whether what a word names, of one of these kinds, lets one expect the thing."""
    return any(
        english().concepts[name].kind in kinds
        and noun.singular in companions().expected.get(name, frozenset())
        for name in english().names.get(word.lower(), set())
    )


def _unrepeated(parse: Parse, wordings: Mapping[str, int]) -> Mapping[str, int]:
    """Return the wordings that repeat neither the "with" that the caption ends on nor its "near"."""
    ends_with = "with" in parse.words[-7:]
    if ends_with:  # "a man with a dog and no leash in sight", and not "with a dog without a leash"
        wordings = END_OF_SENTENCE if finite(parse) else END_OF_NOUNS
    return {
        wording: often
        for wording, often in wordings.items()
        if not ("nearby" in wording and {"near", "nearby"} & set(parse.words[-7:]))
    }


def _after_nouns(parse: Parse, noun: Noun, kind: str) -> Iterator[Slot]:
    for token in range(parse.end):
        inner = object_of(parse, token) if parse.deps[token] == "prep" else None
        if inner is None or plural(parse, inner) or not _single(parse, inner):
            continue
        if inner + 1 < parse.end and not parse.tags[inner + 1].startswith("VB"):
            continue
        if kind == "animal" and inner + 1 < parse.end:
            continue  # "in a field without dogs gazing around"
        name = parse.words[inner].lower()
        if name in ROOMS and parse.words[token].lower() in {"in", "at"} and _expects(name, noun, {"scene"}):
            yield Slot("room", inner + 1, 1.0, PLACE)
        if parse.words[token].lower() == "on" and _fits_on(name, noun, kind):
            yield Slot("surface", inner + 1, 1.0, SURFACE)
    if (last := _listed(parse)) is not None:
        yield Slot("list", last + 1, 2.0, LIST)


def _fits_on(name: str, noun: Noun, kind: str) -> bool:
    if name in DISHES:
        return kind == "food" and noun.singular not in POURED
    return name in SURFACES and kind in SMALL and noun.singular not in LARGE


def _single(parse: Parse, noun: int) -> bool:
    """Return whether nothing follows the noun that belongs to it, so that a phrase can."""
    return all(child < noun for child in parse.children[noun]) and parse.tags[noun] in NOUNS


def _listed(parse: Parse) -> int | None:
    """Return the last noun of "with a stove and a sink" in a caption without verbs."""
    if any(tag.startswith("VB") for tag in parse.tags):
        return None
    last = parse.end - 1
    if last < 1 or parse.deps[last] != "conj" or parse.tags[last] not in NOUNS:
        return None
    first = parse.heads[last]
    while parse.deps[first] == "conj":
        first = parse.heads[first]
    return last if parse.deps[first] == "pobj" and parse.words[parse.heads[first]] == "with" else None
