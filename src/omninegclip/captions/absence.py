"""What is plausible beside a caption and yet not in its picture."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from omninegclip.captions.cooccurrence import Cooccurrence
from omninegclip.captions.lexicon import Concept, Lexicon, Names

LARGEST_RISK = 0.01
FEWEST_IMAGES = 200  # below, "never seen together" says nothing of plausibility


@dataclass(frozen=True, slots=True)
class Image:
    """What is known of a picture: concepts its captions name, those they rule out, and its labels if any."""

    named: Names
    unsafe: Names
    labelled: Names | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """A concept that isn't in the picture, why it counts as absent, and its lift with what is."""

    concept: Concept
    evidence: str
    lift: float


def absent(image: Image, lexicon: Lexicon, seen: Cooccurrence, vocabulary: Names) -> list[Absent]:
    """Return the concepts that are plausible beside an image's captions and safe to call absent.

    `vocabulary` is what the labels of the collection tell apart: with labels only those are considered,
    since only of those does a missing label say absence. Without, a concept is if it is seldom left
    unsaid: it has a star in the lexicon, and unsaid(c) * max(lift, 1) <= 0.01 where images have several
    captions. Plausible is a lift above 1 (a positive PMI); in a collection of less than 200 images any.
    """
    lifts = seen.lifts(image.named if image.labelled is None else image.named | image.labelled)
    plausible = lifts if seen.images >= FEWEST_IMAGES else lexicon.objects
    return [
        Absent(
            lexicon.concepts[name], "captions" if image.labelled is None else "labels", lifts.get(name, 0.0)
        )
        for name in sorted(plausible)  # sets have no order that two processes share
        if name in lexicon.objects
        and (seen.images < FEWEST_IMAGES or lifts[name] > 1)
        and name not in image.unsafe
        and _safe(lexicon.concepts[name], lifts.get(name, 0.0), image, lexicon, seen, vocabulary)
    ]


def draw(found: list[Absent], rng: Random) -> Iterator[Absent]:
    """Yield them without repetition, earlier the more they go with what is there.

    Keys u^(1/w) order a weighted draw without replacement (Efraimidis and Spirakis, 2006).
    """
    keys = {
        absent.concept.name: rng.random() ** (1 / (0.1 + math.log(max(absent.lift, 1)))) for absent in found
    }
    yield from sorted(found, key=lambda absent: keys[absent.concept.name], reverse=True)


def _safe(
    concept: Concept, lift: float, image: Image, lexicon: Lexicon, seen: Cooccurrence, vocabulary: Names
) -> bool:
    if image.labelled is not None:
        return concept.name in vocabulary and not lexicon.related[concept.name] & image.labelled
    risk = seen.unsaid(concept.name) * max(lift, 1)
    return concept.salient and (math.isnan(risk) or risk <= LARGEST_RISK)
