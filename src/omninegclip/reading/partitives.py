"""Denials about what was named before: "two dogs, neither of them brown", "a bike that nobody is riding"."""

import re

from omninegclip.captions.english import base_form, gerund
from omninegclip.reading import words as table
from omninegclip.reading.denial import (
    Denial,
    action_end,
    clause_end,
    lead_start,
    phrase_ending,
    subject_before,
    text_of,
)
from omninegclip.reading.noun_phrases import Span, acts, bare, head, indefinite, is_plural, phrase_end
from omninegclip.reading.tokens import Tokens

IS_OR_HAS = table.BE | table.HAVE
_THEM = table.words("them which whom these those it us")


def none_of(words: Tokens, at: int, after: int) -> Denial | None:
    """Read "neither of them brown", "none of the people wear hats", "none of the vehicles is a car"."""
    alone = words[after].low in IS_OR_HAS or (
        (words[after].low.endswith("ing") or words[after].tag in ("P", "V"))
        and words[at].low == words[after - 1].low
    )
    if alone or (words[after].low in _THEM and phrase_end(words, after) <= after + 1):
        verb = after if alone else after + 1  # "but none are", "none of them are"
        subject, start = _several_before(words, at, verb), lead_start(words, at)
    else:
        end = phrase_end(words, after)
        verb, subject, start = end, Span(after, end), at
        if end == after:  # "three dogs, none of the three is brown"
            while words[verb].tag in ("D", "#"):
                verb += 1
            subject, start = _several_before(words, at, verb), lead_start(words, at)
            if subject is None or verb == after:
                return None
        while words[verb].tag == "P" and phrase_end(words, verb + 1) > verb + 1:
            verb = phrase_end(words, verb + 1)
    end = clause_end(words, verb + 1)
    if verb >= len(words) or words[verb].tag in ",;:.!?":
        if subject is None or subject.start != after or words[at - 1].low not in ("but", "and"):
            return None
        return Denial(Span(lead_start(words, at), verb), (text_of(words, subject),))  # "but none of the dogs"
    texts = (_denied_of(words, subject, verb, end),)
    if subject and subject.start == after and start == 0 and words[verb].low not in table.BE:
        return Denial(Span(verb, end), texts)
    return Denial(Span(start, end), texts)


def _several_before(words: Tokens, at: int, verb: int) -> Span | None:
    """Return the noun phrase that "them" means: the nearest plural, or who the clause is about.

    At `verb` begins what is said of them: who does something is the nearest that can.
    """
    nearest, first = phrase_ending(words, at), subject_before(words, at) or _first(words, at)
    doing = words[verb + 1 if words[verb].low in table.BE else verb].tag == "G"
    if doing and nearest and first and acts(_last(words, first)) and not acts(_last(words, nearest)):
        nearest = first
    for span in (nearest, first):
        if span and is_plural(words[span.end - 1].low):
            return span
    return nearest or first


def _last(words: Tokens, span: Span) -> str:
    return words[span.end - 1].low


def _first(words: Tokens, at: int) -> Span | None:
    """Return the noun phrase that a sentence begins with, if it ends before `at`."""
    end = phrase_end(words, 0)
    return Span(0, end) if 0 < end <= at else None


def _denied_of(words: Tokens, subject: Span | None, verb: int, end: int) -> str:
    """Return what the words from `verb` to `end` say of a subject, as "brown dogs"."""
    if words[verb].low in table.BE:
        verb += 1
    if words[verb].tag in ("D", "#") and phrase_end(words, verb) > verb:
        return text_of(words, Span(verb, phrase_end(words, verb)))
    said = words.between(verb, end)
    if words[verb].tag in ("N", "V", "X") and words[verb].low not in table.ADJECTIVES and end > verb + 1:
        said = f"{gerund(base_form(words[verb].low))} {words.between(verb + 1, end)}"
    if subject is None:
        return said
    core = " ".join(
        word for word in bare(text_of(words, subject)).split() if word.lower() not in table.NUMBERS
    )
    if end == verb + 1 and words[verb].tag in ("N", "E"):
        return indefinite(f"{said} {core}")
    return f"{indefinite(core)} {said}"


def done_to(words: Tokens, at: int, after: int) -> Denial | None:
    """Read "a bike that nobody is riding": what nobody does to the thing before."""
    start = at - 1 if words[at - 1].low in table.RELATIVES else at
    subject = phrase_ending(words, start) if start == at else subject_before(words, at)
    end = clause_end(words, after + 1)
    verb = after + 1 if words[after].low in table.BE else after
    if subject is None or verb >= end or words[start - 1].tag in ",;C" or words[end - 1].tag == "D":
        return None
    last = end - 1
    transitive = last == verb or words[last].tag == "P" or words[last].low == "on"
    if not transitive or words[verb].tag not in ("G", "V", "N"):
        return None
    said = (
        words.between(verb, end)
        if words[verb].tag == "G"
        else (f"{gerund(base_form(words[verb].low))} {words.between(verb + 1, end)}".strip())
    )
    return Denial(Span(start, end), (f"a person {said} {text_of(words, subject)}",))


def neither_nor(words: Tokens, at: int, after: int) -> Denial | None:
    """Read "a cat that is neither black nor white", "a man neither smiling nor frowning"."""
    end = action_end(words, after) if words[after].tag == "G" else clause_end(words, after)
    items, begin = [], after
    for place in range(after, end + 1):
        if place == end or words[place].low in ("nor", "or"):
            items.append(Span(begin, place))
            begin = place + 1
    verb = at - 1 if words[at - 1].low in table.BE else at
    start = verb - 1 if words[verb - 1].low in table.RELATIVES else verb
    said = verb < at and words[verb - 1].low != "there"
    kinds = {_kind(words, item, said) for item in items}
    subject = phrase_ending(words, start)
    if "action" in kinds and not (subject and acts(head(words.between(*subject)))):
        subject = subject_before(words, start) or subject
    if subject is None or len(kinds) != 1 or None in kinds:
        return None
    core = bare(text_of(words, subject))
    if kinds <= {"action", "place"}:
        texts = tuple(f"{indefinite(core)} {words.between(*item)}" for item in items)
    else:
        texts = tuple(indefinite(f"{words.between(*item)} {core}") for item in items)
    return Denial(Span(start, end), texts)


def _kind(words: Tokens, item: Span, said: bool) -> str | None:
    """Tell whether words are an action, a place or an attribute, None for others; `said` is after "is"."""
    if item.end <= item.start:
        return None
    word = words[item.start]
    if word.tag in ("G", "P"):
        return "action" if word.tag == "G" else "place"
    named = word.tag != "N" or is_plural(word.low) or word.low in table.MASS or acts(word.low)
    thing = word.tag != "E" and (not said or named)
    return "attribute" if item.end == item.start + 1 and (word.low in table.ADJECTIVES or not thing) else None


def other_ones(words: Tokens, text: str, at: int) -> str:
    """Return a text whose "ones" is named: "black cats" for the "black ones" of "cats but not black ones".

    The denial begins at `at`.
    """
    rest, _, last = text.rpartition(" ")
    if last not in _ONES or not rest or not (first := phrase_end(words, 0)):
        return text
    beginning = head(_OTHER.sub("", words.between(0, first)))
    noun = _contrasted(words, at, last, acts(beginning)) or beginning
    if last == "ones" and not is_plural(noun):
        noun = f"{noun}s"
    return indefinite(f"{bare(rest)} {noun}")


def _contrasted(words: Tokens, at: int, one: str, held: bool) -> str | None:
    """Return the nearest noun before `at` that "one" or "ones" may stand for: "a tan coat, not a red one".

    It has an adjective, or what somebody has, `held`, is meant rather than them.
    """
    while at > 0:
        span = phrase_ending(words, at)
        at = span.start if span else at - 1
        if span is None or is_plural(words[span.end - 1].low) != (one == "ones"):
            continue
        described = any(
            word.low in table.ADJECTIVES or word.tag == "E" for word in words.words[span.start : span.end - 1]
        )
        if described or (held and words[at - 1].low in _HOLDING):
            return head(words.between(*span))
    return None


_ONES = ("one", "ones")
_OTHER = re.compile(r"\s(?:other|rather)$")
_HOLDING = table.HAVING_FORMS | {"with", "in"}
