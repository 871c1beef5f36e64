"""Texts scored by halves, against naive loops; and what negates nothing, against the cosine bit for bit."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from omninegclip.reading.reading import ANYTHING, Reading
from omninegclip.scoring.calibration import Calibration
from omninegclip.scoring.halves import Gate, gated, log_odds, subtracted
from omninegclip.scoring.texts import HalvesScore, Texts, halved_texts, halves_by_words, whole_texts

DIM = 16
GATE = Gate(3.0, 1.0, 0.8)
READINGS = {
    "a dog": Reading("a dog"),
    "a beach without dogs": Reading("a beach", ("dogs",)),
    "no cat and no dog": Reading("", ("a cat", "a dog")),
    "a cat": Reading("a cat"),
    "a scene": Reading(""),
}
TEXTS = list(READINGS)


class Told:
    def read(self, sentences: Sequence[str]) -> list[Reading]:
        return [READINGS[sentence] for sentence in sentences]


def unit(seed: int, rows: int) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).normal(size=(rows, DIM))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.concatenate([unit(sum(text.encode()), 1) for text in texts])


BACKGROUND, IMAGES = unit(1, 200), unit(2, 30)
CALIBRATION = Calibration(BACKGROUND, "x")


def z(text: str, image: NDArray[np.float32]) -> float:
    vector = embed([text])[0]
    cosines = BACKGROUND @ vector
    return float((image @ vector - cosines.mean()) / cosines.std())


def halves(score: HalvesScore = "gate") -> Texts:
    return halved_texts(halves_by_words(embed, Told()), CALIBRATION, GATE, score)(TEXTS)


@pytest.mark.parametrize("score", ["gate", "subtract"])
def test_images_are_ranked_by_the_halves_on_the_scale_of_cosines(score: HalvesScore) -> None:
    scores = halves(score).rank_images(IMAGES)
    block = scores.block(slice(None), slice(3, 20))
    assert scores.shape == (5, 30)
    for row, text in enumerate(TEXTS):
        reading = READINGS[text]
        if not reading.negated:
            continue
        cosines = BACKGROUND @ embed([reading.affirmed or ANYTHING])[0]
        for column, image in enumerate(IMAGES[3:20]):
            affirmed = z(reading.affirmed, image) if reading.affirmed else 0.0
            negated = np.array([[z(each, image)] for each in reading.negated])
            by = gated(affirmed, negated, GATE) if score == "gate" else subtracted(affirmed, negated)
            assert block[row, column] == pytest.approx(cosines.mean() + cosines.std() * by[0], abs=1e-4)


def test_a_text_that_negates_nothing_ranks_images_bit_for_bit_as_its_cosine() -> None:
    plain = [row for row, text in enumerate(TEXTS) if not READINGS[text].negated]
    ours, cosines = (
        texts.rank_images(IMAGES).block(slice(None), slice(None))
        for texts in (halves(), whole_texts(embed)(TEXTS))
    )
    assert np.array_equal(ours[plain], cosines[plain])


def test_pairs_blocks_and_the_other_side_agree() -> None:
    scores = halves().rank_images(IMAGES)
    block = scores.block(slice(None), slice(None))
    rows, columns = np.array([1, 2, 0, 4, 1]), np.array([3, 9, 0, 29, 29])
    assert scores.pairs(rows, columns) == pytest.approx(block[rows, columns], abs=1e-6)
    assert scores.transposed.pairs(columns, rows) == pytest.approx(block[rows, columns], abs=1e-6)
    assert scores.transposed.shape == (30, 5)
    assert scores.transposed.block(columns, rows) == pytest.approx(block[rows][:, columns].T, abs=1e-6)
    assert scores.transposed.transposed.block(rows, columns) == pytest.approx(
        block[rows][:, columns], abs=1e-6
    )


def test_each_text_chooses_among_images_of_its_own() -> None:
    starts = np.array([0, 2, 5, 6, 6, 8])
    found = halves().choose_image(IMAGES[:8], starts)
    block = halves().rank_images(IMAGES[:8]).block(slice(None), slice(None))
    for text in range(5):
        own = slice(starts[text], starts[text + 1])
        assert found[text, : own.stop - own.start] == pytest.approx(block[text, own], abs=1e-6)
        assert (found[text, own.stop - own.start :] == -np.inf).all()


def test_texts_are_chosen_by_log_odds_where_one_of_them_negates_and_by_cosine_elsewhere() -> None:
    found = halves().choose_text(IMAGES[:2], np.array([0, 3, 5]))
    for place, text in enumerate(TEXTS[:3]):
        reading = READINGS[text]
        negated = np.array([z(each, IMAGES[0]) for each in reading.negated])
        affirmed = np.asarray(z(reading.affirmed, IMAGES[0])) if reading.affirmed else None
        assert found[0, place] == pytest.approx(float(log_odds(affirmed, negated, 1.0)), abs=1e-4)
    plain = whole_texts(embed)(TEXTS[3:]).choose_text(IMAGES[1:2], np.array([0, 2]))
    assert np.array_equal(found[1, :2], plain[0])


def test_some_texts_score_as_they_do_among_all() -> None:
    rows = [4, 2, 1]
    everything = slice(None)
    some = halves().some(rows).rank_images(IMAGES).block(everything, everything)
    assert some == pytest.approx(halves().rank_images(IMAGES).block(everything, everything)[rows], abs=1e-6)


def test_texts_without_any_denial_need_no_background_of_denials() -> None:
    texts = halved_texts(halves_by_words(embed, Told()), CALIBRATION)(["a dog", "a cat"])
    assert texts.rank_images(IMAGES).block(slice(None), slice(None)).shape == (2, 30)
    assert texts.choose_text(IMAGES[:1], np.array([0, 2])).shape == (1, 2)
