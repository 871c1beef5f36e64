"""Natural ways, at natural places, to say that something is not there.

No phrasing adds a comma, so that a comma tells nothing of negation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from omninegclip.captions.compose import capitalised_like, compose, lowered
from omninegclip.captions.english import article, words
from omninegclip.captions.lexicon import Noun
from omninegclip.captions.parse import NOUNS, Parse
from omninegclip.captions.structure import (
    IMAGES,
    Phrase,
    finite,
    object_of,
    person,
    plural,
    subject,
    verb_of,
)

PORTABLE = words(
    "umbrella backpack suitcase handbag helmet hat cane skateboard surfboard kite frisbee guitar"
)
ROOMS = words(
    "kitchen bathroom bedroom room office park field forest beach garden yard restaurant store "
    "station airport classroom desert zoo harbor meadow backyard playground library restroom plaza "
    "courtyard stadium pasture"
)
SURFACES = words("table desk counter bench shelf tray plate")
SMALL = words("food tableware electronics household")
LARGE = words("toilet bathtub sink refrigerator oven fireplace television mirror")

END_OF_ANY = (
    "with no {noun} in sight",
    "with no {noun} around",
    "with no {noun} nearby",
    "with no {noun} to be seen",
    "without {a_noun} in sight",
    "without a single {one} in sight",
    "and no {noun} in sight",
    "and no {noun} nearby",
    "but no {noun} in sight",
    "and not {an_one} in sight",
    "and no sign of {a_noun}",
)
END_OF_SENTENCE = (
    "and there {is} no {noun} in sight",
    "and there {is} no {noun} nearby",
    "but there {is} no {noun} around",
    "and no {noun} {is} visible",
    "and no {noun} can be seen",
    "but no {noun} {is} in sight",
    "while no {noun} {is} in view",
    "with no {noun} in sight",
    "without {a_noun} in sight",
)
START_OF_PHRASE = (
    "there {is} no {noun} in this picture of {caption}",
    "no {noun} can be seen in this photo of {caption}",
    "no {noun} {is} visible in this image of {caption}",
    "not a single {one} is visible in this photo of {caption}",
)
START_OF_SENTENCE = (
    "there {is} no {noun} in this picture where {caption}",
    "no {noun} {is} visible in this photo where {caption}",
    "no {noun} can be seen in this scene where {caption}",
    "not a single {one} is in sight where {caption}",
)
AFTER_PERSON = ("with no {noun}", "without {a_noun}", "who does not have {a_noun}", "who has no {noun}")
AFTER_PEOPLE = ("with no {noun}", "without {a_noun}", "who do not have {a_noun}", "who have no {noun}")
AFTER_SUBJECT = (
    "with no {noun} nearby",
    "with no {noun} around",
    "without {a_noun} nearby",
    "with no {noun} in sight",
)
AFTER_ROOM = ("without {a_noun}", "with no {noun}", "where there {is} no {noun}")
BEFORE_CLAUSE = ("with no {noun} in sight", "with no {noun} around", "without {a_noun} in sight")
AFTER_SURFACE = ("with no {noun} on it", "without {a_noun} on it")
AFTER_LIST = ("but no {noun}", "but not {a_noun}")


@dataclass(frozen=True, slots=True)
class Slot:
    """Where phrasings go: before the word at this index, or around the caption where they have {caption}."""

    name: str
    at: int
    templates: tuple[str, ...]


def insert_absence(parse: Parse, noun: Noun, kind: str, rng: Random) -> tuple[str, str]:
    """Return the name of a place, and the caption that says there in one of its phrasings: no noun."""
    place = rng.choice(list(places(parse, noun, kind)))
    template = rng.choice([each for each in place.templates if not (noun.always_many and "one}" in each)])
    return place.name, fill(parse, place, template, noun, many=rng.random() < 0.3)


def fill(parse: Parse, place: Slot, template: str, noun: Noun, many: bool) -> str:
    """Return the caption with one phrasing at its place."""
    fields = noun.forms(many)
    one = noun.singular
    words = template.format(**fields, one=one, an_one=f"{article(one)} {one}", caption="{caption}")
    if "{caption}" not in words:
        return compose(parse, (place.at, place.at, words))
    first = lowered(parse) or parse.words[0]
    return capitalised_like(parse, words.replace("{caption}", compose_lowered(parse, first)))


def compose_lowered(parse: Parse, first: str) -> str:
    """Return the caption as it stands within a sentence."""
    return first + parse.blanks[0] + parse.text(1)


def places(parse: Parse, noun: Noun, kind: str) -> Iterator[Slot]:
    """Yield the places where a noun's absence can be said, the end of the caption always."""
    sentence = finite(parse)
    yield Slot("end", parse.end, _unrepeated(parse, END_OF_SENTENCE if sentence else END_OF_ANY))
    about = subject(parse)
    if about and _can_follow(parse, about):
        yield Slot("start", 0, START_OF_SENTENCE if sentence else START_OF_PHRASE)
    if about and noun.singular in PORTABLE and _single(parse, about.head) and person(parse, about.head):
        yield Slot("person", about.head + 1, AFTER_PEOPLE if plural(parse, about.head) else AFTER_PERSON)
    if sentence and about and verb_of(parse) == about.head + 1:
        yield Slot("subject", about.head + 1, AFTER_SUBJECT)
    for token in range(4, parse.end):
        if (
            parse.deps[token] == "mark"
            and parse.words[token] in {"while", "as"}
            and parse.words[token - 1] != ","
        ):
            yield Slot("clause", token, BEFORE_CLAUSE)
    yield from _after_nouns(parse, noun, kind)


def _can_follow(parse: Parse, about: Phrase) -> bool:
    """Return whether the caption can stand after "this image of": it begins with an article or a plural."""
    starts = parse.tags[0] in {"DT", "CD", "PRP$"} or plural(parse, about.head)
    image = parse.words[about.head].lower() in IMAGES
    return starts and not image and about.start == 0 and lowered(parse) is not None


def _unrepeated(parse: Parse, templates: tuple[str, ...]) -> tuple[str, ...]:
    """Return the phrasings that don't begin with the "with" that the caption ends on already."""
    if "with" in parse.words[-7:]:
        return tuple(template for template in templates if not template.startswith("with"))
    return templates


def _after_nouns(parse: Parse, noun: Noun, kind: str) -> Iterator[Slot]:
    for token in range(parse.end):
        inner = object_of(parse, token) if parse.deps[token] == "prep" else None
        if inner is None or plural(parse, inner) or not _single(parse, inner):
            continue
        if inner + 1 < parse.end and not parse.tags[inner + 1].startswith("VB"):
            continue
        name = parse.words[inner].lower()
        if name in ROOMS and parse.words[token].lower() in {"in", "at"}:
            yield Slot("room", inner + 1, AFTER_ROOM)
        if (
            name in SURFACES
            and parse.words[token].lower() == "on"
            and kind in SMALL
            and noun.singular not in LARGE
        ):
            yield Slot("surface", inner + 1, AFTER_SURFACE)
    if (last := _listed(parse)) is not None:
        yield Slot("list", last + 1, AFTER_LIST)


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
