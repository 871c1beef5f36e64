from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from omninegclip.captions.lexicon import english
from omninegclip.captions.negate import Captioned, CollectionStatistics, NegationOptions, negate
from omninegclip.captions.screen import screen, threshold

IMAGES = [
    Captioned(str(n), f"{n}.jpg", ["A woman carrying an umbrella."], objects=["person"]) for n in range(3)
]


def test_the_threshold_misses_the_share_it_is_given() -> None:
    present = np.random.default_rng(0).normal(size=10_000).astype(np.float32)
    assert np.mean(present < threshold(present, 0.02)) == pytest.approx(0.02, abs=0.001)
    with pytest.raises(ValueError, match="at least one"):
        threshold(present[:0])


def test_what_the_image_may_show_is_withdrawn_with_the_reason() -> None:
    rows = list(
        negate(IMAGES, CollectionStatistics.of(IMAGES, english(), ["person", "dog"]), NegationOptions())
    )

    def score(images: Sequence[str], texts: Sequence[str]) -> NDArray[np.float32]:
        assert texts == ["a photo of a dog"] * 3
        return np.array([0.3 if image == "1.jpg" else 0.1 for image in images], np.float32)

    kept = screen(rows, score, 0.2)
    assert [row["absence_negated"] is None for row in kept] == [False, True, False]
    assert kept[1]["absence_reason"] == "the picture may show it"
    assert kept[1]["presence_negated"] == rows[1]["presence_negated"]
    assert kept[0] == rows[0]
