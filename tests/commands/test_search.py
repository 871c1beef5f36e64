"""The verbs `index` and `search` on drawn scenes, with the model that ships."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from command_line import call
from torch import nn
from transformers import CLIPTokenizer

from omninegclip.errors import OmniNegClipError
from omninegclip.files import read_sealed, write_sealed
from omninegclip.index.search import Index


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    assert call("scenes", "demo", "--count", "40", cwd=folder)[0] == 0
    (folder / "demo" / "broken.jpg").write_bytes(b"no image")
    code, output, errors = call("index", "demo", "--db", "db", cwd=folder)
    assert (code, output) == (
        0,
        "40 new, 0 changed, 0 moved, 0 deleted, 0 unchanged, 1 unreadable; the index holds 40 images\n",
    )
    assert "scenes-small is used, which knows drawn scenes and no photos" in errors
    assert "broken.jpg: " in errors
    return folder


def found(place: Path, *arguments: str) -> tuple[int, str, str]:
    return call("search", *arguments, "--db", "db", "--reader", "none", "--top", "5", cwd=place)


def test_again(place: Path) -> None:
    code, output, _ = call("index", "demo", "--db", "db", "--json", cwd=place)
    changes = json.loads(output)
    assert (code, changes["unchanged"], changes["new"], changes["total"]) == (0, 40, 0, 40)


def test_a_search(place: Path) -> None:
    code, output, errors = found(place, "a dog", "--without", "a ball", "--json")
    assert code == 0
    assert "Looking for: a dog, NOT a ball" in errors
    answer = json.loads(output)
    assert len(answer["results"]) == 5
    scores = [each["score"] for each in answer["results"]]
    assert scores == sorted(scores, reverse=True)
    paths = [each["path"] for each in answer["results"]]
    assert found(place, "a dog", "--without", "a ball", "--paths")[1].split() == paths
    explained = found(place, "a dog", "--without", "a ball", "--explain")[1]
    assert explained.count("what is affirmed") == explained.count("a ball") == 5


def test_right_and_wrong_are_marked(place: Path) -> None:
    answer = json.loads(found(place, "a dog", "--without", "a ball", "--json")[1])
    lines = found(place, "a dog", "--without", "a ball")[1].splitlines()
    assert {each["right"] for each in answer["results"]} <= {True, False}
    for line, each in zip(lines, answer["results"], strict=True):
        there = each["facts"]["shows"].split(", ")
        right = "dog" in there and not any(name.endswith("ball") for name in there)
        assert each["right"] is right
        assert line.split() == [f"{each['score']:.3f}", "right" if right else "wrong", each["path"]]


def test_a_query_may_begin_with_a_minus(place: Path) -> None:
    for query, says in (
        ("-people", "anything, NOT people"),
        ("-people beach", "beach, NOT people"),
        ("beach -people", "beach, NOT people"),
    ):
        for words in ([query], query.split()):
            code, output, errors = call("search", *words, "--db", "db", "--top", "3", cwd=place)
            assert (code, len(output.splitlines())) == (0, 3), errors
            assert f"Looking for: {says}" in errors


def test_the_shell_takes_the_quotes_of_a_phrase(place: Path) -> None:
    for words in (("beach", "-red car", "-dog"), ('beach -"red car" -dog',)):
        errors = call("search", *words, "--db", "db", "--top", "1", cwd=place)[2]
        assert "Looking for: beach, NOT a red car, NOT a dog" in errors


def test_only_is_told_and_marked_by_all_that_an_image_shows(place: Path) -> None:
    code, output, errors = call("search", "only a dog", "--db", "db", "--json", cwd=place)
    assert code == 0
    assert "a dog, NOT something else" in errors
    results = json.loads(output)["results"]
    for each in results:
        assert each["right"] is (each["facts"]["shows"].split(", ")[1:] == ["dog"])
        assert set(each["negated"]) == {"something else"}


def test_a_result_is_one_line_whatever_its_name(place: Path, tmp_path: Path) -> None:
    image = next((place / "demo").rglob("*.png"))
    shutil.copy(image, tmp_path / "a\nb.png")
    assert call("index", ".", "--db", "db", cwd=tmp_path)[0] == 0
    lines = call("search", "a dog", "--db", "db", cwd=tmp_path)[1].splitlines()
    assert [line.split("  ")[-1] for line in lines] == [f"{tmp_path}/a\\nb.png"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("a dog", "--wihtout", "a ball"), "search has no option --wihtout"),
        (("a dog", "-top", "5"), "search has no option -top: did you mean --top? To exclude"),
        (("a", "dog", "-top=5"), "search has no option -top: did you mean --top? To exclude"),
        (("-min-probability", "0.5", "a", "dog"), "did you mean --min-probability?"),
        (("a dog", "-paths"), "did you mean --paths?"),
        (("a dog", "--where", "1 = 1"), "a column (path"),
        (("a dog", "--show"), "draws in a terminal"),
        (("a dog", "--paths", "--json"), "choose one"),
        (("a dog", "--paths", "--explain"), "choose one"),
        (("a dog", "--json", "--show"), "choose one"),
        ((), "needs a QUERY"),
    ],
)
def test_wrong_searches(place: Path, arguments: tuple[str, ...], says: str) -> None:
    code, output, errors = found(place, *arguments)
    assert (code, output) == (1, "")
    assert says in errors.splitlines()[-1]


@pytest.mark.parametrize("word", ["-people", "-tops", "-to", "-Top", "-red car"])
def test_a_dash_before_what_is_no_option_excludes(place: Path, word: str) -> None:
    code, _, errors = call("search", "a dog", word, "--db", "db", cwd=place)
    assert code == 0, errors
    assert "Looking for: a dog, NOT " in errors


def test_no_index(place: Path) -> None:
    code, _, errors = call("search", "a dog", "--db", "nowhere", cwd=place)
    assert code == 1
    assert "nowhere holds no index of images" in errors


def test_a_folder_that_is_not_there_makes_no_index(tmp_path: Path) -> None:
    code, _, errors = call("index", "nofolder", "--db", "db", cwd=tmp_path)
    assert (code, "nofolder does not exist" in errors) == (1, True)
    assert not (tmp_path / "db").exists()


@pytest.mark.parametrize("name", ["photos.tar", "s3://bucket/photos.parquet"])
def test_images_in_files_need_ray(name: str, tmp_path: Path) -> None:
    code, _, errors = call("index", name, "--db", "db", cwd=tmp_path)
    assert (code, f"{name} needs --engine ray" in " ".join(errors.split())) == (1, True)
    assert not (tmp_path / "db").exists()


def test_without_ray_its_engine_says_how_to_get_it(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    code, _, errors = call("index", str(place / "demo"), "--db", "db", "--engine", "ray", cwd=tmp_path)
    assert (code, "pip install 'omninegclip[ray]'" in " ".join(errors.split())) == (1, True)
    assert not (tmp_path / "db").exists()


@pytest.mark.parametrize("makes_it", [True, False])
def test_what_is_refused_after_the_index_is_made_leaves_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, makes_it: bool
) -> None:
    asked = ("index", "memory://nowhere", "--db", "deep/db")
    if not makes_it:
        monkeypatch.setitem(sys.modules, "lancedb", None)
    code, _, errors = call(*asked, cwd=tmp_path)
    says = "memory://nowhere holds no files" if makes_it else "needs LanceDB"
    assert (code, says in " ".join(errors.split())) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_an_index_with_rows_outlives_what_is_refused(place: Path, tmp_path: Path) -> None:
    db = str(shutil.copytree(place / "db", tmp_path / "db"))
    asked = ("search", "a dog", "--db", db, "--reader", "none", "--paths")
    before = call(*asked, cwd=place)
    assert call("index", "memory://nowhere", "--db", db, cwd=place)[0] == 1
    assert call(*asked, cwd=place)[:2] == before[:2]


def test_folders_and_files_of_images_are_not_mixed(place: Path, tmp_path: Path) -> None:
    code, _, errors = call(
        "index", str(place / "demo"), "a.tar", "--db", "db", "--engine", "ray", cwd=tmp_path
    )
    assert (code, "can't be mixed" in errors) == (1, True)
    assert not (tmp_path / "db").exists()


def test_an_index_without_its_table_is_damaged_and_left_as_it_is(place: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(place / "db", tmp_path / "db")
    shutil.rmtree(copied / "images.lance")
    code, output, errors = call("search", "a dog", "--db", "db", cwd=tmp_path)
    assert (code, output) == (1, "")
    assert "db is damaged: its table is gone." in errors
    assert not (copied / "images.lance").exists()


@pytest.mark.parametrize("number", ["1.5", "1e3", "1e400", "-1.0", "9223372036854775808"])
def test_a_number_that_no_size_can_be_is_refused_in_our_words(place: Path, number: str) -> None:
    code, _, errors = found(place, "a dog", "--where", f"size > {number}")
    assert code == 1
    assert f"--where compares size with {number}: write a whole number" in " ".join(errors.split())


def test_the_cosine_takes_nothing_away_and_says_so(place: Path) -> None:
    code, _, errors = found(place, "a dog", "--without", "a ball", "--score", "cosine")
    assert code == 1
    assert "The score cosine takes nothing away" in errors


@pytest.fixture
def bare(place: Path, reference: nn.Module, tokenizer: CLIPTokenizer, tmp_path: Path) -> Path:
    """Return a folder with an index that bare weights with OpenAI's names made, told of once."""
    torch.save({"state_dict": reference.state_dict()}, tmp_path / "epoch_30.pt")
    tokenizer.save_pretrained(tmp_path / "words")
    given = ("--model", "epoch_30.pt", "--activation", "quick_gelu", "--tokenizer", "words")
    code, output, errors = call("index", str(place / "demo"), "--db", "db", *given, cwd=tmp_path)
    assert (code, output.startswith("40 new")) == (0, True), errors
    return tmp_path


def test_bare_weights_are_told_of_once(bare: Path, place: Path) -> None:
    asked = ("search", "a dog", "--reader", "none", "--top", "3", "--db", str(bare / "db"), "--paths")
    code, output, errors = call(*asked, cwd=place)
    assert (code, len(output.split())) == (0, 3), errors
    again = call("index", str(place / "demo"), "--db", str(bare / "db"), "--json", cwd=place)
    assert (again[0], json.loads(again[1])["unchanged"]) == (0, 40)
    moved = (bare / "epoch_30.pt").rename(bare / "moved.pt")
    assert call(*asked, "--model", str(moved), cwd=place)[:2] == (0, output)
    (bare / "words").rename(bare / "elsewhere")
    assert "has no tokenizer" in call(*asked, "--model", str(moved), cwd=place)[2]
    index = Index.open(bare / "db", model=str(moved), tokenizer=bare / "elsewhere")
    assert [hit.path for hit in index.search("a dog", top=3, reader="none")] == output.split()


def test_another_activation_than_that_of_the_index_is_refused(bare: Path, place: Path) -> None:
    for verb, what in (("search", "a dog"), ("index", str(place / "demo"))):
        code, output, errors = call(verb, what, "--db", "db", "--activation", "gelu", cwd=bare)
        assert (code, output) == (1, "")
        assert "db was made with another model than this one" in errors
        assert "epoch_30.pt --activation quick_gelu --tokenizer" in errors
    with pytest.raises(OmniNegClipError, match="another model than this one"):
        Index.open(bare / "db", activation="gelu")


def test_what_is_kept_of_bare_weights_does_not_reach_another_model(bare: Path) -> None:
    code, _, errors = call("search", "a dog", "--db", "db", "--model", "scenes-small", cwd=bare)
    assert code == 1
    assert "db holds vectors of 32 numbers" in errors


def test_an_index_without_word_of_the_weights_opens(place: Path, tmp_path: Path) -> None:
    """As they were made before indexes kept it."""
    copied = shutil.copytree(place / "db", tmp_path / "db")
    header = read_sealed(copied / "index.json")
    del header["activation"], header["tokenizer"]
    write_sealed(copied / "index.json", header)
    assert len(Index.open(copied, device="cpu").search("a dog", top=3, reader="none")) == 3
