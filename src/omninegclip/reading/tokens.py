"""A sentence as words with their classes, by tables and endings alone."""

import re
from functools import lru_cache
from typing import NamedTuple

from omninegclip.reading import words as table

_TOKEN = re.compile(
    r"[^\W_]+(?:[-_][^\W_]+)*(?:(?<=n)['’]t\b)?|['’](?:s|re|ve|ll|d|m)\b|[^\w\s]", re.IGNORECASE
)
# Contractions typed without the mark.
_UNMARKED = re.compile(r"\b(?:is|are|was|were|does|do|did|has|have|would)nt\b", re.IGNORECASE)
_APART = re.compile(r"(?<=\w)\s(?:n['’]\s?t|['’]\s?(?:s|re|ve|ll))\b", re.IGNORECASE)
_QUOTED_WHOLE = re.compile(r"""\s*(?:["“]([^"“”]*)["”]|'([^']*)')\s*[.]?\s*(?:[#(|].*)?""", re.DOTALL)
_QUOTES = ('"', "“", "'")
_WITHOUT = re.compile(r"(?<!\S)w/o(?:ut)?(?=\s)", re.IGNORECASE)
_FAILS = re.compile(r"\b(?:fails\sto|fail\sto|failed\sto)\b", re.IGNORECASE)
_SEEMS = re.compile(
    r"(?<=\bthere\s)(?:do(?P<one>es)?(?P<no>n['’]t|\snot)\s)?(?:seem|appear)(?P<alone>s)?\sto\sbe\b",
    re.IGNORECASE,
)
_DOES_NOT = {"fails to": "does not", "fail to": "do not", "failed to": "did not"}


def joined(text: str) -> str:
    """Return a text as it is spoken plainly.

    Quoted as a whole it isn't, "w/o" is "without", "is n't" and "isnt" are "isn't", "fails to" is "does
    not", and "there doesn't seem to be" is "there is not".
    """
    low = text.lower()
    if "nt" in low:
        text = _UNMARKED.sub(lambda found: f"{found[0][:-1]}'{found[0][-1]}", text)
    if " to be " in low:
        text = _SEEMS.sub(_is_there, text)
    if "fail" in low:
        text = _FAILS.sub(lambda found: _DOES_NOT[" ".join(found[0].lower().split())], text)
    if text.lstrip()[:1] in _QUOTES and (whole := _QUOTED_WHOLE.fullmatch(text)):
        text = whole[1] or whole[2] or ""
    if "w/o" in low:
        text = _WITHOUT.sub("without", text)
    if "'" not in text and "’" not in text:
        return text
    return _APART.sub(lambda found: re.sub(r"\s", "", found[0]), text)


def _is_there(found: re.Match[str]) -> str:
    """Return "is not" for the "doesn't seem to be" that `_SEEMS` finds, "are" for "seem to be"."""
    return f"{'is' if found['one'] or found['alone'] else 'are'}{' not' if found['no'] else ''}"


class Word(NamedTuple):
    """One word or mark.

    `tag` is D determiner, # number, P preposition, C coordinator, S clause word, V verb, X auxiliary,
    G ending in -ing, E participle, R adverb, F "just" and the like, O pronoun, N noun or adjective, or the
    mark itself.
    """

    low: str
    start: int
    end: int
    tag: str


END = Word("", -1, -1, ".")


class Tokens(dict[int, Word]):
    """The words of a sentence by their number; beyond both ends stands a full stop."""

    def __init__(self, text: str) -> None:
        """Split and tag `text`."""
        self.text = text
        self.words = _settled(_split(text))
        super().__init__(enumerate(self.words))

    def __missing__(self, at: int) -> Word:
        """Return END for a number outside."""
        return END

    def lows(self, start: int, end: int) -> list[str]:
        """Return the words of a span in lower case."""
        return [word.low for word in self.words[start:end]]

    def between(self, start: int, end: int) -> str:
        """Return the text of the words from `start` to before `end`."""
        if start >= end:
            return ""
        return self.text[self.words[start].start : self.words[end - 1].end]

    def at_char(self, char: int) -> int:
        """Return the number of the first word that begins at or after a character."""
        low, high = 0, len(self.words)
        while low < high:
            middle = (low + high) // 2
            if self.words[middle].start < char:
                low = middle + 1
            else:
                high = middle
        return low


def _split(text: str) -> list[Word]:
    """Return the words of a text with their classes; a "not" joined to another word is one by itself."""
    words: list[Word] = []
    for found in _TOKEN.finditer(text):
        start, end = found.span()
        low, kind, denying = _classed(found[0])
        words.append(Word(low, start, end - denying, kind))
        if denying:
            words.append(Word("not", end - denying, end, "not"))
    return words


def _settled(words: list[Word]) -> list[Word]:
    """Take for nouns what stands where nouns do: "no jump rope", "a can opener", "the left hand"."""
    before, last = END, len(words) - 1
    for at, word in enumerate(words):
        if word.tag in _MAYBE_NOUNS:
            if _is_noun(word, before, words[at + 1] if at < last else END):
                words[at] = word._replace(tag="N")
        elif (
            word.tag == "N"
            and 0 < at < last
            and (words[at + 1].tag in _AFTER_VERBS or before.low in table.ACTORS)
            and (tag := _acting(words, at)) != "N"
        ):
            words[at] = word._replace(tag=tag)
        before = words[at]
    return words


def _acting(words: list[Word], at: int) -> str:
    """Return the class of what is a noun by the tables and may be an action in its place.

    It follows who does it, as "glides" of "a skater glides past" and "line" of "trees line the street", or
    "and", as in "and overlooks the bay", or a denial, as in "never crossing a road".
    """
    low, before, after = words[at].low, words[at - 1], words[at + 1]
    if before.low in _UNDOING:
        return "G" if after.tag in ("D", "O") and low in table.NOUNS_IN_ING else "N"
    if after.low in table.VERBS_BEFORE.get(low, ()):
        return "V"
    if after.low in ("of", "than"):
        return "N"
    third = _ends_in_s(low)
    if before.low == "and":
        return "V" if third and after.tag == "D" else "N"
    if before.tag != "N" or before.low in ("no", "neither"):
        return "N"
    if third:
        return "N" if low in _ONLY_PLURAL or _is_compound(words, at) else "V"
    if after.tag not in _AFTER_VERBS:
        return "N"
    if before.low in table.ACTORS:
        many = after.tag == "D" and words[at - 3].low == "and" and at > 3 and words[at - 2].tag == "D"
    else:
        many = before.low in _ACTING or (
            _ends_in_s(before.low) and (after.tag == "D" or low in _ACTS_OF_THINGS)
        )
    return "V" if many and _may_be_base(low) else "N"


def _ends_in_s(low: str) -> bool:
    """Tell whether a word is a plural or a third person by its ending."""
    return (
        low.endswith("s")
        and len(low) > 2
        and not low.endswith(("ss", "us"))
        and low not in table.SINGULAR_IN_S
    )


def _may_be_base(low: str) -> bool:
    """Tell whether what looks like a noun may be what several do."""
    return not low.endswith(("ing", "ed")) and not _ends_in_s(low) and low not in _NO_ACTIONS


def _is_compound(words: list[Word], at: int) -> bool:
    """Tell whether a noun in -s belongs to the one before it: "on train tracks", unlike "a train passes"."""
    start, actor, certain = at - 1, words[at - 1].low, words[at + 1].tag in ("D", "O")
    while start > 0 and (
        words[start - 1].tag in "NE"
        or (words[start - 1].tag == "G" and start > 1 and words[start - 2].tag == "D")
    ):
        if not certain and _ends_in_s(words[start].low):
            return True
        start -= 1
        if words[start].low == "no":
            return not certain
    opener = words[start - 1] if start else END
    if words[at + 1].tag not in _AFTER_VERBS:  # "an actor signs autographs", "actor signs autographs"
        doer = opener.low in ("a", "an") or (opener.tag in _CLAUSE_STARTS and actor.endswith(_DOERS))
        return words[at + 1].tag != "N" or actor in _IN_NAMES or not doer
    if opener.low in ("a", "an", "one"):
        return not certain and _ends_in_s(actor)
    if opener.tag in _BEFORE_OBJECTS or actor not in table.ACTORS:
        return opener.tag in _BEFORE_OBJECTS or not certain
    return not certain and not actor.endswith(_DOERS)


_UNDOING = table.words("not never without than")
_ACTING = frozenset(f"{actor}s" for actor in table.ACTORS) | table.words("people men women children")
_AFTER_VERBS = frozenset("PDO")
_BEFORE_OBJECTS = frozenset("PVGX#")
_ACTS_OF_THINGS = table.words(
    "rise hang grow burn lead float shine blow fall melt drip stick flow block cover bloom glow dangle sway"
)
_CLAUSE_STARTS = frozenset(",;.CS")
_IN_NAMES = table.VEHICLES | table.words("king queen prince princess model")
_ONLY_PLURAL = table.words("sports glasses kids mens womens ladies")
_DOERS = ("er", "or", "ist", "ian", "person", "couple")
_NO_ACTIONS = table.ADJECTIVES | table.words(
    "stuck aboard alike ahead high low barefoot afloat ashore aloft due clad dressed worth out no all"
)


_MAYBE_NOUNS = frozenset("PVXER")


def _is_noun(word: Word, before: Word, after: Word) -> bool:
    """Tell whether a word is a noun in its place, though it mostly is a verb, an adverb or a participle."""
    if word.low == "can" and before.low in _CANS:
        return True
    if word.tag == "P":  # "left", "right", "next" and "close" without "of" or "to"
        remaining = word.low == "left" and before.tag == "N" and after.tag in ".,;PC"  # "no cake left"
        near = word.low == "close" and after.low == "by"
        return word.low in table.SIDES and after.low not in ("of", "to") and not (remaining or near)
    if word.tag == "V" and word.low.endswith("s"):  # "without drinks", "no plates or drinks"
        last = before.low in ("or", "nor") and after.tag in (".", ",", ";", "C", "P")
        if before.low in _BEFORE_PLURALS or last:
            return True
    if word.low == "back" and before.low in table.POSSESSIVES:
        return True
    if word.low == "show" and _ends_in_show(before):
        return True
    if word.tag == "V" and after.tag in _CLAUSE_ENDS and _ends_compound(word.low, before):
        return True
    if before.low not in _BEFORE_NOUNS:  # "a watering can is", "displays are"
        named = word.low in ("can", "set") or (word.tag == "V" and before.low not in table.RELATIVES)
        return after.low in ("is", "are", "was", "were") and named
    if word.tag in "VX":
        if before.low == "nor" and word.tag == "X":  # "nor does it show"
            return False
        return word.low not in table.BE and not word.low.startswith("'")
    return (word.tag == "E" or word.low in ("present", "back")) and after.tag not in ("N", "G", "E", "#", "R")


def _ends_in_show(before: Word) -> bool:
    """Tell whether "show" is a noun by the word before: "a fashion show", not "two photos show"."""
    if before.tag == "D":
        return before.low not in _SHOWING_ALONE
    singular = not before.low.endswith("s") or before.low in ("awards", "sports", "news", "lights")
    return before.tag == "N" and singular and before.low not in table.IRREGULAR_PLURALS


def _ends_compound(low: str, before: Word) -> bool:
    """Tell whether a base form is a noun after a singular that does nothing: "a music stand"."""
    singular = before.tag == "N" and not _ends_in_s(before.low) and before.low not in table.IRREGULAR_PLURALS
    return singular and not low.endswith("s") and before.low not in _COLLECTIVE and low not in _NEVER_NOUNS


_CLAUSE_ENDS = frozenset(".,;CX")
_COLLECTIVE = table.ACTORS | table.words("pair group team band herd flock bunch livestock lot number")
_NEVER_NOUNS = table.PRESENT | table.words("sat stood walked ran rode ate held looked wore jumped lay became")
_SHOWING_ALONE = table.words("these those both all some many most few several each")
_CANS = table.words("trash garbage rubbish watering soda beer paint tin gas oil spray milk")
_BEFORE_PLURALS = table.words("without of lacking lacks holding wearing wear hold show showing neither not")
_BEFORE_NOUNS = frozenset(("no", "a", "an", "the", "any", "nor"))
_CLASSES = (
    ("not", frozenset({"not", "n't", "never"})),
    ("X", table.AUXILIARIES),
    ("C", table.COORDINATORS),
    ("#", table.NUMBERS),
    ("D", table.DETERMINERS - {"that", "single"}),
    ("S", table.CLAUSE_WORDS - {"as"}),
    ("P", table.PREPOSITIONS),
    ("O", table.PRONOUNS),
    ("F", table.FOCUS),
    ("R", table.ADVERBS),
    ("E", table.PARTICIPLES),
    ("N", table.COLOURS | table.NOUNS_IN_ED | table.NOUNS_IN_ING),
    ("V", table.VERBS),
)
_KNOWN = {word: tag for tag, members in reversed(_CLASSES) for word in members}


@lru_cache(maxsize=65536)
def _classed(text: str) -> tuple[str, str, int]:
    """Return a word in lower case, its class, and how many of its last characters are a "not" of its own."""
    low = text.lower().replace("’", "'")
    denying = 3 if low == "cannot" or low.endswith("n't") else 0
    if denying and denying < len(low):
        low = low[:-denying]
        return low, tag_of(low), denying
    return ("not", "not", 0) if denying else (low, tag_of(low), 0)


@lru_cache(maxsize=65536)
def tag_of(low: str) -> str:
    """Return the class of a word in lower case."""
    if known := _KNOWN.get(low):
        return known
    if not low[0].isalnum():
        return low if low[0] != "'" or len(low) == 1 else "'s"
    if low[0].isdigit():
        return "#"
    if low.endswith("ing") and len(low) > 4 and low.rpartition("-")[2] not in table.NOUNS_IN_ING:
        return "G"
    if low.endswith("ed") and len(low) > 4:
        return "E"
    if low.endswith("ly") and len(low) > 4 and not low.endswith(table.NOUNS_IN_LY):
        return "R"
    return "N"
