"""Queries that a person would type, and images to find: the image rows of a report."""

from typing import NamedTuple

from omninegclip.scenes.objects import KINDS, ObjectKind
from omninegclip.scenes.places import PLACES
from omninegclip.scenes.scene import Scene, compose, plausible_kind, rng

# What is affirmed, what is denied, and the words. Fixed, so that no run chooses its best.
_QUERIES = (
    ("dog", "cat", "a dog without a cat"),
    ("burger", "fries", "a burger but no fries"),
    ("cat", "glasses", "a cat without glasses"),
    ("guitar", "drum", "a guitar, and not a drum anywhere"),
    ("car", "bus", "no bus, just a car"),
    ("sailboat", "shark", "a sailboat with no shark in sight"),
    ("apple", "banana", "an apple minus the banana"),
    ("snowman", "penguin", "a snowman, devoid of penguins"),
)
_OF_EACH = 6


class ShowcaseQuestion(NamedTuple):
    """A query and the kinds that make an image right: one present, the other not."""

    text: str
    affirmed: ObjectKind
    denied: ObjectKind

    def is_right(self, scene: Scene) -> bool:
        """Tell whether `scene` is what the query asks for."""
        return self.affirmed in scene.kinds and self.denied not in scene.kinds


class Showcase(NamedTuple):
    """The queries and the images among which they search."""

    questions: tuple[ShowcaseQuestion, ...]
    scenes: tuple[Scene, ...]


def make_showcase(seed: int) -> Showcase:
    """Draw for each query six images that answer it and six that hold what it denies as well."""
    kinds = {kind.singular: kind for kind in KINDS}
    questions = tuple(ShowcaseQuestion(text, kinds[yes], kinds[no]) for yes, no, text in _QUERIES)
    scenes = []
    for number, question in enumerate(questions):
        random = rng("showcase", seed, number)
        for _ in range(_OF_EACH):
            place = random.choice(PLACES)
            other = plausible_kind(random, place, (question.affirmed, question.denied))
            scenes.append(compose(random, place, [question.affirmed, other]))
            scenes.append(compose(random, place, [question.affirmed, question.denied]))
    return Showcase(questions, tuple(scenes))
