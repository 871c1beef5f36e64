"""What goes with what in a collection, and how often a thing is there though no caption says so."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import combinations

from omninegclip.captions.lexicon import Names

FEWEST_TOGETHER = 5  # one coincidence is no law


class Cooccurrence:
    """Counts over images: of each concept, of each pair, and of concepts that one or two captions name.

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

    def add(self, captions: Sequence[Names]) -> None:
        """Count one image by the concepts that each of its captions names."""
        mentioned = Counter(name for names in captions for name in names)
        self.images += 1
        self.count.update(mentioned.keys())
        self.pairs.update(combinations(sorted(mentioned), 2))
        if len(captions) > 1:
            self.repeated += 1
            self.once.update(name for name, times in mentioned.items() if times == 1)
            self.twice.update(name for name, times in mentioned.items() if times == 2)

    def lifts(self, context: Iterable[str]) -> dict[str, float]:
        """Return each concept's largest p(a, b) / (p(a) p(b)) with one of the context that five images share.

        Its logarithm is the pointwise mutual information (Church and Hanks, 1990).
        """
        found: dict[str, float] = {}
        for name in context:
            for other, lift in self._neighbours.get(name, {}).items():
                found[other] = max(lift, found.get(other, 0.0))
        return found

    def unmentioned_share(self, name: str) -> float:
        """Return the share of images that hold a concept which no caption names, by Chao's estimator.

        f1^2 / (2 f2) animals were never trapped where f1 were trapped once and f2 twice (Chao, 1984,
        Nonparametric estimation of the number of classes in a population); captions are the traps. NaN
        where the collection has one caption an image, since silence can't be weighed then.
        """
        if not self.repeated:
            return math.nan
        once, twice = self.once[name], self.twice[name]
        return once * (once - 1) / (2 * (twice + 1)) / self.repeated

    @cached_property
    def _neighbours(self) -> dict[str, dict[str, float]]:
        found: dict[str, dict[str, float]] = defaultdict(dict)
        for (first, second), together in self.pairs.items():
            if together >= FEWEST_TOGETHER:
                lift = together * self.images / (self.count[first] * self.count[second])
                found[first][second] = found[second][first] = lift
        return dict(found)
