"""Hard variants: the swap, the false affirmation, and NegBench's multiple choice."""

from dataclasses import dataclass
from random import Random

from omninegclip.captions.compose import compose
from omninegclip.captions.english import article
from omninegclip.captions.lexicon import Noun
from omninegclip.captions.parse import Parse

HYBRIDS = (
    "{with_a} but no {b}",
    "this picture shows {with_a} but no {b}",
    "there is {with_a} here but there is no {b}",
    "{with_a} is visible but no {b} is",
)
POSITIVES = ("{with_a}", "this picture shows {with_a}", "there is {with_a} here", "{with_a} is visible")
NEGATIVES = ("no {b}", "this picture shows no {b}", "there is no {b} here", "no {b} is visible")
AFFIRMATIONS = ("with {with_b} nearby", "and {with_b}", "with {with_b} in sight", "next to {with_b}")


@dataclass(frozen=True, slots=True)
class Choice:
    """Four captions of which one is true, where it stands, and what it is: positive, negative or hybrid."""

    captions: tuple[str, ...]
    answer: int
    template: str


def swap(present: Noun, absent: Noun, rng: Random) -> tuple[str, str]:
    """Return "a dog but no ball", true of a dog without a ball, and "a ball but no dog", false of it."""
    template = rng.choice(HYBRIDS)
    return fill_in(template, present, absent), fill_in(template, absent, present)


def affirm(parse: Parse, absent: Noun, rng: Random) -> str:
    """Return the caption asserting what is absent: false, and without any word of negation."""
    words = fill_in(rng.choice(AFFIRMATIONS), absent, absent)
    return compose(parse, (parse.end, parse.end, words))


def multiple_choice(present: Noun, absent: Noun, rng: Random) -> Choice:
    """Return a question in NegBench's form (Alhamoud et al., CVPR 2025), its answer at a random place.

    The four are: one true caption of a random template; and three false ones that affirm the absent thing,
    deny the present one, or do both.
    """
    template, kind = rng.choice(((POSITIVES, "positive"), (NEGATIVES, "negative"), (HYBRIDS, "hybrid")))
    at = rng.randrange(len(HYBRIDS))
    true = fill_in(template[at], present, absent)
    false = [fill_in(each[at], absent, present) for each in (POSITIVES, NEGATIVES, HYBRIDS)]
    answer = rng.randrange(4)
    captions = [*rng.sample(false, 3)]
    captions.insert(answer, true)
    return Choice(tuple(captions), answer, kind)


def fill_in(template: str, a: Noun | None, b: Noun | None) -> str:
    """Return a template of this module with "a dog" and "ball" in it; None for a noun that it has not."""
    fields = {"with_a": _with_article(a)} if a else {}
    return template.format(**fields, **({"with_b": _with_article(b), "b": b.singular} if b else {}))


def _with_article(noun: Noun) -> str:
    return noun.plural if noun.always_many else f"{article(noun.singular)} {noun.singular}"
