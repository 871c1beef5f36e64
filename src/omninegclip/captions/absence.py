"""Objects that are plausible beside a caption and not in its image."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from omninegclip.captions.cooccurrence import Cooccurrence
from omninegclip.captions.lexicon import Concept, Lexicon, Names

LARGEST_RISK = 0.01
LARGEST_UNSAID = 0.02  # of an object in a contrast set, which has many others beside it
FEWEST_IMAGES = 200  # below, "never seen together" says nothing of plausibility


@dataclass(frozen=True, slots=True)
class ImageEvidence:
    """What is known of an image: concepts its captions name, those they rule out, and its labels if any."""

    named: Names
    unsafe: Names
    labelled: Names | None = None


@dataclass(frozen=True, slots=True)
class AbsentConcept:
    """A concept that isn't in the image, why it counts as absent, and its lift with what is."""

    concept: Concept
    evidence: str
    lift: float


def plausible_absences(
    image: ImageEvidence, lexicon: Lexicon, counts: Cooccurrence, vocabulary: Names
) -> list[AbsentConcept]:
    """Return the concepts that are plausible beside an image's captions and safe to call absent.

    `vocabulary` is what the labels of the collection tell apart: with labels only those are considered,
    since only of those does a missing label say absence. Without, a concept is if it is seldom left
    unsaid: it has a star in the lexicon, and its unmentioned share times max(lift, 1) is at most 0.01
    where images have several captions. Plausible is a lift above 1 (a positive PMI); in a collection of less
    than 200 images any.
    """
    lifts = counts.lifts(image.named if image.labelled is None else image.named | image.labelled)
    plausible = lifts if counts.images >= FEWEST_IMAGES else lexicon.objects
    return [
        AbsentConcept(
            lexicon.concepts[name], "captions" if image.labelled is None else "labels", lifts.get(name, 0.0)
        )
        for name in sorted(plausible)  # sets have no order that two processes share
        if name in lexicon.objects
        and (counts.images < FEWEST_IMAGES or lifts[name] > 1)
        and name not in image.unsafe
        and _is_safely_absent(
            lexicon.concepts[name], lifts.get(name, 0.0), image, lexicon, counts, vocabulary
        )
    ]


def absent_objects(
    image: ImageEvidence, lexicon: Lexicon, counts: Cooccurrence, vocabulary: Names
) -> list[AbsentConcept]:
    """Return every object that is not in an image, plausible beside its captions or not.

    With labels, those that they tell apart and do not name. Without, those that no caption hints at and that
    people seldom leave unsaid: an unmentioned share times max(lift, 1) of at most 0.02, or a star in the
    lexicon where that can't be weighed, with one caption an image or in a collection of less than 200.
    """
    lifts = counts.lifts(image.named if image.labelled is None else image.named | image.labelled)
    return [
        AbsentConcept(concept, "captions" if image.labelled is None else "labels", lifts.get(name, 0.0))
        for name, concept in ((name, lexicon.concepts[name]) for name in lexicon.objects)
        if name not in image.unsafe
        and _is_absent(concept, lifts.get(name, 0.0), image, lexicon, counts, vocabulary)
    ]


def is_usually_mentioned(name: str, counts: Cooccurrence) -> bool:
    """Return whether people mostly say that an object is there where it is, as far as that can be known."""
    unsaid = counts.unmentioned_share(name)
    return math.isnan(unsaid) or unsaid <= LARGEST_UNSAID


def _is_absent(
    concept: Concept,
    lift: float,
    image: ImageEvidence,
    lexicon: Lexicon,
    counts: Cooccurrence,
    vocabulary: Names,
) -> bool:
    if image.labelled is not None:
        return _not_labelled(concept, image.labelled, lexicon, vocabulary)
    risk = counts.unmentioned_share(concept.name) * max(lift, 1)
    if math.isnan(risk) or counts.images < FEWEST_IMAGES:
        return concept.salient
    return counts.count[concept.name] > 0 and risk <= LARGEST_UNSAID


def draw(found: list[AbsentConcept], rng: Random) -> Iterator[AbsentConcept]:
    """Yield them without repetition, earlier the more they go with what is there."""
    yield from _weighted(found, [0.1 + math.log(max(absent.lift, 1)) for absent in found], rng)


def draw_balanced(
    found: list[AbsentConcept], image_counts: Counter[str], rng: Random
) -> Iterator[AbsentConcept]:
    """Yield them without repetition, earlier the more images hold them and the more they go with this one.

    The noun that is denied then tells less of whether that is true: what is often there is often missing too.
    """
    weights = [max(image_counts[each.concept.name], 0.01) * max(each.lift, 1) for each in found]
    yield from _weighted(found, weights, rng)


def _weighted(found: list[AbsentConcept], weights: Sequence[float], rng: Random) -> list[AbsentConcept]:
    """Order by keys u^(1/w): a weighted draw without replacement (Efraimidis and Spirakis, 2006)."""
    keys = [math.log(rng.random()) / weight for weight in weights]
    return [found[at] for at in sorted(range(len(found)), key=keys.__getitem__, reverse=True)]


def _is_safely_absent(
    concept: Concept,
    lift: float,
    image: ImageEvidence,
    lexicon: Lexicon,
    counts: Cooccurrence,
    vocabulary: Names,
) -> bool:
    if image.labelled is not None:
        return _not_labelled(concept, image.labelled, lexicon, vocabulary)
    risk = counts.unmentioned_share(concept.name) * max(lift, 1)
    return concept.salient and (math.isnan(risk) or risk <= LARGEST_RISK)


def _not_labelled(concept: Concept, labelled: Names, lexicon: Lexicon, vocabulary: Names) -> bool:
    """Return whether annotators looked for it and found neither it nor anything broader or narrower."""
    return concept.name in vocabulary and not lexicon.related[concept.name] & labelled
