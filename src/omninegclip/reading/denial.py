"""What one cue denies and what of the sentence goes with it, and the steps that all scopes share."""

import re
from typing import NamedTuple

from omninegclip.reading import words as table
from omninegclip.reading.noun_phrases import Span, acts, head, indefinite, is_plural, phrase_end
from omninegclip.reading.tokens import Tokens

# Words that lead to a denial and go with it: "and there is no dog", "who has no hat", "showing no cars".
LEADS = (
    table.HAVING_FORMS
    | table.BE
    | table.words(
        "has have had having with and but yet though while whereas although however plus also just or nor "
        "there completely totally entirely absolutely that which who whose where , ; : - – — ( clearly "
        "currently actually notably so can may being obviously even quite still now simply look looks "
        "when thus leaving except noticeably conspicuously definitely certainly please however "
        "surprisingly strangely despite"
    )
)
# What ends a denial and goes with it, from a word that was denied on.
_IMAGE = (
    "(?:image|picture|photo|photograph|scene|frame|shot|view|background|foreground|snapshot|composition|area"
    "|video|footage|clip|content|film|vicinity|surroundings?|environment|space)"
)
_TAIL = re.compile(
    rf"""(?:\s*,?\s*\b(?:
      (?:(?:is|are|was|were|be|being|(?:has|have)\sbeen|that\sis|that\sare|which\sis|to\sbe|can\sbe|could\sbe|may\sbe)\s+)?
      (?:clearly\s|actually\s|currently\s)?
      (?:(?:anywhere\s)?(?:in|on|around|near|by)\s(?:it|them)\b|visible|apparent|present|available|part\sof\s(?:it|(?:the|this)\s{_IMAGE})\b|seen|shown|showing(?=\s*(?:[.,;]|$|\s\w+ing\b))|pictured|depicted|found|featured|included|displayed|spotted|noticed|
         captured|observed|involved|taking\splace|going\son|to\sbe\s(?:seen|found|had|spotted)|in\s(?:sight|view|evidence)|(?:on\sboard|on\sdeck|aboard|above|below|behind|overhead)(?=\s*(?:[.,;]|$))|(?:anywhere\s)?nearby|close\sby(?=\s*(?:[.,;]|$))|around(?!\s(?:an?|the|its|his|him|her|their|us|me|you)\b)|anywhere|
         here(?!\s(?:is|are)\b)|there(?!\s(?:is|are|was|were)\b)|on\stop(?=\s*(?:[.,;]|$))|either|at\sall|left(?=\s*(?:[.,;]|$|\s(?:on|in)\b))|of\sany\s(?:kind|sort|type)|whatsoever|to\sspeak\sof|anymore|
         (?:anywhere\s)?(?:(?:with)?in|from)\s(?:it|(?:the|this|that)\s(?:(?:entire|whole|surrounding|immediate|black[\s-]and[\s-]white)\s)?{_IMAGE}\b(?:['’]s\sview)?(?!\s(?:of|with|where|showing|that|which|depicting|featuring)\b))|
         (?:anywhere\s)?(?:in|on|inside|around|near|beside|between|among|amongst|to\sgo\swith|under|over|at|behind|above|below|by|with|across|along|next\sto|on\stop\sof|in\sfront\sof|out\sof|inside\sof)\s(?:it|him|her(?!\s[a-z])|them|us|me|you|itself|himself|herself|themselves)\b|
         on(?=\s*(?:[.,;]|$|\s(?:and|but|is|are|who|that|in|at|while|(?!this\b)\w\w\w+(?:ing|s))\b))|
         inside(?=\s*(?:[.,;]|$))|exists?|appears?|remains?)
      |(?:is|are|was|were|does|do|did|can|could)(?=\s*(?:[.,;]|$))
    )(?![\w'-]))+""",
    re.VERBOSE | re.IGNORECASE,
)


_SAID_BY = ("it", "this", "one", "he", "she", "they")
_SHOWING = table.HAVING_FORMS - table.HAVE
_SHOWN = table.words("shown featured depicted displayed worn portrayed captured")
_VERBS = table.VERBS | table.MODALS
_SAID_OF_IT = table.BE | table.HAVE | {"lacks", "lacked"}


class Denial(NamedTuple):
    """The words that are cut, the texts denied, and what stands in place of what is cut."""

    cut: Span
    texts: tuple[str, ...]
    instead: str = ""


def lead_start(words: Tokens, at: int) -> int:
    """Return where the words begin that lead to the cue at `at`."""
    apart = False
    while at > 0:
        before = words[at - 1]
        apart = apart or before.tag in ",;:"
        if words[at].low in ("with", "without") and before.low in _SHOWING:
            break  # "a talk show with no guests": no verb of having stands before "with"
        if (apart and before.low in _SHOWING) or (before.tag == "N" and before.low in _VERBS):
            break  # "a talk show, however no dogs" keeps its show, "from a can, with no cup" its can
        if before.low in _SHOWN and words[at - 2].low in table.BE:
            break  # "a cup is shown but there is no plate"
        if before.low in _SAID_BY and at > 1 and (words[at].low in _SAID_OF_IT or words[at - 2].tag == "."):
            if words[at - 2].low not in LEADS and words[at - 2].tag != ".":
                break
        elif before.low not in LEADS:
            break
        at -= 1
    return at - 1 if words[at].low == "which" and words[at - 1].tag == "P" else at


def tail_end(words: Tokens, end: int) -> int:
    """Return where the words end that close a denial, such as "in sight" or "is visible"."""
    if end >= len(words):
        return end
    found = _TAIL.match(words.text, words[end - 1].end)
    if found is None or found.end() <= words[end - 1].end:
        return end
    return words.at_char(found.end())


def clause_end(words: Tokens, at: int) -> int:
    """Return where the clause around `at` ends: at a mark, "but", "while" and the like, or "and"."""
    start = at
    while at < len(words):
        word = words[at]
        if word.tag in ",;:.!?()" or word.low in _CLAUSE_ENDERS:
            break
        if word.low == "and" and not (words[at + 1].tag == "N" == words[at - 1].tag):
            break
        if word.low == "as" and _opens_clause(words, at + 1):
            break
        if (
            word.tag in ("V", "X")
            and word.low != "'s"
            and (words[at - 1].tag in ("N", "E") or _is_done_by_other(words, at, start))
            and words[at - 1].low not in table.RELATIVES
        ):
            break
        at += 1
    return at


def action_end(words: Tokens, at: int, *, instead: bool = False) -> int:
    """Return where the action that begins at `at` ends; where and when it isn't done stays affirmed.

    That is a place after its object, "not riding a mule | on the beach", while "not running on the beach" is
    denied with its place; and any time, "not running | during the storm". What is done `instead` of it is
    done there and then: "instead of running | at dawn", "instead of riding a mule | on a stage".
    """
    end = clause_end(words, at)
    aimed = words[at + 1].tag == "P" and words[at + 1].low not in _APART  # "stopping for pedestrians"
    if words[at + 1].low == "to" and words[at + 2].tag not in "DO" and not is_plural(words[at + 2].low):
        return end  # "allowed to play"
    done = phrase_end(words, at + 2 if aimed else at + 1)
    if aimed and done == at + 2:
        done = at + 1  # "lit up" has no object
    for place in range(max(done, at + 1), end - 1):
        if words[place].tag != "P":
            continue
        where = head(words.between(place + 1, phrase_end(words, place + 1)))
        # "lit at night" is one, "lit on a dark night" isn't
        dated = done > at + 1 or words[place + 1].tag == "D"
        if words[place].low in _WHEN or (words[place].low in _IN and where in _TIMES and (dated or instead)):
            return place
        there = where in _SETTINGS or (instead and words[place + 1].low not in table.POSSESSIVES)
        if place == done > at + 1 and words[place].low in _IN and there:
            return place
    return end


_IN = ("in", "on", "at")
_APART = ("in", "on", "at", "before", "after", "during")
_WHEN = table.words("before after during")
_TIMES = table.words(
    "afternoon evening morning day night winter summer autumn spring dawn dusk noon sunset sunrise midnight"
)
_SETTINGS = table.PLACES - table.words("air sky water dark background foreground winter night") | table.words(
    "path intersection square plaza hall harbour port pitch track"
)


_CLAUSE_ENDERS = table.words("but while whereas although though yet because")


def _opens_clause(words: Tokens, at: int) -> bool:
    """Tell whether a clause begins at `at`: "as it passes", "as dark clouds gather", unlike "as a clown"."""
    if words[at].tag == "O":
        return words[at + 1].tag in ("V", "N", "X")
    end = phrase_end(words, at)
    return end > at and (words[end].tag in ("V", "X") or (end > at + 1 and words[end - 1].low in _COMES))


_COMES = table.words("rises falls sets passes blows rise fall set pass blow wait waits shine")


def _is_done_by_other(words: Tokens, at: int, start: int) -> bool:
    """Tell whether the verb at `at` is another's: "who is not smiling holds a cup", not "holding drinks"."""
    before = words[at - 1]
    if before.tag == "V" and at > start:  # "who never smiles sits"
        return words[at].low.endswith("s")
    return (
        before.tag == "G"
        and before.low not in table.HAVING_FORMS
        and words[at + 1].tag in ("D", "P", "#", "O")
    )


def text_of(words: Tokens, span: Span) -> str:
    """Return the text to embed of a noun phrase in its place."""
    text = words.between(*span)
    if span.start == 0 and not text[:2].isupper():
        text = text[:1].lower() + text[1:]
    return indefinite(text)


def subject_before(words: Tokens, at: int) -> Span | None:
    """Return the noun phrase that the words before `at` are about: "a car" of "a car that | is not red"."""
    if words[at - 1].low in table.RELATIVES and at > 1:
        nearest = phrase_ending(words, at - 1)
        if nearest and _agrees(words, nearest, words[at - 1].low, words[at].low):
            start = clause_start(words, at - 1)
            first = Span(start, phrase_end(words, start))
            if not (_is_done_by_first(words, at, nearest, first) or _is_place_of(words, at, nearest, first)):
                return nearest
        at -= 1
    while at > 0 and words[at - 1].low in _JOINING:
        at -= 1
    start = clause_start(words, at)
    while (end := phrase_end(words, start)) == start or end > at:
        if start == 0:
            return phrase_ending(words, at)
        before = clause_start(words, start - 1)
        if before >= start:  # "there is" is passed over, so that this would go on for ever
            return phrase_ending(words, at)
        start = before
    if words[start - 1].low == "and" and _is_of_several(words, end):
        joined = clause_start(words, start - 1)
        if joined < phrase_end(words, joined) == start - 1:
            return Span(joined, end)  # "an actor and his wife do not"
    return Span(start, end)


def _is_of_several(words: Tokens, verb: int) -> bool:
    """Tell whether the verb is what several do after a singular: "a nun and a monk pose"."""
    if is_plural(words[verb - 1].low):
        return False
    return (
        words[verb].low in _MANY
        or words[verb].tag == "G"
        or (words[verb].tag == "V" and not words[verb].low.endswith("s"))
    )


def _is_done_by_first(words: Tokens, at: int, nearest: Span, first: Span) -> bool:
    """Tell whether a clause says what the first one named does: "a baby on a rug that isn't crying"."""
    said = at + 1
    while words[said].tag in ("not", "R", "F"):
        said += 1
    return (
        words[said].tag == "G"
        and first.start < first.end <= nearest.start
        and acts(head(words.between(*first)))
        and not acts(head(words.between(*nearest)))
    )


def _is_place_of(words: Tokens, at: int, nearest: Span, first: Span) -> bool:
    """Tell whether a relative clause is about what is in a place: "a pipe in the wood that isn't lit"."""
    if not first.start < first.end < nearest.start or words[nearest.start - 1].low not in _WHERE:
        return False
    if words[nearest.end - 1].low in _TIMES:
        return True  # "a hill in autumn that is not green"
    if words[at].low in table.BE and acts(head(words.between(*first))):  # "a man in the coat that is not red"
        return False
    return words[nearest.start].low == "the" and _agrees(words, first, words[at - 1].low, words[at].low)


_WHERE = table.words(
    "in on at over under near above below behind by along across through inside outside beside"
)
_ONE = table.words("is does has was")
_OF_ANY_NUMBER = table.words("sheep fish deer couple pair group crowd team staff police crew family band")
_MANY = table.words("are do have were")
_JOINING = (",", "(", "-", "and", "but", "just", "somewhere")


def _agrees(words: Tokens, span: Span, relative: str, verb: str) -> bool:
    """Tell whether a relative clause can be about a noun: "who" of a person, "is" of one thing."""
    noun = words[span.end - 1].low
    if relative == "who":
        person = noun.removesuffix("s") in table.ACTORS and noun.removesuffix("s") not in table.VEHICLES
        return person or noun in table.IRREGULAR_PLURALS
    if noun in _OF_ANY_NUMBER:
        return True
    return verb not in (_ONE if is_plural(noun) else _MANY)


_CLAUSE_STARTERS = table.CLAUSE_WORDS | {"and", "but", "or", "nor", "as"}


def clause_start(words: Tokens, at: int) -> int:
    """Return where the clause begins whose verb stands at `at`."""
    start = at
    while start > 0:
        word = words[start - 1]
        starts = word.low in _CLAUSE_STARTERS and (word.low != "as" or _opens_clause(words, start))
        if starts or word.tag in ",;:.!?()–—":
            break
        start -= 1
    if words[start].low == "there" and words[start + 1].low in table.BE:
        start += 2
    return start


def meant_by(words: Tokens, at: int) -> Span | None:
    """Return the noun phrase that the pronoun at `at` stands for, as far as number and kind tell."""
    first_end = phrase_end(words, 0)
    first = Span(0, first_end) if 0 < first_end <= at else None
    nearest = phrase_ending(words, at)
    low = words[at].low
    if low == "they" and first and not _is_of_things(words, at + 1) and (several := _who_act(words, first)):
        return several
    for span in (nearest, first):
        if span is None:
            continue
        noun = words[span.end - 1].low
        fits = is_plural(noun) if low == "they" else low == "it" or acts(noun)
        if fits and low == "they" and acts(noun) and "of" in words.lows(*span):
            return span._replace(start=span.start + words.lows(*span).index("of") + 1)  # "photos of models"
        if fits:
            return span
    return first or nearest or subject_before(words, at)


def _is_of_things(words: Tokens, at: int) -> bool:
    """Tell whether what is said from `at` is an attribute that things have: "are not ripe"."""
    while words[at].tag in ("X", "not", "R", "F"):
        at += 1
    return words[at].low in _OF_THINGS


_OF_THINGS = table.ADJECTIVES - table.words(
    "happy sad alone asleep awake alive tired hungry angry sick ready dead young old tall short busy fat"
)


def _who_act(words: Tokens, first: Span) -> Span | None:
    """Return the several who act that a sentence begins with: "two boys", "an actor and his son"."""
    noun = words[first.end - 1].low
    if not acts(noun):
        return None
    if words[first.end].low == "and" and (end := phrase_end(words, first.end + 1)) > first.end + 1:
        return Span(first.start, end)
    return first if is_plural(noun) else None


def phrase_ending(words: Tokens, end: int) -> Span | None:
    """Return the noun phrase that ends at `end`."""
    while words[end - 1].low in _JOINING:
        end -= 1
    start = end
    while start > 0 and (
        words[start - 1].tag in ("N", "D", "#", "E", "'s")
        or words[start - 1].low == "of"
        or (words[start - 1].tag == "G" and words[start - 2].tag in ("D", "#"))
    ):
        start -= 1
        if words[start].tag == "D" and words[start - 1].low != "of":
            break
    return Span(start, end) if start < end and phrase_end(words, start) == end else None
