"""A reader from records to figures, as its users run it."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from command_line import call
from run_place import Place

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip
from omninegclip.index.question import read_question
from omninegclip.index.search import Index
from omninegclip.reading.learned import AFFIRMED, FILE, load_reader, save_reader
from omninegclip.reading.reading import Reading
from omninegclip.scenes.tables import write_benchmark


@pytest.fixture(scope="module")
def reader(place: Place) -> Path:
    options = {"objective": "reader", "held_out_share": 0}
    code, output, errors = place.call("--out=reader", "--json", **options)
    assert code == 0, errors
    assert json.loads(output)["model"] == "reader/model"
    assert "Embedding the images" not in errors  # it learns from words alone
    return place.folder / "reader/model"


def test_a_run_writes_what_differs_from_the_model_and_a_card(reader: Path) -> None:
    assert sorted(path.name for path in reader.iterdir()) == ["README.md", "reader.safetensors"]
    card = (reader / "README.md").read_text()
    assert '--reader learned:"reader/model"' in card
    assert "CLIPModel" not in card


def test_evaluate_reads_with_it_and_refuses_another_model_before_any_work(place: Place, reader: Path) -> None:
    write_benchmark(place.folder / "scenes", 3, 24)
    background = [f"--count={60}", "--out=c.safetensors"]
    assert call("calibrate", "clip", "scenes/images", *background, cwd=place.folder)[0] == 0
    score = ["--suite=scenes", "--data=.", "--calibration=c.safetensors", "--json"]
    found = {}
    for name in ("rules", "learned:reader/model"):
        code, output, errors = call("evaluate", "clip", *score, f"--reader={name}", cwd=place.folder)
        assert code == 0, errors
        found[name] = json.loads(output)
    assert found["rules"] != found["learned:reader/model"]
    for model, name, says in (
        ("scenes-small", "learned:reader/model", "was made for another model, clip"),
        ("clip", "learned:nowhere", "nowhere does not exist"),
        ("clip", "learnt", "There is no reader 'learnt': it can be none, rules, llm, told or learned:PATH."),
    ):
        code, output, errors = call("evaluate", model, *score, f"--reader={name}", cwd=place.folder)
        assert (code, output) == (1, "")
        assert says in " ".join(errors.split())
        assert "Embedding" not in errors


def test_read_and_search_say_what_it_understood(place: Place, reader: Path) -> None:
    sentence = "a dog without a cat"
    encoder = load_clip(str(place.folder / "clip"))
    save_reader(reader / FILE, _of_one_part(encoder, 1), "clip", encoder.fingerprint)
    expected = load_reader(reader, encoder).read([sentence])[0]
    assert expected == Reading("", ("a dog without a cat",))  # what neither the rules say nor no reader
    options = ["--reader=learned:reader/model", "--model=clip"]
    code, output, errors = call("read", sentence, *options, "--json", cwd=place.folder)
    assert code == 0, errors
    (said,) = json.loads(output)
    assert (said["affirmed"], said["negated"]) == (expected.affirmed, list(expected.negated))
    code, _, errors = call("read", sentence, options[0], cwd=place.folder)
    assert code == 1
    assert "needs a model (--model), the one it was trained for" in errors
    write_benchmark(place.folder / "drawn", 3, 24)
    code, _, errors = call("index", "drawn/images", "--db=db", "--model=clip", cwd=place.folder)
    assert code == 0, errors
    code, output, errors = call("search", sentence, "--db=db", options[0], "--json", cwd=place.folder)
    assert code == 0, errors
    assert json.loads(output)["understood"] == read_question(sentence, (), "", _Said(expected)).understood
    code, _, errors = call("search", sentence, "--db=db", "--reader=learned:nowhere", cwd=place.folder)
    assert code == 1
    assert "nowhere does not exist: `omninegclip train --preset scenes-reader` makes a reader" in errors


def test_an_open_index_reads_with_what_was_trained_anew(place: Place, tmp_path: Path) -> None:
    write_benchmark(tmp_path / "drawn", 3, 24)
    clip = str(place.folder / "clip")
    assert call("index", "drawn/images", "--db=db", f"--model={clip}", cwd=tmp_path)[0] == 0
    index, file, name = Index.open(tmp_path / "db"), tmp_path / FILE, f"learned:{tmp_path}"
    encoder = load_clip(clip)
    said = []
    for part in (1, AFFIRMED):
        save_reader(file, _of_one_part(encoder, part), "clip", encoder.fingerprint)
        expected = load_reader(file, encoder).read(["a dog without a cat"])[0]
        understood = index.search("a dog without a cat", reader=name).understood
        assert understood == read_question("a dog without a cat", (), "", _Said(expected)).understood
        assert index.search("a dog without a cat", reader=name).understood == understood
        said.append(understood)
    assert len(set(said)) == 2


def _of_one_part(encoder: ClipEncoder, part: int) -> dict[str, torch.Tensor]:
    """Return weights with which every word is of one part, 1 being the first thing that is denied."""
    norm, projection = encoder.model.text_model.final_layer_norm, encoder.model.text_projection.weight
    ones = torch.zeros_like(projection)
    ones[part] = 1
    return {
        "text_model.final_layer_norm.weight": torch.zeros_like(norm.weight),
        "text_model.final_layer_norm.bias": torch.ones_like(norm.bias),
        "text_projection.weight": ones,
    }


class _Said:
    """A reader that says one reading of whatever it is asked."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    def read(self, sentences: Sequence[str]) -> list[Reading]:
        return [self.reading for _ in sentences]
