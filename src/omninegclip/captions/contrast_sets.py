"""Contrast sets: sentences about an image that differ in what they deny, some true of it and some false."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from omninegclip.captions.lexicon import WORD, Lexicon, Names, Noun
from omninegclip.captions.parse import Parse
from omninegclip.captions.phrasing import insert_absence
from omninegclip.captions.templates import FORMS, Template, fill_in, with_article

OF_EACH = 2  # things that are not there, and things that are, for one affirmation to deny in turn
SUBJECTS = ("people", "scene")  # affirmed beside objects and never denied: they go unsaid too often
NOTHING = "a photo"  # what a bare denial affirms


@dataclass(frozen=True, slots=True)
class CaptionAssertion:
    """A sentence, the concepts that it affirms and negates, whether it holds, and its halves in words.

    `affirmed` is the sentence without its denial, or all of it. Both halves are None where the caption denies
    its own content: that it is false is all that is known of it.
    """

    text: str
    affirms: tuple[str, ...]
    negates: tuple[str, ...]
    holds: bool
    affirmed: str | None
    denied: tuple[str, ...] | None = ()


def contrast_set(
    parse: Parse,
    caption: str,
    named: Names,
    absent: Sequence[str],
    denial: str | None,
    lexicon: Lexicon,
    rng: Random,
) -> list[CaptionAssertion]:
    """Write sentences about an image of which `caption` is true.

    First the caption, as it is, denying what is `absent`, and denying its own content (`denial`). Then one
    thing in it, and then nothing, with one phrasing denying what is absent (true) and up to two of the
    `named` objects, which are there (false); and the two swapped. Last a plain false affirmation. Where
    nothing is absent only the caption and its denial are left.
    """
    said = tuple(sorted(named_literally(caption, lexicon)))
    found = [CaptionAssertion(caption, said, (), True, caption)]
    if denial:
        found.append(CaptionAssertion(denial, (), (), False, None, None))
    if not absent:
        return found
    subjects = [name for name in said if name in named or lexicon.concepts[name].kind in SUBJECTS]
    there = sorted(name for name in named if name in lexicon.objects)
    form = rng.choice(FORMS)
    if subjects:
        subject = rng.choice(subjects)
        others = [name for name in there if name not in lexicon.related[subject]]
        affirmed = fill_in(form.positive, _noun(lexicon, subject), None)
        found.append(CaptionAssertion(affirmed, (subject,), (), True, affirmed))
        found += _denials(form.hybrid, subject, affirmed, absent, others, lexicon, rng)
        if subject in lexicon.objects:
            found.append(_swapped(form, subject, absent[0], lexicon))
    found += _denials(form.negative, None, NOTHING, absent, there, lexicon, rng)
    state = rng.getstate()
    for place, name in enumerate(absent, 1):  # right behind the caption, whose beginning they share
        rng.setstate(state)  # the same phrasing for both
        concept = lexicon.concepts[name]
        text = insert_absence(parse, concept.noun, concept.kind, rng)[1]
        found.insert(place, CaptionAssertion(text, said, (name,), True, caption, _denied(lexicon, name)))
    false = fill_in(form.positive, _noun(lexicon, absent[0]), None)
    return [*found, CaptionAssertion(false, (absent[0],), (), False, false)]


def _swapped(form: Template, subject: str, absent: str, lexicon: Lexicon) -> CaptionAssertion:
    """Return "a ball but no dog" of a dog without a ball: false twice."""
    affirmed = fill_in(form.positive, _noun(lexicon, absent), None)
    text = fill_in(form.hybrid, _noun(lexicon, absent), _noun(lexicon, subject))
    return CaptionAssertion(text, (absent,), (subject,), False, affirmed, _denied(lexicon, subject))


def named_literally(caption: str, lexicon: Lexicon) -> Names:
    """Return the concepts that a caption calls by their own noun: "a seat" may be a bench or a sofa."""
    words = f" {' '.join(WORD.findall(caption.lower()))} "
    return frozenset(
        name
        for name in lexicon.mentions(caption).sure
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
) -> Iterator[CaptionAssertion]:
    noun = None if subject is None else _noun(lexicon, subject)
    affirms = () if subject is None else (subject,)
    false = rng.sample(present, min(OF_EACH, len(present)))
    for name in (*absent, *false):
        text = fill_in(template, noun, _noun(lexicon, name))
        yield CaptionAssertion(text, affirms, (name,), name in absent, affirmed, _denied(lexicon, name))


def _denied(lexicon: Lexicon, name: str) -> tuple[str, ...]:
    return (with_article(_noun(lexicon, name)),)


def _noun(lexicon: Lexicon, name: str) -> Noun:
    return lexicon.concepts[name].noun
