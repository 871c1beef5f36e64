"""What goes with what in a collection, and how often a thing is there though no caption says so."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from omninegclip.captions.lexicon import Lexicon, Mentions, Names

FEWEST_TOGETHER = 5  # one coincidence is no law
TABLE = Path(__file__).with_name("coco_mentions.json")


class Evidence(NamedTuple):
    """What a caption surely names, and what else it may name."""

    sure: Names
    named: Names


class Cooccurrence:
    """Counts over images: of each concept, of each pair, and of how many captions of an image hint at one.

    Counting ends with the first question.
    """

    def __init__(self) -> None:
        """Start with no image."""
        self.images = 0
        self.repeated = 0  # images with two captions or more
        self.count: Counter[str] = Counter()
        self.pairs: Counter[tuple[str, str]] = Counter()
        self.once: Counter[str] = Counter()
        self.twice: Counter[str] = Counter()
        self.holders: dict[str, list[int]] = defaultdict(list)
        self._answers: dict[Evidence, list[tuple[str, float]]] = {}
        # of each concept, by the captions that hint at it and all captions of the image: the images
        self.mentions: dict[str, Counter[tuple[int, int]]] = defaultdict(Counter)

    def add(self, captions: Sequence[Mentions], labelled: Names = frozenset()) -> None:
        """Count one image by what its captions and labels name for sure, and what each caption hints at."""
        self.add_counted(hints(captions), len(captions), labelled)

    def add_counted(self, mentioned: Mapping[str, int], captions: int, labelled: Names = frozenset()) -> None:
        """Count one image by how many of its captions hint at each of the concepts that one names."""
        there = mentioned.keys() | labelled
        self.count.update(there)
        self.pairs.update(combinations(sorted(there), 2))
        for name in there:
            self.holders[name].append(self.images)
        self.images += 1
        if captions > 1:
            self.repeated += 1
            self.once.update(name for name, times in mentioned.items() if times == 1)
            self.twice.update(name for name, times in mentioned.items() if times == 2)
            for name, times in mentioned.items():
                self.mentions[name][times, captions] += 1

    def add_all(self, others: Iterable[Mapping[str, int]], captions: int) -> None:
        """Count images that were counted before, each by the hints at what is in it."""
        for mentioned in others:
            self.add_counted(mentioned, captions)

    def lifts(self, context: Iterable[str]) -> dict[str, float]:
        """Return each concept's largest p(a, b) / (p(a) p(b)) with one of the context that five images share.

        Its logarithm is the pointwise mutual information (Church and Hanks, 1990).
        """
        found: dict[str, float] = {}
        for name in context:
            for other, lift in self._neighbours.get(name, {}).items():
                found[other] = max(lift, found.get(other, 0.0))
        return found

    def alike(self, evidence: Iterable[str], fewest: int) -> int:
        """Return the images that share as much of the evidence as `fewest` images do, as bits; 0 where none.

        The rarest part of the evidence that has so many images comes first, and each further part narrows
        them down as long as so many are left.
        """
        alike = 0
        for name in sorted(evidence, key=lambda name: (self.count[name], name)):
            narrowed = self._bits.get(name, 0)
            if alike:
                narrowed &= alike
            if narrowed.bit_count() >= fewest:
                alike = narrowed
        return alike

    def share(self, name: str, images: int) -> float:
        """Return which share of some images, given as bits, holds a concept."""
        return (self._bits.get(name, 0) & images).bit_count() / images.bit_count()

    def together(self, name: str, other: str) -> int:
        """Return how many images hold two concepts."""
        return self.pairs[min(name, other), max(name, other)]

    def remembered(self, ask: "Question", evidence: "Evidence", lexicon: Lexicon) -> list[tuple[str, float]]:
        """Return what a question has for an answer, which is worked out once for each evidence."""
        if evidence not in self._answers:
            self._answers[evidence] = ask(evidence, lexicon, self)
        return self._answers[evidence]

    def unmentioned_share(self, name: str) -> float:
        """Return the share of images that hold a concept which no caption names, by Chao's estimator.

        f1^2 / (2 f2) animals were never trapped where f1 were trapped once and f2 twice (Chao, 1984,
        Nonparametric estimation of the number of classes in a population); captions are the traps. NaN
        where the collection has one caption an image, since silence can't be weighed then.
        """
        if not self.repeated:
            return math.nan
        return self._unseen(name) / self.repeated

    def silent_odds(self, name: str, captions: int) -> float:
        """Return how many images hold a concept that `captions` captions leave unsaid, for one that says it.

        Counted over the images with several captions, of which as many are taken at random (hypergeometric);
        those that none of theirs names are Chao's. Infinite where nothing is known of the concept.
        """
        silent = told = 0.0
        for (times, all_), images in self.mentions.get(name, {}).items():
            drawn = min(captions, all_)
            share = math.comb(all_ - times, drawn) / math.comb(all_, drawn)
            silent += images * share
            told += images * (1 - share)
        return (silent + self._unseen(name)) / told if told else math.inf

    def _unseen(self, name: str) -> float:
        once, twice = self.once[name], self.twice[name]
        return once * (once - 1) / (2 * (twice + 1))

    @cached_property
    def _neighbours(self) -> dict[str, dict[str, float]]:
        found: dict[str, dict[str, float]] = defaultdict(dict)
        for (first, second), together in self.pairs.items():
            if together >= FEWEST_TOGETHER:
                lift = together * self.images / (self.count[first] * self.count[second])
                found[first][second] = found[second][first] = lift
        return dict(found)

    @cached_property
    def _bits(self) -> dict[str, int]:
        found = {}
        for name, images in self.holders.items():
            bits = bytearray(self.images // 8 + 1)
            for image in images:
                bits[image // 8] |= 1 << image % 8
            found[name] = int.from_bytes(bits, "little")
        return found


def hints(captions: Sequence[Mentions]) -> Counter[str]:
    """Return, of each concept that one of an image's captions names for sure, how many hint at it.

    A caption that hints ("a surfer") keeps a thing from being called absent as well as one that names it.
    """
    named = frozenset().union(*(each.sure for each in captions))
    return Counter(name for each in captions for name in named & (each.unsafe | each.sure))


Question = Callable[[Evidence, Lexicon, Cooccurrence], list[tuple[str, float]]]


@cache
def shipped_mentions() -> tuple[list[dict[str, int]], int]:
    """Return how many captions hint at what is in each image of COCO, and how many there are.

    Counted in COCO's captions of val2017 by recipes/absence-table (CC BY 4.0, COCO Consortium).
    """
    table = json.loads(TABLE.read_text("utf-8"))
    names: list[str] = table["names"]
    images = []
    for line in table["images"]:
        pairs = (part.split(":") for part in line.split())
        images.append({names[int(at)]: int(times) for at, times in pairs})
    return images, int(table["captions"])
