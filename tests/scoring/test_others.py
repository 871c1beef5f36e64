"""What images may hold beside what a text names, against naive loops."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.reading.rules import RulesReader
from omninegclip.scoring.calibration import Calibration, load_calibration, read_nouns
from omninegclip.scoring.halves import Gate, gated, log_odds, something_else
from omninegclip.scoring.others import KnownThings
from omninegclip.scoring.texts import halved_texts, halves_by_words, whole_texts

DIM = 12
GATE = Gate(3.0, 1.0, 0.8)
NOUNS = ("dog", "cat", "hedgehog", "beach umbrella", "grapes")


def unit(seed: int, rows: int) -> Embeddings:
    drawn = np.random.default_rng(seed).normal(size=(rows, DIM))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def embed(texts: Sequence[str]) -> Embeddings:
    return np.concatenate([unit(sum(text.encode()), 1) for text in texts])


CALIBRATION, IMAGES = Calibration(unit(1, 300), "x"), unit(2, 20)


def z(text: str, image: Embeddings) -> float:
    vector = embed([text])[0]
    cosines = CALIBRATION.background @ vector
    return float((image @ vector - cosines.mean()) / cosines.std())


def evidence(affirmed: str, things: Sequence[str], image: Embeddings) -> float:
    """Return what `something_else` should, by a loop."""
    values = []
    for thing in things:
        r = np.corrcoef(*(CALIBRATION.background @ embed([each])[0] for each in (thing, affirmed)))[0, 1]
        values.append(z(thing, image) - 0.5 * r * z(affirmed, image))
    return max(values)


def test_the_strongest_thing_counts_less_what_the_affirmed_half_explains() -> None:
    things = np.array([[1.0, 3.0], [2.5, -1.0]])
    found = something_else(things, np.array([4.0, 2.0]), np.array([0.5, 0.9]))
    assert found == pytest.approx([max(1 - 1.0, 2.5 - 1.8), max(3 - 0.5, -1 - 0.9)])


def test_only_and_not_only_are_scored_by_what_is_not_named() -> None:
    texts = ["only a puppy", "not only a puppy", "a puppy", "nothing but a puppy, no cat"]
    read = halved_texts(
        halves_by_words(embed, RulesReader()), CALIBRATION, GATE, known=lambda: KnownThings(embed, NOUNS)
    )(texts)
    things = ("a cat", "a hedgehog", "a beach umbrella", "grapes")  # a puppy is a dog
    cosines = CALIBRATION.background @ embed(["a puppy"])[0]
    block = read.rank_images(IMAGES).block(slice(None), slice(None))
    for column, image in enumerate(IMAGES):
        other = evidence("a puppy", things, image)
        for row, denied in ((0, other), (1, 2 * GATE.threshold - other)):
            by = gated(z("a puppy", image), np.array([[denied]]), GATE)[0]
            assert block[row, column] == pytest.approx(cosines.mean() + cosines.std() * by, abs=1e-4)
    plain = whole_texts(embed)(texts).rank_images(IMAGES).block(slice(None), slice(None))
    assert np.array_equal(block[2], plain[2])
    chosen = read.some([1, 0]).choose_text(IMAGES[:1], np.array([0, 2]))[0]
    other, affirmed = evidence("a puppy", things, IMAGES[0]), np.asarray(z("a puppy", IMAGES[0]))
    for place, denied in ((1, other), (0, 2 * GATE.threshold - other)):
        assert chosen[place] == pytest.approx(float(log_odds(affirmed, np.array([denied]), 1.0)), abs=1e-4)


def test_the_level_of_an_image_is_taken_off_where_texts_are_chosen_among_and_nowhere_else() -> None:
    texts = ["a puppy", "no cat", "a puppy without a cat", "only a puppy", "not only a puppy", "a hedgehog"]
    plain, levelled = (
        halved_texts(
            halves_by_words(embed, RulesReader()),
            CALIBRATION,
            GATE._replace(level=level),
            known=lambda: KnownThings(embed, NOUNS),
        )(texts)
        for level in (0.0, 0.5)
    )
    whole = slice(None)
    ranked = plain.rank_images(IMAGES).block(whole, whole)
    assert np.array_equal(levelled.rank_images(IMAGES).block(whole, whole), ranked)
    starts = np.arange(0, len(texts) + 1)
    by_text = levelled.choose_image(IMAGES[: len(texts)], starts)
    assert np.array_equal(by_text, plain.choose_image(IMAGES[: len(texts)], starts))
    every = ("a dog", "a cat", "a hedgehog", "a beach umbrella", "grapes")
    for image in IMAGES:
        found = levelled.choose_text(image[None], np.array([0, len(texts)]))[0]
        b = 0.5 * np.mean([z(thing, image) for thing in every])
        t, other = GATE.threshold, evidence("a puppy", every[1:], image)
        affirmed, denied = z("a puppy", image) - b - t, t - (z("a cat", image) - b)
        expected = [
            affirmed,
            denied,
            affirmed + denied,
            affirmed + t - (other - b),
            affirmed + t - (2 * t - other + b),
            z("a hedgehog", image) - b - t,
        ]
        assert found == pytest.approx(expected, abs=1e-4)
    affirming = levelled.some([0, 5]).choose_text(IMAGES[:1], np.array([0, 2]))
    assert np.array_equal(affirming, plain.some([0, 5]).choose_text(IMAGES[:1], np.array([0, 2])))


def test_without_known_things_only_the_affirmed_half_counts() -> None:
    read = halved_texts(halves_by_words(embed, RulesReader()), CALIBRATION, GATE)(["only a dog"])
    cosines = whole_texts(embed)(["a dog"]).rank_images(IMAGES).block(slice(None), slice(None))
    assert np.array_equal(read.rank_images(IMAGES).block(slice(None), slice(None)), cosines)


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("only a puppy", {"a dog"}),
        ("only two dogs and a kitten", {"a dog", "a cat"}),
        ("only animals", {"a dog", "a cat"}),
        ("only a bunch of grapes under a beach umbrella", {"grapes", "a beach umbrella"}),
        ("only sand", set()),
    ],
)
def test_what_a_text_names_in_any_word_is_nothing_else(text: str, left_out: set[str]) -> None:
    known = KnownThings(embed, NOUNS)
    found = known.beside(text, unit(77, 1)[0], False, CALIBRATION)
    assert found is not None
    kept = {tuple(row) for row in found.things}
    every = ("a dog", "a cat", "a hedgehog", "a beach umbrella", "grapes")
    assert {each for each in every if tuple(embed([each])[0]) not in kept} == left_out


def test_what_goes_with_the_affirmed_half_may_be_that_by_another_name() -> None:
    known = KnownThings(embed, NOUNS)
    found = known.beside("only a hound of the moors", embed(["a hedgehog"])[0], False, CALIBRATION)
    assert found is not None
    assert tuple(embed(["a hedgehog"])[0]) not in {tuple(row) for row in found.things}
    assert KnownThings(embed, ("dog",)).beside("only a dog", unit(5, 1)[0], True, CALIBRATION) is None


def test_nouns_are_kept_with_the_calibration(tmp_path: Path) -> None:
    path, listed = tmp_path / "calibration.safetensors", tmp_path / "nouns.txt"
    listed.write_text("dog\n\n palm tree \ndog\n")
    CALIBRATION._replace(nouns=read_nouns(listed)).save(path)
    assert load_calibration(path, "x").nouns == ("dog", "palm tree")


@pytest.mark.parametrize(
    ("content", "message"),
    [("\n \n", "holds no noun: write one a line"), ("dog\n=cat 3\n", "line 2: '=cat 3' is no noun such as")],
)
def test_a_file_of_nouns_that_is_none_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "nouns.txt").write_text(content)
    with pytest.raises(OmniNegClipError, match=message):
        read_nouns(tmp_path / "nouns.txt")
