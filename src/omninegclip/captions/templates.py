"""Hard variants: the swap, the false affirmation, and NegBench's multiple choice."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from omninegclip.captions.compose import compose
from omninegclip.captions.english import article
from omninegclip.captions.lexicon import Noun
from omninegclip.captions.parse import Parse


class Template(NamedTuple):
    """A way to say that a is there, that b is not, and both; none has a comma that would tell of a negation.

    {a} and {b} are the nouns with their articles, {no_b} the bare noun; {a_is} and {b_is} their verbs.
    """

    positive: str
    negative: str
    hybrid: str


FORMS = (
    Template("{a}", "no {no_b}", "{a} but no {no_b}"),
    Template("{a}", "without {b}", "{a} without {b}"),
    Template(
        "this picture shows {a}", "this picture shows no {no_b}", "this picture shows {a} but no {no_b}"
    ),
    Template(
        "the photo shows {a}",
        "the photo does not show {b}",
        "the photo shows {a} and does not show {b}",
    ),
    Template(
        "there {a_is} {a} here",
        "there {b_is} no {no_b} here",
        "there {a_is} {a} here but there {b_is} no {no_b}",
    ),
    Template(
        "there {a_is} {a} in this scene",
        "there {b_is} not {b} in this scene",
        "there {a_is} {a} in this scene while there {b_is} not {b}",
    ),
    Template("{a} {a_is} visible", "no {no_b} {b_is} visible", "{a} {a_is} visible but no {no_b} {b_is}"),
    Template("{a} {a_is} in view", "{b} {b_is} not in view", "{a} {a_is} in view and {b} {b_is} not"),
    Template("a photo of {a}", "a photo without {b}", "a photo of {a} without {b}"),
    Template("a picture with {a}", "a picture with no {no_b}", "a picture with {a} and with no {no_b}"),
    Template(
        "an image containing {a}", "an image containing no {no_b}", "an image containing {a} and not {b}"
    ),
    Template(
        "{a} {a_is} present",
        "{b} {b_is} absent",
        "{a} {a_is} present whereas {b} {b_is} absent",
    ),
    Template(
        "the picture has {a} in it",
        "the picture does not have {b} in it",
        "the picture has {a} but does not have {b} in it",
    ),
    Template("{a} can be seen", "{b} can not be seen", "{a} can be seen with no {no_b} around"),
    Template("I see {a}", "I don't see {b}", "I see {a} but I don't see {b}"),
    Template(
        "a scene that has {a}",
        "a scene that lacks {b}",
        "a scene that has {a} and lacks {b}",
    ),
)
AFFIRMATIONS = ("with {b} nearby", "and {b}", "with {b} in sight", "next to {b}")


@dataclass(frozen=True, slots=True)
class Choice:
    """Four captions of which one is true, where it stands, and what it is: positive, negative or hybrid."""

    captions: tuple[str, ...]
    answer: int
    template: str


def swap(present: Noun, absent: Noun, rng: Random) -> tuple[str, str]:
    """Return "a dog but no ball", true of a dog without a ball, and "a ball but no dog", false of it."""
    template = rng.choice(FORMS).hybrid
    return fill_in(template, present, absent), fill_in(template, absent, present)


def affirm(parse: Parse, absent: Noun, rng: Random) -> str:
    """Return the caption asserting what is absent: false, and without any word of negation."""
    words = fill_in(rng.choice(AFFIRMATIONS), None, absent)
    return compose(parse, (parse.end, parse.end, words))


def multiple_choice(present: Noun, absent: Noun, rng: Random, forms: Sequence[Template] = FORMS) -> Choice:
    """Return a question in NegBench's form (Alhamoud et al., CVPR 2025), its answer at a random place.

    The four, all of one of `forms`, are: a true caption of a random template; and three false ones that
    affirm the absent thing, deny the present one, or do both.
    """
    form = rng.choice(forms)
    kind = rng.choice(form._fields)
    true = fill_in(getattr(form, kind), present, absent)
    captions = [fill_in(each, absent, present) for each in rng.sample(form, 3)]
    answer = rng.randrange(4)
    captions.insert(answer, true)
    return Choice(tuple(captions), answer, kind)


def fill_in(template: str, a: Noun | None, b: Noun | None) -> str:
    """Return a template of this module with "a dog" and "a ball" in it; None for a noun that it has not."""
    fields = {} if a is None else {"a": with_article(a), "a_is": _verb(a)}
    if b is not None:
        fields |= {"b": with_article(b), "no_b": b.singular, "b_is": _verb(b)}
    return template.format(**fields)


def with_article(noun: Noun) -> str:
    """Return "a dog", "an umbrella", "scissors" or "cheese"."""
    if noun.always_many or not noun.countable:
        return noun.plural
    return f"{article(noun.singular)} {noun.singular}"


def _verb(noun: Noun) -> str:
    return "are" if noun.always_many else "is"
