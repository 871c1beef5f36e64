import math
import random

import pytest

pytest.importorskip("sklearn", reason="the negate extra is not installed")
from omninegclip.captions.lexicon import english
from omninegclip.captions.negate import Captioned, CollectionStatistics, NegationOptions, negate
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
    images = [Captioned(str(number), None, [text]) for number, text in enumerate(texts)]
    rows = list(negate(images, CollectionStatistics.of(images, english()), NegationOptions()))
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
