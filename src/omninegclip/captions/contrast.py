"""Contrast sets: sentences about a picture that differ in what they deny, some true of it and some false."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from omninegclip.captions.absence import Absent, draw
from omninegclip.captions.hard import HYBRIDS, NEGATIVES, POSITIVES, fill_in
from omninegclip.captions.lexicon import WORD, Lexicon, Names, Noun
from omninegclip.captions.parse import Parse
from omninegclip.captions.phrasing import say_absent

OF_EACH = 2  # things that are not there, and things that are, which one affirmation denies in turn
NOTHING = "a photo"  # what a bare denial affirms


@dataclass(frozen=True, slots=True)
class Assertion:
    """A sentence, the concepts that it affirms, the one that it denies, whether it holds, and its other half.

    `affirmed` is the sentence without its denial: the sentence itself where it denies nothing.
    """

    text: str
    affirms: tuple[str, ...]
    denies: str | None
    holds: bool
    affirmed: str


def contrast_set(
    parse: Parse, caption: str, named: Names, plausible: list[Absent], lexicon: Lexicon, rng: Random
) -> list[Assertion]:
    """Write sentences about a picture that holds the concepts `named`, and of which `caption` is true.

    First the caption, as it is and denying two plausible things that are not there. Then one of its objects,
    and then nothing, with one phrasing denying those two (true) and up to two that are there (false). Last a
    plain false affirmation. The caption alone where nothing is safely absent.
    """
    said = tuple(sorted(literal(caption, lexicon)))
    found = [Assertion(caption, said, None, True, caption)]
    absent = [each.concept.name for each, _ in zip(draw(plausible, rng), range(OF_EACH), strict=False)]
    if not absent:
        return found
    objects = [name for name in said if name in lexicon.objects]
    there = sorted(name for name in named if name in lexicon.objects)
    at = rng.randrange(len(HYBRIDS))
    if objects:
        subject = rng.choice(objects)
        others = [name for name in there if name not in lexicon.related[subject]]
        affirmed = fill_in(POSITIVES[at], _noun(lexicon, subject), None)
        found.append(Assertion(affirmed, (subject,), None, True, affirmed))
        found += _denials(HYBRIDS[at], subject, affirmed, absent, others, lexicon, rng)
    found += _denials(NEGATIVES[at], None, NOTHING, absent, there, lexicon, rng)
    state = rng.getstate()
    for place, name in enumerate(absent, 1):  # right behind the caption, whose beginning they share
        rng.setstate(state)  # the same phrasing for both
        concept = lexicon.concepts[name]
        text = say_absent(parse, concept.noun, concept.kind, rng)[1]
        found.insert(place, Assertion(text, said, name, True, caption))
    false = fill_in(POSITIVES[at], _noun(lexicon, absent[0]), None)
    return [*found, Assertion(false, (absent[0],), None, False, false)]


def literal(caption: str, lexicon: Lexicon) -> Names:
    """Return the concepts that a caption calls by their own noun: "a seat" may be a bench or a sofa."""
    words = f" {' '.join(WORD.findall(caption.lower()))} "
    return frozenset(
        name
        for name in lexicon.mentions(caption)[0]
        if any(f" {form} " in words for form in (_noun(lexicon, name).singular, _noun(lexicon, name).plural))
    )


def _denials(
    template: str,
    subject: str | None,
    affirmed: str,
    absent: Sequence[str],
    present: Sequence[str],
    lexicon: Lexicon,
    rng: Random,
) -> Iterator[Assertion]:
    noun = None if subject is None else _noun(lexicon, subject)
    affirms = () if subject is None else (subject,)
    false = rng.sample(present, min(OF_EACH, len(present)))
    for name in (*absent, *false):
        text = fill_in(template, noun, _noun(lexicon, name))
        yield Assertion(text, affirms, name, name in absent, affirmed)


def _noun(lexicon: Lexicon, name: str) -> Noun:
    return lexicon.concepts[name].noun
