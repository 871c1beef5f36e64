"""What is known of drawn scenes is kept with their rows, and results are right or wrong by it."""

import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from image_folders import Place, bring_up_to_date, draw, stored

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.errors import OmniNegClipError
from omninegclip.index.lance import LanceEngine
from omninegclip.index.question import Question, Unwanted
from omninegclip.index.rows import schema
from omninegclip.index.search import Index
from omninegclip.index.truth import SceneTruth, is_right
from omninegclip.scenes.objects import KINDS
from omninegclip.scenes.places import PLACES
from omninegclip.scenes.records import RECORDS, write_scenes


@pytest.mark.parametrize(
    ("affirmed", "denied", "right"),
    [
        ("a dog", ["a kite"], False),
        ("a dog", ["a cat"], True),
        ("dogs on the beach", ["cats", "cars"], True),
        ("a photo of a dog in the street", ["a cat"], False),
        ("a cat", [], False),
        ("", ["a cat"], True),
        ("", ["kites"], False),
        ("a dog", ["a ball"], False),  # a basketball is one
        ("a dog", ["a tennis ball"], True),
        ("a bear", [], False),  # a teddy bear is none
        ("a teddy bear", [], True),
        ("a dog", ["a red kite"], None),  # its colour is not known
        ("a dog", ["a red car"], True),  # there is no car at all
        ("a big dog", ["a kite"], False),
        ("a dog", ["people"], None),
        ("a catfish", [], None),
    ],
)
def test_a_question_beside_what_is_shown(affirmed: str, denied: list[str], right: bool | None) -> None:
    asked = Question(affirmed, tuple(map(Unwanted, denied)))
    assert is_right(asked, "beach, dog, kite, basketball, teddy bear") is right
    assert is_right(asked, "") is None


def test_every_kind_and_place_is_known_by_its_names() -> None:
    for kind in KINDS:
        for name in (kind.indefinite, kind.plural):
            assert is_right(Question(name), f"beach, {kind.singular}") is True
            assert is_right(Question("", (Unwanted(name),)), f"beach, {kind.singular}") is False
            others = ", ".join(other.singular for other in KINDS if other != kind)
            assert is_right(Question(name), f"beach, {others}") is False
    for place in PLACES:
        for name in (place.name, *place.phrases):
            assert is_right(Question(f"a dog {name}"), f"{place.name}, dog") is True


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, encoder: ClipEncoder) -> Path:
    folder = tmp_path_factory.mktemp("truth")
    write_scenes(folder / "demo", 12, 3)
    draw(folder / "demo" / "other.png", 1)
    bring_up_to_date(folder / "db", [folder / "demo" / "images", folder / "demo" / "other.png"], encoder)
    return folder


def test_rows_say_what_records_say(demo: Path) -> None:
    rows = stored(demo / "db")
    for record in pq.read_table(demo / "demo" / RECORDS).to_pylist():
        shown = rows.pop(str(demo / "demo" / record["image"]))["shows"]
        assert set(str(shown).split(", ")) == {record["place"], *record["objects_present"]}
    assert [row["shows"] for row in rows.values()] == [None]


def test_results_are_right_or_wrong_whatever_the_reader(demo: Path, encoder: ClipEncoder) -> None:
    index = Index(Place.store(demo / "db"), encoder)
    for options in ({}, {"reader": "none"}, {"score": "cosine"}):
        found = index.search("a beach without a kite", top=13, **options)  # type: ignore[arg-type]
        assert len(found) == 13
        for hit in found:
            shows = hit.facts["shows"]
            there = str(shows).split(", ")
            assert hit.right is (("beach" in there and "kite" not in there) if shows else None)


def test_what_is_known_moves_with_an_image(tmp_path: Path, encoder: ClipEncoder) -> None:
    write_scenes(tmp_path / "demo", 3, 3)
    bring_up_to_date(tmp_path / "db", [tmp_path], encoder)
    before = {row["content"]: row["shows"] for row in stored(tmp_path / "db").values()}
    shutil.move(tmp_path / "demo" / "images", tmp_path / "elsewhere")
    bring_up_to_date(tmp_path / "db", [tmp_path], encoder)
    assert {row["content"]: row["shows"] for row in stored(tmp_path / "db").values()} == before
    assert all(before.values())


@pytest.mark.parametrize("content", [b"", b"no parquet"])
def test_records_that_are_none_say_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / RECORDS).write_bytes(content)
    assert SceneTruth().shows(str(tmp_path / "images" / "0.png")) is None


@pytest.mark.parametrize(
    ("place", "objects"),
    [("beach", "dog"), (3, [1]), ("beach", ["dog", None]), ("beach", None), (None, ["dog"]), ("beach", [])],
)
def test_records_of_another_shape_say_nothing(tmp_path: Path, place: object, objects: object) -> None:
    rows = {"image": ["images/0.png"], "place": [place], "objects_present": [objects]}
    pq.write_table(pa.table(rows), tmp_path / RECORDS)
    assert SceneTruth().shows(str(tmp_path / "images" / "0.png")) is None


def test_records_that_would_fill_the_memory_say_nothing(tmp_path: Path) -> None:
    many = 300_000
    rows = {
        "image": pa.array(["images/0.png"] * many),
        "place": pa.array(["x" * 1000] * many),
        "objects_present": pa.array([["dog"]] * many),
    }
    pq.write_table(pa.table(rows), tmp_path / RECORDS, compression="zstd")
    assert (tmp_path / RECORDS).stat().st_size < 100_000
    assert SceneTruth().shows(str(tmp_path / "images" / "0.png")) is None


def test_a_pipe_of_records_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / RECORDS)
    assert SceneTruth().shows(str(tmp_path / "images" / "0.png")) is None


def test_a_table_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    import lancedb

    earlier = schema(4).remove(schema(4).get_field_index("shows"))
    lancedb.connect(tmp_path).create_table("images", schema=earlier)
    with pytest.raises(OmniNegClipError, match="earlier version, without the column shows"):
        LanceEngine(tmp_path, 4, writing=False)
