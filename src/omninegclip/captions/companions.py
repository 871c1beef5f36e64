"""What people could expect beside a thing or at a place, so that they may miss it there; written by hand."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from omninegclip.captions.lexicon import Names, english

COMPANIONS = Path(__file__).with_name("companions.txt")


@dataclass(frozen=True, slots=True)
class Companions:
    """By concept, what it lets one expect; by some, all that can be missed beside them, or never."""

    expected: dict[str, Names]
    allowed: dict[str, Names]
    never: dict[str, Names]

    def beside(self, sure: Names, named: Names) -> Names:
        """Return what one of the sure concepts lets one expect, and everything that may be named allows."""
        found = frozenset().union(*(self.expected.get(name, frozenset()) for name in sure))
        for name in named & self.allowed.keys():
            found &= self.allowed[name]
        found = found.difference(*(self.never[name] for name in named & self.never.keys()))
        return frozenset(name for name in found - named if self._beside_its_like(name, named))

    def _beside_its_like(self, name: str, named: Names) -> bool:
        concepts = english().concepts
        alike = [
            other for other in named & self.expected.keys() if concepts[other].kind == concepts[name].kind
        ]
        return not alike or any(
            name in self.expected[other] | self.allowed.get(other, frozenset()) for other in alike
        )


@cache
def companions() -> Companions:
    """Return the table that ships with the package."""
    expected: dict[str, Names] = {}
    allowed: dict[str, Names] = {}
    never: dict[str, Names] = {}
    for line in COMPANIONS.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if ":" not in line:
            name, _, listed = line.partition(" - ")
            never[name] = _listed(listed)
            continue
        name, _, listed = line.partition(":")
        first, limits, more = listed.partition("/")
        expected[name] = _listed(first)
        if limits:
            allowed[name] = _listed(first) | _listed(more)
    return Companions(expected, allowed, never)


def _listed(text: str) -> Names:
    return frozenset(part.strip() for part in text.split(",") if part.strip())
