"""Noun phrases: where one ends, how several are listed, and how one is said as a text to embed."""

import re
from functools import lru_cache
from typing import NamedTuple

from omninegclip.captions.english import article
from omninegclip.reading import words as table
from omninegclip.reading.tokens import Tokens, tag_of

_EMPTY = re.compile(
    r"^(?:(?:a |any |the )?(?:single |slightest |visible |usual )?"
    r"(?:signs?|traces?|hints?|glimpses?|evidence|indications?|presence|sight|sort|kinds?|types?|"
    r"forms?|piece) of )+",
    re.IGNORECASE,
)
_LEADING = re.compile(
    r"^(?:(?:any of the following:?|any(?: of)?(?: the| these| those)?(?: other| more)?|a single"
    r"|even(?: a single)?|single|another|other|the|this|these|those|that|such|either|both|much|many|its|his"
    r"|her|their|my|your|our|all|all the|every|each|a lot of|lots of|visible|usual"
    r"|one(?!\s+(?:else|on|in|at|\w+ing)\b))\s+)+(?=\S)",
    re.IGNORECASE,
)
_SOMEBODY = {"one": "a person", "nobody": "a person", "anyone": "a person", "anybody": "a person",
             "someone": "a person", "somebody": "a person", "anything": "something", "nothing": "something",
             "noone": "a person", "no-one": "a person", "no one": "a person", "none": "something",
             "soul": "a person", "else": "something else", "thing": "something",
             "anything else": "something else",
             "one else": "another person", "anyone else": "another person",
             "anybody else": "another person", "nobody else": "another person"}  # fmt: skip


class Span(NamedTuple):
    """Words from `start` to before `end`."""

    start: int
    end: int


def phrase_end(words: Tokens, start: int) -> int:
    """Return where the noun phrase that begins at `start` ends; `start` itself where none begins."""
    end = _part_end(words, start)
    while end > start and words[end].low == "of" and (further := _part_end(words, end + 1)) > end + 1:
        end = further
    return end


def _part_end(words: Tokens, start: int) -> int:
    """Return where a noun phrase ends, or its part before "of"."""
    at, noun = start, False
    while words[at].tag in ("D", "#") or (words[at].low == "single" and not noun):
        at += 1
    if words[at].low in ("lot", "lots", "pair", "pairs") and words[at + 1].low == "of":
        at += 2
    while True:
        word, after = words[at], words[at + 1]
        if (
            (word.tag == "N" and word.low not in _NO)
            or (word.tag == "#" and (noun or _is_name(words, at)))
            or _is_activity(words, at, noun)
        ):
            noun = True
        elif word.tag == "O" and not noun and word.low not in ("there", "it"):
            return at + (2 if after.low == "else" else 1)
        elif (
            (word.tag in ("G", "E", "R") and not noun and after.tag in ("N", "G", "E", "#"))
            or (noun and after.tag == "N" and (word.tag == "E" or word.low == "looking"))
            or (noun and word.tag == "G" and after.tag == "X" and after.low not in table.MODALS)
        ):
            pass
        elif (word.low in ("and", "or", ",") and _joins_adjectives(words, at)) or (
            word.low == "'s" and noun and after.tag in ("N", "E", "G")
        ):
            noun = False
        else:
            if at == start + 1 and words[start].low == "one" and word.low == "else":
                return at + 1
            counted = at > start and (words[at - 1].low == "one" or _is_name(words, at - 1))
            return at if noun or counted else start
        at += 1


_NO = ("no", "neither")


def _is_name(words: Tokens, at: int) -> bool:
    """Tell whether a number stands for a thing, as in "no 757-300" and "no Boeing 747"."""
    low = words[at].low
    return "-" in low or words[at - 1].tag == "G" or (low.isdigit() and len(low) > 2)


_OPENING_CLAUSES = table.words(", but while and though although whereas yet with ;")


def _is_activity(words: Tokens, at: int, noun: bool) -> bool:
    """Tell whether a word in -ing is what is or is not there: "no singing", "fighting is absent"."""
    if noun or not words[at].low.endswith("ing") or words[at].tag not in ("G", "E"):
        return False
    before, after = words[at - 1].low, words[at + 1]
    if after.tag in ("N", "G", "#", "D", "O"):
        return False
    if before in ("no", "any", "the", "a", "an", "without"):
        return True
    if after.tag == "E":
        return False
    if before in table.HAVING_FORMS or before in ("excluding", "or", "nor"):
        return True
    then = words[at + 2] if after.tag == "R" and after.low not in table.PRESENT else after
    return (then.tag == "X" or then.low in ("absent", "missing")) and (at == 0 or before in _OPENING_CLAUSES)


def _joins_adjectives(words: Tokens, at: int) -> bool:
    """Tell whether "and" stands as in "red and green flowers"."""
    before, after, then = words[at - 1], words[at + 1], words[at + 2]
    return (
        before.low in table.ADJECTIVES
        and after.low in table.ADJECTIVES
        and (then.tag == "N" or then.low in ("and", ","))
    )


def listed(words: Tokens, start: int, glue: frozenset[str]) -> list[Span]:
    """Return the noun phrases of a list such as "cars, people or dogs" that begins at `start`.

    `glue` are the words that go on with the list; a comma does where one of them follows later.
    """
    spans: list[Span] = []
    at = start
    while (end := phrase_end(words, at)) > at:
        spans.append(Span(at, end))
        step = _next_item(words, end, glue)
        if step is None:
            break
        at = step
    return spans


def _next_item(words: Tokens, end: int, glue: frozenset[str]) -> int | None:
    """Return where the next item of a list begins whose last one ended at `end`."""
    word = words[end]
    if word.low in glue:
        return _after_glue(words, end + 1)
    if word.low != ",":
        return None
    if words[end + 1].low in glue:
        return _after_glue(words, end + 2)
    item = phrase_end(words, end + 1)
    if item == end + 1:
        return None
    if _goes_on(words, item, glue):
        return end + 1
    return None


def _goes_on(words: Tokens, end: int, glue: frozenset[str]) -> bool:
    """Tell whether a list reaches a word of `glue` from the end of one of its items."""
    while words[end].low == ",":
        if words[end + 1].low in glue:
            return phrase_end(words, end + 2) > end + 2
        item = phrase_end(words, end + 1)
        if item == end + 1:
            return False
        end = item
    return words[end].low in glue and phrase_end(words, end + 1) > end + 1


def _after_glue(words: Tokens, at: int) -> int | None:
    if words[at].low in _OPPOSITES and words[at + 1].low == "of":
        return None  # "free of cars and full of people"
    return at if phrase_end(words, at) > at else None


_OPPOSITES = ("full", "free", "empty", "void")


def is_plural(noun: str) -> bool:
    """Tell whether a noun in lower case is a plural, by its ending."""
    last = noun.rpartition("-")[2]
    if last in table.IRREGULAR_PLURALS:
        return True
    return last.endswith("s") and not last.endswith(("ss", "us")) and last not in table.SINGULAR_IN_S


_AFTER_HEAD = re.compile(r"\s(?:of|with|in|on|at|that|who|which|for)\s")


@lru_cache(maxsize=65536)
def head(phrase: str) -> str:
    """Return the noun that a phrase is about, in lower case: "bottle" of "a green bottle of wine"."""
    before = _AFTER_HEAD.split(phrase, maxsplit=1)[0]
    return before.rpartition(" ")[2].lower()


def acts(noun: str) -> bool:
    """Tell whether a noun names somebody or something that can do what a participle after it says."""
    return noun in table.ACTORS or noun.removesuffix("s") in table.ACTORS or noun in _SEVERAL_WHO_ACT


_SEVERAL_WHO_ACT = table.words(
    "people men women children anyone anybody nobody policemen firemen fishermen businessmen gentlemen"
)


def bare(phrase: str) -> str:
    """Return a phrase without article, and without "any", "a single", "sign of" and the like."""
    return re.sub(r"^(?:an?)\s+(?=\S)", "", _filled(phrase), flags=re.IGNORECASE)


def _filled(phrase: str) -> str:
    """Return a phrase without words before its noun that name nothing."""
    phrase = re.sub(r"\s+", " ", phrase.strip())
    before = None
    while before != phrase:
        before = phrase
        phrase = _EMPTY.sub("", phrase)
        phrase = _LEADING.sub("", phrase)
    return phrase


_COUNTS = table.NUMBERS | {"some", "several", "few"}


@lru_cache(maxsize=65536)
def indefinite(phrase: str) -> str:
    """Return a phrase as a text to embed: "a dog" for "dog", "the dog" and "a single dog"; "dogs" stays."""
    core = bare(phrase)
    if not core:
        return ""
    if core.lower() in _SOMEBODY:
        return _SOMEBODY[core.lower()]
    first, _, rest = core.partition(" ")
    if first.lower() in _SOMEBODY and rest:
        return f"{_SOMEBODY[first.lower()]} {rest}"
    if first.lower() in _COUNTS or first[:1].isdigit():
        return core
    noun = head(core)
    if " " not in core and tag_of(noun) == "G":
        return core
    if is_plural(noun) or noun in table.PRONOUNS:
        return core
    if (noun in table.MASS or noun in table.COLOUR_NAMES) and not re.match(
        r"an?\s", _filled(phrase), re.IGNORECASE
    ):
        return core
    return f"{article(core)} {core}"
