"""Searches agree with a plain scan over all vectors, on every engine and with every score."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from image_folders import Place, bring_up_to_date, draw
from lancedb.index import IvfFlat

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.index import lance
from omninegclip.index import rank as ranking
from omninegclip.index.engine import VectorEngine
from omninegclip.index.names import id_of
from omninegclip.index.rank import rank
from omninegclip.index.rows import table_of
from omninegclip.index.score import Half, QuestionScore, ScoreName
from omninegclip.index.search import Index
from omninegclip.index.store import open_store
from omninegclip.index.where import read_where
from omninegclip.scoring.calibration import Calibration

DIM = 16
SCORES: tuple[ScoreName, ...] = ("gate", "subtract", "filter", "cosine")


def unit(count: int, seed: int) -> Embeddings:
    vectors = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


@pytest.fixture(scope="module", params=["lance", "qdrant"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = Place(request.param, tmp_path_factory.mktemp("index"), DIM)
    files = [{"path": f"/photos/{number}.jpg", "width": number} for number in range(len(made.vectors))]
    with made.writable() as store:
        store.engine.add(table_of(files, made.vectors))
        store.engine.tidy()
    return made


def question(affirmed: Embeddings, negated: Embeddings, name: ScoreName) -> QuestionScore:
    calibration = Calibration(unit(300, 3), "")
    weights = np.linspace(1, 0.5, len(negated))
    return QuestionScore(Half.of(affirmed, calibration), Half.of(negated, calibration), weights, name)


def by_hand(score: QuestionScore, vectors: Embeddings) -> list[float]:
    """Return the score of each image, one by one, as the formulas have it."""
    k, t, w, _ = score.gate
    found = []
    for image in vectors.astype(np.float64):

        def z(half: Half, row: int, image: np.ndarray = image) -> float:
            return float((half.vectors[row] @ image - half.mean[row]) / half.deviation[row])

        affirmed = [z(score.affirmed, row) for row in range(len(score.affirmed.vectors))]
        negated = [z(score.negated, row) for row in range(len(score.negated.vectors))]
        total = float(np.mean(affirmed)) if affirmed else 0.0
        for each, weight in zip(negated, score.weights, strict=True):
            if score.name == "gate":
                total += w * weight * float(np.log(1 / (1 + np.exp(k * (each - t)))))
            elif score.name == "subtract":
                total -= 0.5 * weight * each
            elif score.name == "filter" and each >= t:
                total = -np.inf
        found.append(total)
    return found


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize(("wanted", "unwanted"), [(1, 0), (1, 1), (1, 3), (2, 1), (0, 1), (0, 2)])
def test_as_a_plain_scan(place: Place, name: ScoreName, wanted: int, unwanted: int) -> None:
    if name == "cosine" and not wanted:
        pytest.skip("nothing to score")
    store = place.open()
    score = question(unit(wanted, 1), unit(unwanted, 2), name)
    found = rank(store.engine, score, 15)
    expected = np.array(by_hand(score, place.vectors))
    order = np.argsort(-expected, kind="stable")[:15]
    np.testing.assert_allclose(found.scores, expected[order], rtol=1e-5, atol=1e-6)
    if name != "filter" or wanted:  # where all that are left score the same, any of them will do
        paths = [row["path"] for row in store.engine.facts(found.keys)]
        assert paths == [f"/photos/{number}.jpg" for number in order]


def test_without_negation_as_cosines(place: Place) -> None:
    store, asked = place.open(), unit(1, 5)
    order = np.argsort(-(place.vectors @ asked[0]), kind="stable")[:20]
    for name in SCORES:
        found = rank(store.engine, question(asked, unit(0, 0), name), 20)
        paths = [row["path"] for row in store.engine.facts(found.keys)]
        assert paths == [f"/photos/{number}.jpg" for number in order]


def test_more_is_fetched_where_the_gate_empties_the_page(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is nearest to the affirmed half is what is negated."""
    store, asked = place.open(), place.vectors[:1]
    score = question(asked, asked, "filter")
    expected = np.array(by_hand(score, place.vectors))
    order = np.argsort(-expected, kind="stable")[:5]
    for first, most in ((10, 10_000), (10, 10), (10_000, 10_000)):
        monkeypatch.setattr(ranking, "FIRST", first)
        monkeypatch.setattr(ranking, "MOST", most)
        found = rank(store.engine, score, 5)
        paths = [row["path"] for row in store.engine.facts(found.keys)]
        assert paths == [f"/photos/{number}.jpg" for number in order]


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ("width < 100", lambda number: number < 100),
        ("width >= 100 and (width < 110 or not width < 500)", lambda n: 100 <= n < 110 or n >= 500),
        ("path like '%/7%'", lambda number: str(number).startswith("7")),
        ("path = '/photos/7.jpg' or path != '/photos/8.jpg' and width <= 8", lambda n: n < 8),
        ("camera is null and width is not null and width > 590", lambda number: number > 590),
    ],
)
def test_conditions(place: Place, where: str, holds) -> None:  # type: ignore[no-untyped-def]
    store, condition = place.open(), read_where(where)
    if place.name.startswith("qdrant") and "like" in where:
        with pytest.raises(OmniNegClipError, match="no `like`"):
            store.engine.count(condition)
        return
    fitting = [number for number in range(len(place.vectors)) if holds(number)]
    assert store.engine.count(condition) == len(fitting)
    score = question(unit(1, 1), unit(2, 2), "gate")
    found = rank(store.engine, score, 7, condition)
    order = np.argsort(-np.array(by_hand(score, place.vectors[fitting])), kind="stable")[:7]
    paths = [row["path"] for row in store.engine.facts(found.keys)]
    assert paths == [f"/photos/{fitting[row]}.jpg" for row in order]


def test_with_an_approximate_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all of its parts are looked into, answers are those of a scan, also after later changes."""
    monkeypatch.setattr(lance, "APPROXIMATE_FROM", 400)
    monkeypatch.setattr(lance, "PART", 50)
    monkeypatch.setattr(lance, "PROBED", 1000)
    made, score = Place("lance", tmp_path, DIM), question(unit(1, 1), unit(2, 2), "gate")
    files = [{"path": f"/photos/{number}.jpg"} for number in range(len(made.vectors))]
    with made.writable() as store:
        store.engine.add(table_of(files[:500], made.vectors[:500]))
        store.engine.tidy()
        table = store.engine._table  # type: ignore[attr-defined]
        assert [each.index_type for each in table.list_indices()] == ["IvfFlat"]
        store.engine.add(table_of(files[500:], made.vectors[500:]))
        store.engine.delete([id_of(f"/photos/{number}.jpg") for number in range(50)])
        for tidied in (False, True):
            if tidied:
                store.engine.tidy()
            expected = np.array(by_hand(score, made.vectors[50:]))
            order = 50 + np.argsort(-expected, kind="stable")[:15]
            paths = [row["path"] for row in store.engine.facts(rank(store.engine, score, 15).keys)]
            assert paths == [f"/photos/{number}.jpg" for number in order]


def test_an_approximate_index_grows_with_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made anew where its parts became too large, and one that a killed process left beside it goes."""
    monkeypatch.setattr(lance, "APPROXIMATE_FROM", 400)
    monkeypatch.setattr(lance, "PART", 50)
    made = Place("lance", tmp_path, DIM)
    vectors = unit(2400, 3)
    files = [{"path": f"/photos/{number}.jpg"} for number in range(len(vectors))]
    with made.writable() as store:
        table = store.engine._table  # type: ignore[attr-defined]
        before = 0
        for rows, parts in ((500, 10), (700, 10), (2100, 42), (2400, 42)):
            store.engine.add(table_of(files[before:rows], vectors[before:rows]))
            if rows == 2400:  # as a kill between making the new one and dropping the old one leaves it
                table.create_index("vector", config=IvfFlat(num_partitions=3), name="vector_in_3")
            store.engine.tidy()
            assert [each.name for each in table.list_indices()] == [f"vector_in_{parts}"]
            found = store.engine.nearest(vectors[rows - 1], 5)
            np.testing.assert_array_equal(found.vectors[0], vectors[rows - 1])
            before = rows


def test_an_index_that_was_tidied_meanwhile_is_read_as_it_is_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that holds an index open for longer than old files are kept."""
    monkeypatch.setattr(lance, "KEPT", timedelta(0))
    made, vectors = Place("lance", tmp_path, DIM), unit(300, 5)
    files = [{"path": f"/photos/{number}.jpg", "width": number} for number in range(len(vectors))]
    wide = read_where("width >= 100")

    def change(rows: slice, gone: int) -> None:
        with made.writable() as store:
            store.engine.add(table_of(files[rows], vectors[rows]))
            store.engine.delete([id_of(f"/photos/{number}.jpg") for number in range(gone)])
            store.engine.tidy()

    change(slice(0, 200), 0)
    reads: dict[str, Callable[[VectorEngine], object]] = {
        "count": lambda engine: engine.count(wide),
        "nearest": lambda engine: [
            each["path"] for each in engine.facts(engine.nearest(vectors[299], 1, wide).keys)
        ],
        "scan": lambda engine: sum(len(each.keys) for each in engine.scan(wide)),
        "get": lambda engine: engine.get([id_of("/photos/299.jpg")])["width"].to_pylist(),
    }
    held = {name: made.open().engine for name in reads}
    for name, read in reads.items():
        read(held[name])
    change(slice(200, 300), 50)
    expected = {"count": 200, "nearest": ["/photos/299.jpg"], "scan": 200, "get": [299]}
    assert {name: read(held[name]) for name, read in reads.items()} == expected


def test_the_range_of_scores_sorts_as_they_do() -> None:
    for wanted in (0, 1):
        score = question(unit(wanted, 1), unit(2, 2), "gate")
        values = np.sort(score.parts(unit(200, 9))[0])
        shown = score.in_range(values)
        assert 0 <= shown.min() <= shown.max() <= 1
        assert (np.diff(shown) >= 0).all()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, encoder: ClipEncoder) -> Path:
    folder = tmp_path_factory.mktemp("searched")
    for number in range(30):
        draw(folder / "photos" / f"{number}.png", number)
    bring_up_to_date(folder / "db", [folder / "photos"], encoder)
    return folder


def test_an_index_from_python(photos: Path, encoder: ClipEncoder) -> None:
    index = Index(Place.store(photos / "db"), encoder)
    found = index.search("a beach", without=["people", "a red car:0.5"], top=4, reader="none")
    assert found.understood == "a beach, NOT people, NOT a red car (weight 0.5)"
    assert len(found) == 4
    assert all(0 <= hit.score <= 1 and set(hit.negated) == {"people", "a red car"} for hit in found)
    html = found._repr_html_()
    assert html.count("<img") == 4
    like = index.search(image=photos / "photos" / "3.png", top=1, reader="none")
    assert like[0].path == str(photos / "photos" / "3.png")
    assert not index.search("a beach", reader="none", where="width > 4000")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "needs a QUERY"),
        ({"query": "x", "top": 0}, "top is 0"),
        ({"query": "x", "top": "5"}, "top is '5': it must be a whole number from 1 to 10,000"),
        ({"query": "x", "top": True}, "top is True"),
        ({"query": "x", "top": 2.5}, "top is 2.5"),
        ({"query": None}, "query is None: it must be a text"),
        ({"query": b"x"}, "query is b'x'"),
        ({"query": "x", "without": "people"}, r"write without=\['people'\]"),
        ({"query": "x", "without": [1]}, r"without is \[1\]: it must be a list of texts"),
        ({"query": "x", "without": None}, "without is None"),
        ({"query": "x", "topk": 3}, "no option topk: known are without, query, top, image"),
        ({"query": "x", "image": 3}, "image is 3: it must be the path of a file"),
        ({"query": "x", "where": 3}, "where is 3"),
        ({"query": "x", "min_probability": "0.5"}, "min_probability is '0.5'"),
        ({"query": "x", "min_probability": float("nan")}, "min_probability is nan"),
        ({"query": "x", "min_probability": 2}, "min_probability is 2: it must be a number from 0 to 1"),
        ({"query": "x", "score": "dot"}, "score is 'dot': it must be one of gate, subtract"),
        ({"query": "x", "reader": "oracle"}, "no reader 'oracle'"),
        ({"query": "x", "without": [" "]}, "without is empty"),
        ({"query": "x", "without": ["a car:99"]}, "weight must be above 0"),
        ({"without": ["x"], "score": "cosine"}, "takes nothing away"),
        ({"query": "x", "where": "1=1"}, "a column"),
        ({"image": "nowhere.png"}, "nowhere.png does not exist"),
    ],
)
def test_wrong_options(photos: Path, encoder: ClipEncoder, options: dict[str, object], says: str) -> None:
    index = Index(Place.store(photos / "db"), encoder)
    with pytest.raises(OmniNegClipError, match=says):
        index.search(**{"reader": "none"} | options)  # type: ignore[arg-type]


@pytest.mark.parametrize("db", ["qdrant://[::1", "qdrant://here:port/c", "qdrant://here:99999999/c"])
def test_an_address_that_is_none_is_one_sentence(db: str) -> None:
    with pytest.raises(OmniNegClipError, match="Qdrant can't use qdrant://"):
        open_store(db)
