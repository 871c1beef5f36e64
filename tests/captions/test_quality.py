import math
import random

import pytest

pytest.importorskip("sklearn", reason="the negate extra is not installed")
from omninegclip.captions.lexicon import english
from omninegclip.captions.negate import (
    PROVENANCE,
    Captioned,
    CollectionStatistics,
    NegationOptions,
    negate,
)
from omninegclip.captions.quality import MARKS, WORDS, LabelledTexts, accuracy, report

THINGS = ["dog", "cat", "horse", "cow", "train", "bus", "boat", "kite"]
PLACES = ["beach", "road", "field", "lake", "hill", "street"]


def captions(count: int) -> list[str]:
    rng = random.Random(0)
    return [
        f"A {rng.choice(THINGS)}, big and red, near a {rng.choice(PLACES)} {number}"
        for number in range(count)
    ]


def test_the_comma_cue_is_found_where_it_is() -> None:
    texts = captions(60)
    without = [text.replace(",", "") for text in texts]
    assert accuracy(LabelledTexts(texts, without, range(60)), MARKS) == 1.0


def test_the_same_texts_can_not_be_told_apart() -> None:
    texts = captions(60)
    assert accuracy(LabelledTexts(texts, texts, range(60)), WORDS) == pytest.approx(0.5, abs=0.1)
    assert math.isnan(accuracy(LabelledTexts(texts[:3], texts[:3], range(3)), WORDS))


def test_our_negations_have_no_comma_cue_and_are_counted() -> None:
    texts = [f"A {thing} on a red {place}, in the sun." for thing in THINGS for place in PLACES] + [
        "",
        "Ein Hund",
    ]
    images = [Captioned(str(number), None, [text], objects=[]) for number, text in enumerate(texts)]
    labels = [*THINGS, "bicycle", "car", "truck", "bird", "umbrella", "surfboard", "bench", "sheep", "zebra"]
    rows = list(negate(images, CollectionStatistics.of(images, english(), labels), NegationOptions()))
    found = report(rows)
    assert found["rows"] == len(texts)
    for kind in ("presence", "absence"):
        assert found[kind]["comma"] == 0
        assert found[kind]["cues"]["punctuation"] == pytest.approx(0.5, abs=0.1)
        assert found[kind]["cues"]["words"] > 0.9
        assert found[kind]["made"] + sum(found[kind]["rejected"].values()) == len(texts)
        assert found[kind]["rejected"]["empty"] == found[kind]["rejected"]["not clearly English"] == 1
        assert sum(found[kind]["rules"].values()) == found[kind]["made"]
    assert found["absence"]["words more"] > 1


def test_duplicates_are_counted() -> None:
    image = [Captioned("1", None, ["A dog on a mat."])]
    rows = list(negate(image, CollectionStatistics.of(image, english()), NegationOptions()))
    assert report(rows * 3)["presence"]["duplicates"] == 2


def row(noun: str, absent: bool, number: int) -> dict[str, str | None]:
    """A row that denies a noun, as absent or as the object of a caption."""
    empty = dict.fromkeys(("presence_negated", "absence_negated", *PROVENANCE))
    kind = {"absence_negated": f"no {noun}", "absence_object": noun, "absence_place": "end"}
    own = {"presence_negated": f"no {noun}", "presence_kind": "object", "presence_rule": "with no"}
    said = kind if absent else own | {"presence_denied": f"a {noun}"}
    return empty | {"image_id": str(number), "caption": f"A scene {number}"} | said


def test_how_much_the_noun_alone_tells_is_found() -> None:
    apart = [row("dog", True, n) for n in range(60)] + [row("cat", False, n) for n in range(60)]
    assert report(apart)["nouns"] == {
        "distinct": 1,
        "share of the 20 most frequent": 1.0,
        "noun alone": 1.0,
    }
    mixed = [row(noun, absent, n) for n in range(30) for noun in ("dog", "cat") for absent in (True, False)]
    assert report(mixed)["nouns"]["noun alone"] == pytest.approx(0.5, abs=0.15)


def test_each_rule_has_samples_of_its_own() -> None:
    rows = [row("dog", True, n) for n in range(30)] + [row("cat", False, n) for n in range(30)]
    found = report(rows)
    assert {rule: len(samples) for rule, samples in found["presence"]["samples"].items()} == {
        "object: with no": 10
    }
    assert len(found["absence"]["samples"]["end"]) == 10
