"""A sentence as words with their classes, by tables and endings alone."""

import re
from functools import lru_cache
from typing import NamedTuple

from omninegclip.reading import words as table

_TOKEN = re.compile(
    r"[A-Za-z]+?(?=n['’]t\b)|n['’]t\b|can(?=not\b)|['’](?:s|re|ve|ll|d|m)\b"
    r"|[^\W_]+(?:[-_][^\W_]+)*|[^\w\s]",
    re.IGNORECASE,
)
# Contractions typed without the mark: a word in two.
_UNMARKED = {f"{verb}nt": verb for verb in ("is", "are", "was", "were", "does", "do", "did", "has", "would")}


_APART = re.compile(r"(?<=\w)\s(?:n['’]\s?t|['’]\s?(?:s|re|ve|ll))\b", re.IGNORECASE)


def joined(text: str) -> str:
    """Return a text whose contractions stand together again, as "is n't" and "it ' s" do in some captions."""
    return _APART.sub(lambda found: re.sub(r"\s", "", found[0]), text)


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


class Tokens:
    """The words of a sentence; beyond both ends stands a full stop."""

    def __init__(self, text: str) -> None:
        """Split and tag `text`."""
        self.text = text
        self.words: list[Word] = []
        for found in _TOKEN.finditer(text):
            low = found[0].lower().replace("’", "'")
            start, end = found.span()
            if low in _UNMARKED:
                cut = end - 2
                self.words.append(Word(_UNMARKED[low], start, cut, "X"))
                self.words.append(Word("not", cut, end, "not"))
            else:
                self.words.append(Word("not" if low == "n't" else low, start, end, _tag(low)))
        self._settle()

    def _settle(self) -> None:
        """Take "left", "right", "next" and "close" for nouns or adjectives where no "of" or "to" follows."""
        for at, word in enumerate(self.words):
            if word.low in table.SIDES and self[at + 1].low not in ("of", "to"):
                self.words[at] = word._replace(tag="N")

    def __len__(self) -> int:
        """Return how many words there are."""
        return len(self.words)

    def __getitem__(self, at: int) -> Word:
        """Return a word, or END for an index outside."""
        return self.words[at] if 0 <= at < len(self.words) else END

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


_CLASSES = (
    ("not", frozenset({"not", "n't"})),
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
def _tag(low: str) -> str:
    if known := _KNOWN.get(low):
        return known
    if not low[0].isalnum():
        return low if low[0] != "'" or len(low) == 1 else "'s"
    if low[0].isdigit():
        return "#"
    if low.endswith("ing") and len(low) > 4:
        return "G"
    if low.endswith("ed") and len(low) > 4:
        return "E"
    if low.endswith("ly") and len(low) > 4 and low not in {"family", "butterfly", "belly", "jelly", "fly"}:
        return "R"
    return "N"
