"""A search for "only" looks images through for what the question does not name, as evaluation does."""

from pathlib import Path

import numpy as np
import pytest
from image_folders import bring_up_to_date

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip
from omninegclip.index.question import Question, Unwanted
from omninegclip.index.search import Index
from omninegclip.index.store import open_store
from omninegclip.index.truth import is_right, shows_more
from omninegclip.reading.reading import ELSE
from omninegclip.reading.rules import RulesReader
from omninegclip.scenes.records import write_scenes
from omninegclip.scoring.halves import DEFAULT, probability, something_else
from omninegclip.scoring.texts import halved_texts, halves_by_words

COUNT = 80


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("only")
    write_scenes(folder / "scenes", COUNT, 5)
    encoder = load_clip("scenes-small")
    bring_up_to_date(folder / "db", [folder / "scenes"], encoder)
    return Index(open_store(str(folder / "db")), encoder)


def vectors_of(index: Index) -> tuple[list[object], np.ndarray]:
    (batch,) = index.store.engine.scan(None)
    return list(batch.keys), batch.vectors


@pytest.mark.parametrize(
    "query", ["only a dog", "not only a dog", "nothing but a tree", "just a cat and nothing else"]
)
def test_a_search_scores_as_evaluation_does(index: Index, query: str) -> None:
    _, images = vectors_of(index)
    texts = halved_texts(
        halves_by_words(index.encoder.embed_text, RulesReader()), index.calibration, known=lambda: index.known
    )([query])
    mean, deviation = index.calibration.moments(texts.vectors)
    expected = (texts.rank_images(images).block(slice(0, 1), slice(0, len(images)))[0] - mean) / deviation
    asked = index.understand(query, (), {})
    assert asked.others in (-1, 1)
    scores, bounds = index.score(asked).parts(images.astype(np.float64))
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-3)
    assert (scores <= bounds).all()


def test_results_are_those_of_a_scan_with_every_score(index: Index) -> None:
    _, images = vectors_of(index)
    for name in ("gate", "subtract", "filter"):
        asked = index.understand("only a dog", ["a kite"], {})
        expected = np.sort(index.score(asked, name).parts(images.astype(np.float64))[0])[::-1]
        found = index.search("only a dog", without=["a kite"], top=20, score=name)
        got = np.array([hit.score for hit in found])
        finite = expected[np.isfinite(expected)][:20]
        np.testing.assert_allclose(got, probability(finite, DEFAULT)[: len(got)], rtol=1e-5)
        assert len(got) == len(finite)


def test_what_else_is_there_is_told_of_every_image(index: Index) -> None:
    found = index.search("only a dog", top=COUNT)
    assert found.understood == "a dog, NOT something else"
    vector = index.encoder.embed_text(["a dog"])[0]
    others = index.others(index.understand("only a dog", (), {}), vector)
    assert others is not None
    assert "dog" in index.known.nouns
    assert len(others.things) < len(index.known.nouns)
    keys, images = vectors_of(index)
    paths = {row["path"]: place for place, row in enumerate(index.store.engine.facts(keys))}
    mean, deviation = index.calibration.moments(vector[None])
    for hit in list(found)[:10]:
        image = images[paths[hit.path]]
        z = (others.things @ image - others.mean) / others.deviation
        affirmed = (vector @ image - mean) / deviation
        expected = probability(something_else(z[:, None], affirmed, others.shared), DEFAULT)[0]
        assert hit.negated == {ELSE: pytest.approx(float(expected), abs=1e-4)}
    assert index.search("not only a dog", top=3)[0].negated == {}
    assert index.search("a dog", top=3)[0].negated == {}


def test_what_is_wanted_beside_the_sentence_is_nothing_else(index: Index) -> None:
    vector, parrot = index.encoder.embed_text(["a dog"])[0], index.encoder.embed_text(["a parrot"])[0]
    for affirmed, there in (("a dog", True), ("a dog and a parrot", False)):
        others = index.others(Question(affirmed, sentence="only a dog", others=-1), vector)
        assert others is not None
        assert np.isclose(others.things, parrot, atol=1e-5).all(axis=1).any() is np.bool_(there)


def test_images_that_show_one_thing_come_first(index: Index) -> None:
    rows = [str(row["shows"]).split(", ")[1:] for row in index.store.engine.facts(vectors_of(index)[0])]
    alone = {objects[0] for objects in rows if len(objects) == 1}
    among = alone & {name for objects in rows if len(objects) > 1 for name in objects}
    assert len(among) > 3
    names = sorted(among)

    def right(query: str, others: int) -> float:
        """Return how often the first image is what "only", or "not only", asks for."""
        found = [(name, index.search(query.format(name), top=1)[0]) for name in names]
        return float(
            np.mean(
                [is_right(Question(f"a {n}", others=others), str(hit.facts["shows"])) for n, hit in found]
            )
        )

    assert right("only a {}", -1) > right("a {}", -1) + 0.1
    assert right("not only a {}", 1) > right("a {}", 1) + 0.3


@pytest.mark.parametrize(
    ("affirmed", "others", "right"),
    [
        ("a dog", -1, False),
        ("a dog", 1, True),
        ("a dog and a kite", -1, True),
        ("a dog and a kite", 1, False),
        ("dogs and kites on the beach", -1, True),
        ("a cat", -1, False),
        ("a cat", 1, False),
        ("somebody", -1, None),
    ],
)
def test_truth_of_only(affirmed: str, others: int, right: bool | None) -> None:
    assert is_right(Question(affirmed, others=others), "beach, dog, kite") is right


def test_what_is_unwanted_beside_only_counts_too() -> None:
    asked = Question("a dog", (Unwanted("a kite"),), others=-1)
    assert is_right(asked, "beach, dog") is True
    assert is_right(asked, "beach, dog, kite") is False
    assert shows_more("nothing of note", "beach, dog") is None


def test_a_model_without_nouns_is_asked_for_those_of_the_lexicon(
    encoder: ClipEncoder, tmp_path: Path
) -> None:
    write_scenes(tmp_path / "scenes", 12, 5)
    bring_up_to_date(tmp_path / "db", [tmp_path / "scenes"], encoder)
    index = Index(open_store(str(tmp_path / "db")), encoder)
    assert len(index.known.nouns) > 300
    assert index.search("only a dog", top=1)[0].negated.keys() == {ELSE}
