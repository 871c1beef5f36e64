"""Which words name the same thing, a broader one, or imply it: "people" isn't absent where "a man" stands."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from omninegclip.captions.english import article, plural, words

WORD = re.compile(r"[a-z]+(?:[-'][a-z]+)*")
LINE = re.compile(r"([^=<~]+)(?:=([^<~]*))?(?:<([^~]*))?(?:~(.*))?")  # name = others < broader ~ implied
OBJECTS = words(
    "animal vehicle street furniture household electronics tableware food sport portable labelled"
)
LONGEST = 3
LEXICON = Path(__file__).with_name("lexicon.txt")
Names = frozenset[str]


@dataclass(frozen=True, slots=True)
class Noun:
    """A countable noun as a caption writes it; scissors and skis have no singular of their own."""

    singular: str
    plural: str

    @classmethod
    def parse(cls, text: str) -> "Noun":
        """Return the noun of "dog", or of "mouse/mice" where the rules of English don't give the plural."""
        singular, _, irregular = text.strip().partition("/")
        return cls(singular, irregular or plural(singular))

    @property
    def always_many(self) -> bool:
        """Return whether it is one of scissors and skis, not of sheep."""
        return self.singular == self.plural and self.singular.endswith("s")

    def forms(self, many: bool) -> dict[str, str]:
        """Return the fields of a phrasing: the noun, the noun after "without", and its verb."""
        if many or self.always_many:
            return {"noun": self.plural, "a_noun": f"any {self.plural}", "is": "are"}
        return {"noun": self.singular, "a_noun": f"{article(self.singular)} {self.singular}", "is": "is"}


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing that captions name: its kind, its broader concepts, and if it is seldom left unsaid."""

    name: str
    kind: str
    noun: Noun
    salient: bool = False
    broader: Names = frozenset()


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

    def mentions(self, caption: str) -> tuple[Names, Names]:
        """Return the concepts that a caption names, and all that may not be called absent because of it.

        Of overlapping terms the longest counts: a hot dog is no dog.
        """
        words, at = WORD.findall(caption.lower()), 0
        named: list[Names] = []
        unsafe: list[Names] = []
        while at < len(words):
            step = 1
            for length in range(min(LONGEST, len(words) - at), 0, -1):
                if meaning := self._terms.get(" ".join(words[at : at + length])):
                    named.append(meaning[0])
                    unsafe.append(meaning[1])
                    step = length
                    break
            at += step
        return frozenset().union(*named), frozenset().union(*unsafe)

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

    def _meaning(self, term: str) -> tuple[Names, Names]:
        named = self.names.get(term, set())
        touched = named | self.implied.get(term, set())
        return frozenset(named), frozenset().union(*(self.related[name] for name in touched))


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
    star = "*" in line
    parts = LINE.fullmatch(line.replace("*", ""))
    assert parts is not None  # noqa: S101 (the file is ours)
    noun, other, broader, hints = parts.groups()
    concept = Concept(Noun.parse(noun).singular, kind, Noun.parse(noun), star, frozenset(_listed(broader)))
    concepts.append(concept)
    for found, terms in ((names, [noun, *_listed(other)]), (implied, _listed(hints))):
        for term in map(Noun.parse, terms):
            for form in (term.singular, term.plural):
                found.setdefault(form, set()).add(concept.name)


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]
