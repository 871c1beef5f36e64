"""Objects that are plausible beside a caption and not in its image."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from omninegclip.captions.companions import companions
from omninegclip.captions.cooccurrence import Cooccurrence, Evidence
from omninegclip.captions.lexicon import Concept, Lexicon, Mentions, Names

LARGEST_RISK = 0.002
LARGEST_UNSAID = 0.02  # of an object in a contrast set, which has many others beside it
FEWEST_IMAGES = 200  # below, "never seen together" says nothing of the absence of an object
ALIKE = 25  # images that are like this one, below which nothing is known of what goes with it
LEAST_SEEN = 0.001  # what a model sees less than that counts as this
LARGE_SHARE = 0.1  # of those, with an object that no table knows
FEWEST_TOGETHER = 2  # images that hold both; one is a coincidence
ROUNDS = 6
RARE = 0.1  # of frequencies of which only a sample is known


@dataclass(frozen=True, slots=True)
class ImageEvidence:
    """What is known of an image: concepts its captions name, those they rule out, and its labels if any.

    `sure` are the named ones that no other word could mean, and `captions` is how many captions there are, of
    which one with several sentences counts as several.
    `seen` is how likely a model takes each object to be there, None where none looked.
    """

    named: Names
    unsafe: Names
    labelled: Names | None = None
    sure: Names = frozenset()
    captions: int = 1
    seen: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class AbsentConcept:
    """A concept that isn't in the image, why it counts as absent, and how well it goes with what is there.

    `fit` is the share of images like this one that hold it, or in `absent_objects` the largest lift.
    """

    concept: Concept
    evidence: str
    fit: float


def plausible_absences(
    image: ImageEvidence, caption: Mentions, lexicon: Lexicon, counts: Cooccurrence, vocabulary: Names
) -> list[AbsentConcept]:
    """Return the concepts that are plausible beside what a caption names, and safe to call absent.

    `vocabulary` is what the labels of the collection tell apart: with labels only those are considered,
    since only of those does a missing label say absence. Without, a concept is if at most 0.2 % of the images
    like this one hold it unsaid by so many captions.
    """
    found = []
    evidence = Evidence(*(frozenset(filter(_tells(lexicon), each)) for each in (caption.sure, caption.named)))
    for name, share in counts.remembered(plausible_beside, evidence, lexicon):
        concept = lexicon.concepts[name]
        if name in image.unsafe or name in image.named:
            continue
        if image.labelled is None:
            safe = share * counts.silent_odds(name, image.captions) <= LARGEST_RISK
        else:
            safe = _not_labelled(concept, image.labelled, lexicon, vocabulary)
        if safe and image.seen is not None:  # of what is not visible, the likelier is the more plausible
            share *= max(image.seen.get(name, 0.0), LEAST_SEEN)
        if safe:
            found.append(AbsentConcept(concept, "captions" if image.labelled is None else "labels", share))
    return found


def _tells(lexicon: Lexicon) -> Callable[[str], bool]:
    told = companions().expected.keys() | companions().never.keys()
    return lambda name: name in told or not lexicon.concepts[name].generic


def plausible_beside(evidence: Evidence, lexicon: Lexicon, counts: Cooccurrence) -> list[tuple[str, float]]:
    """Return the objects that are plausible beside some concepts, with the shares of images that hold them.

    Plausible is what the table of companions lets one expect there, and what two images at least hold with
    each single one of the concepts that is not generic. Of a dataset's own labels, which the table lacks,
    those that a tenth of the images hold. The share is that among the images which have as much in common
    with this one, of scene, activity and objects, as 25 images do, or among all where it is larger there;
    with fewer images of the kind nothing is known.
    """
    telling = frozenset(name for name in evidence.sure if not lexicon.concepts[name].generic)
    alike = counts.alike(telling or evidence.sure, ALIKE)
    if not alike:
        return []
    expected = sorted(companions().beside(evidence.sure, evidence.named))
    found = []
    for name in [*expected, *(name for name in lexicon.objects if lexicon.concepts[name].kind == "labelled")]:
        share = counts.share(name, alike)
        fits = name in expected or share >= LARGE_SHARE
        if fits and all(counts.together(name, other) >= FEWEST_TOGETHER for other in telling):
            found.append((name, max(share, counts.count[name] / counts.images)))
    return found


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
    if counts.images < FEWEST_IMAGES:
        return concept.salient
    # what no image of a large collection holds is absent everywhere, and asking for it asks nothing
    return counts.count[concept.name] > 0 and (
        concept.salient if math.isnan(risk) else risk <= LARGEST_UNSAID
    )


def draw(found: list[AbsentConcept], balance: Mapping[str, float], rng: Random) -> Iterator[AbsentConcept]:
    """Yield them without repetition, earlier the better they go with what is there.

    `balance` weighs them so that each is denied where it is absent about as often as it is named where it
    is there: else the noun alone would tell whether a denial is true.
    """
    yield from _weighted(found, [weight(each, balance) for each in found], rng)


def weight(absent: AbsentConcept, balance: Mapping[str, float]) -> float:
    """Return how much more often than others an absent concept is drawn."""
    return math.sqrt(absent.fit) * balance.get(absent.concept.name, 1.0)


def balanced(
    pools: Sequence[list[AbsentConcept]], named: Mapping[str, int]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return weights under which concepts are denied as often as they are named, and how often that is.

    `pools` holds the plausible absences of each caption, and `named` counts the captions that
    name a concept. Iterative proportional fitting: what is drawn too seldom gets a larger weight.
    """
    balance: dict[str, float] = {}
    drawn: dict[str, float] = {}
    for _ in range(ROUNDS):
        drawn = {}
        for found in pools:
            weights = [weight(each, balance) for each in found]
            total = sum(weights)
            for each, one in zip(found, weights, strict=True):
                name = each.concept.name
                drawn[name] = drawn.get(name, 0.0) + one / total
        scale = sum(drawn.values()) / (sum(named.get(name, 0) for name in drawn) or 1)
        for name, often in drawn.items():
            wanted = max(named.get(name, 0) * scale, RARE)
            balance[name] = balance.get(name, 1.0) * math.sqrt(wanted / max(often, RARE))
    return balance, drawn


def draw_balanced(
    found: list[AbsentConcept], image_counts: Counter[str], rng: Random
) -> Iterator[AbsentConcept]:
    """Yield them without repetition, earlier the more images hold them and the more they go with this one.

    The noun that is denied then tells less of whether that is true: what is often there is often missing too.
    """
    weights = [max(image_counts[each.concept.name], 0.01) * max(each.fit, 1) for each in found]
    yield from _weighted(found, weights, rng)


def _weighted(found: list[AbsentConcept], weights: Sequence[float], rng: Random) -> list[AbsentConcept]:
    """Order by keys u^(1/w): a weighted draw without replacement (Efraimidis and Spirakis, 2006)."""
    keys = [math.log(rng.random()) / weight for weight in weights]
    return [found[at] for at in sorted(range(len(found)), key=keys.__getitem__, reverse=True)]


def _not_labelled(concept: Concept, labelled: Names, lexicon: Lexicon, vocabulary: Names) -> bool:
    """Return whether annotators looked for it and found neither it nor anything broader or narrower."""
    return concept.name in vocabulary and not lexicon.related[concept.name] & labelled
