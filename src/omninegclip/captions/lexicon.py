"""Which words name the same thing, a broader one, or imply it: "people" isn't absent where "a man" stands."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from omninegclip.captions.english import article, plural, words

WORD = re.compile(r"[a-z]+(?:[-'][a-z]+)*")
LINE = re.compile(r"([^=<~]+)(?:=([^<~]*))?(?:<([^~]*))?(?:~(.*))?")  # name = others < broader ~ implied
OBJECTS = words(
    "animal vehicle street furniture household electronics tableware food sport portable labelled"
)
GENERIC = words("people clothing")
# nouns of no concept behind which another noun only says of what kind: dog food, bus stop, monkey bars
HEADS = words(
    "stop stops statue statues toy toys costume costumes logo print prints shaped themed colored "
    "coloured bars bar juice sauce pie jam peel skin leather house houses ride rides show case cover "
    "seat seats stand stands ramp trail path crossing club rack racks shop service shelter terminal "
    "yard ranch keeper owner owners trainer lovers lover ornament ornaments decoration decorations "
    "drawing drawings cartoon picture pictures tattoo computer computers product products brand tree "
    "trees field fields parts part tail head heads collar treats gear equipment race races engine "
    "car cars lane lanes tracks track light lights and-white pattern pad pads lily lilies"
)
# "a toy train" is no train
LIKENESS = words("toy stuffed plush plastic inflatable miniature model fake lego origami cardboard ceramic")
LONGEST = 3
LEXICON = Path(__file__).with_name("lexicon.txt")
Names = frozenset[str]


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun as a caption writes it; scissors and skis have no singular of their own, cheese no plural."""

    singular: str
    plural: str
    countable: bool = True

    @classmethod
    def parse(cls, text: str) -> "Noun":
        """Return the noun of "dog", of "mouse/mice" with an irregular plural, or of "cheese/-" with none."""
        singular, _, irregular = text.strip().partition("/")
        if irregular == "-":
            return cls(singular, singular, countable=False)
        return cls(singular, irregular or plural(singular))

    @property
    def always_many(self) -> bool:
        """Return whether it is one of scissors and skis, not of sheep."""
        return self.countable and self.singular == self.plural and self.singular.endswith("s")

    def forms(self, many: bool) -> dict[str, str]:
        """Return the fields of a phrasing: the noun, the noun after "without", and its verb."""
        if not self.countable:
            return {"noun": self.singular, "a_noun": self.singular, "is": "is"}
        if many or self.always_many:
            return {"noun": self.plural, "a_noun": self.plural, "is": "are"}
        return {"noun": self.singular, "a_noun": f"{article(self.singular)} {self.singular}", "is": "is"}


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing that captions name: its kind, its broader concepts, and if it is seldom left unsaid.

    A generic one (a table, an animal) is in so many scenes that it neither tells one nor is missed in one.
    One of which only the plural is sure is called like something else: an orange like a color.
    """

    name: str
    kind: str
    noun: Noun
    salient: bool = False
    broader: Names = frozenset()
    generic: bool = False
    only_plural: bool = False


class Mentions(NamedTuple):
    """Concepts that a caption names, those it does not allow to call absent, and those it names for sure."""

    named: Names
    unsafe: Names
    sure: Names


class Lexicon:
    """Concepts by name, and what a caption mentions of them.

    Relation: `related[name]` is the concept itself with everything broader and narrower, since "an animal"
    may be a dog and a dog is an animal.
    """

    def __init__(
        self, concepts: Iterable[Concept], names: dict[str, set[str]], implied: dict[str, set[str]]
    ) -> None:
        """Index `names` and `implied`, which map a term of up to three words to concepts."""
        self.concepts = {concept.name: concept for concept in concepts}
        self.names = names
        self.implied = implied
        self.objects = {name: None for name, concept in self.concepts.items() if concept.kind in OBJECTS}
        self.related = self._relate()
        self._terms = {term: self._meaning(term) for term in names.keys() | implied.keys()}
        self._longest_of: dict[str, int] = {}  # by first word, for most words begin no term
        for term in self._terms:
            first = term.partition(" ")[0]
            self._longest_of[first] = max(self._longest_of.get(first, 1), min(LONGEST, term.count(" ") + 1))

    def mentions(self, caption: str) -> "Mentions":
        """Return what a caption names, what it names for sure, and what it does not allow to call absent.

        Of overlapping terms the longest counts: a hot dog is no dog. What is named for sure is named by a
        word that means nothing else, and is no part of a compound: an orange bicycle is no orange, an Apple
        computer no apple, a toy train no train, and a board may be of many kinds.
        """
        return _mentions(self, caption)

    def _read(self, caption: str) -> "Mentions":
        found = list(WORD.finditer(caption.lower()))
        words, at = [each[0].removesuffix("'s") for each in found], 0
        named: set[str] = set()
        unsafe: set[str] = set()
        sure: set[str] = set()
        while at < len(words):
            step, meaning = self._longest(words, at)
            if meaning:
                named |= meaning.named
                unsafe |= meaning.unsafe
                owner = found[at + step - 1][0].endswith("'s")  # may be a plural
                likeness = owner or (at > 0 and words[at - 1] in LIKENESS)
                joined = at + step < len(words) and found[at + step].start() == found[at + step - 1].end() + 1
                if meaning.sure and not likeness and not (joined and self._heads(words, at + step)):
                    sure |= meaning.sure
            at += step
        return Mentions(frozenset(named), frozenset(unsafe), frozenset(sure))

    def _longest(self, words: list[str], at: int) -> "tuple[int, Mentions | None]":
        for length in range(min(self._longest_of.get(words[at], 0), len(words) - at), 0, -1):
            if meaning := self._terms.get(" ".join(words[at : at + length])):
                return length, meaning
        return 1, None

    def _heads(self, words: list[str], at: int) -> bool:
        """Return whether a noun begins here, so that one before it only says of what kind it is."""
        if words[at] in HEADS:
            return True
        _, meaning = self._longest(words, at)
        return meaning is not None and any(self.concepts[name].kind != "activity" for name in meaning.named)

    def resolve(self, label: str) -> Names:
        """Return the concepts that an object label of a dataset names, none where the lexicon lacks it."""
        label = label.strip().lower().replace("_", " ")
        return frozenset({label}) if label in self.concepts else frozenset(self.names.get(label, ()))

    def resolve_all(self, labels: Iterable[str]) -> Names:
        """Return the concepts that several labels name."""
        return frozenset(name for label in labels for name in self.resolve(label))

    def extended(self, labels: Iterable[str]) -> "Lexicon":
        """Return a lexicon that also knows the labels of a dataset, each as an object of its own."""
        new = sorted({label.strip().lower().replace("_", " ") for label in labels} - self.names.keys() - {""})
        concepts = [Concept(label, "labelled", Noun.parse(label)) for label in new]
        names = self.names | {form: {c.name} for c in concepts for form in (c.noun.singular, c.noun.plural)}
        return Lexicon([*self.concepts.values(), *concepts], names, self.implied)

    def _relate(self) -> dict[str, set[str]]:
        related = {name: {name} for name in self.concepts}
        for concept in self.concepts.values():
            ancestors: set[str] = set()
            front = concept.broader
            while front:
                ancestors |= front
                front = frozenset().union(*(self.concepts[name].broader for name in front)) - ancestors
            for ancestor in ancestors:
                related[concept.name].add(ancestor)
                related[ancestor].add(concept.name)
        return related

    def _meaning(self, term: str) -> "Mentions":
        named = self.names.get(term, set())
        touched = named | self.implied.get(term, set())
        unsafe = frozenset().union(*(self.related[name] for name in touched))
        own = {
            name
            for name in named
            if term in (self.concepts[name].noun.singular, self.concepts[name].noun.plural)
        }
        sure = own or (named if len(named) == 1 else set())
        if any(self.concepts[name].only_plural and term == name for name in sure):
            sure = set()
        return Mentions(frozenset(named), unsafe, frozenset(sure))


@lru_cache(4096)
def _mentions(lexicon: Lexicon, caption: str) -> Mentions:
    """Return `Lexicon._read`: a caption is looked at several times in a row."""
    return lexicon._read(caption)


@cache
def english() -> Lexicon:
    """Return the lexicon that ships with the package."""
    kind = ""
    concepts: list[Concept] = []
    names: dict[str, set[str]] = {}
    implied: dict[str, set[str]] = {}
    for line in LEXICON.read_text("utf-8").splitlines():
        if line.startswith("["):
            kind = line.strip("[]")
        elif line and not line.startswith("#"):
            _read_line(line, kind, concepts, names, implied)
    return Lexicon(concepts, names, implied)


def _read_line(
    line: str, kind: str, concepts: list[Concept], names: dict[str, set[str]], implied: dict[str, set[str]]
) -> None:
    star, generic = "*" in line, "^" in line or kind in GENERIC
    parts = LINE.fullmatch(re.sub(r"[*^?]", "", line))
    assert parts is not None  # noqa: S101 (the file is ours)
    noun, other, broader, hints = parts.groups()
    named = Noun.parse(noun)
    concept = Concept(
        named.singular, kind, named, star, frozenset(_listed(broader)), generic, only_plural="?" in line
    )
    concepts.append(concept)
    for found, terms in ((names, [noun, *_listed(other)]), (implied, _listed(hints))):
        for term in map(Noun.parse, terms):
            for form in (term.singular, term.plural):
                found.setdefault(form, set()).add(concept.name)


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]
