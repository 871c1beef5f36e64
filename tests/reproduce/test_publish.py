"""Publishing, against the stand-in hub."""

import json
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
from command_line import call
from stand_in_hub import StandInHub, ask_instead
from tiny_clip import tiny_encoder

from omninegclip.clip.io.load import load_clip
from omninegclip.clip.io.save import save_clip
from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.results import BenchmarkResult, save
from omninegclip.reproduce.publish import make_publication


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    stand_in = StandInHub()
    with stand_in.serve():
        ask_instead(stand_in, monkeypatch)
        monkeypatch.setenv("HF_TOKEN", "hf_of_nobody")
        yield stand_in


@pytest.fixture
def model(tmp_path: Path) -> Path:
    save_clip(tmp_path / "model", tiny_encoder(), base="openai/clip-vit-base-patch32")
    (tmp_path / "model/.hidden").write_text("stays here")
    return tmp_path / "model"


@pytest.fixture
def results(tmp_path: Path, model: Path) -> Path:
    for number, mark in enumerate((load_clip(model).fingerprint, "another")):
        facts = {"name": "m", "fingerprint": mark, "activation": "gelu", "logit_scale": 1.0, "dim": 16}
        figure = {
            "value": 0.4 + number / 10,
            "low": 0.3,
            "high": 0.6,
            "n": 100,
            "by": {},
            "blind": {"longest": 0.9},
        }
        result = BenchmarkResult("cc-neg", facts, "official", 0, {"presence": "accuracy"})
        result.figures = {"accuracy": figure}
        save(result, tmp_path / "results" / f"{number}.json")
    return tmp_path / "results"


def publish(model: Path, *more: str) -> tuple[int, str, str]:
    return call("publish", str(model), "me/negation", "--licence", "mit", *more)


@pytest.mark.parametrize(
    "licence",
    ["mit", "apache-2.0", "cc-by-4.0", "cc-by-nc-sa-4.0", "gpl-3.0", "bsd-3-clause", "openrail++", "other"],
)
def test_a_licence_of_the_hub_stands_in_the_card(model: Path, licence: str) -> None:
    found = make_publication(model, "me/x", licence=licence, base=None, results=())
    assert f"license: {licence}\n" in found.card


def test_without_yes_nothing_is_pushed_and_the_card_is_shown(hub, model, results):
    code, card, errors = publish(model, "--results", str(results))
    assert code == 0
    assert "license: mit" in card
    assert "base_model: openai/clip-vit-base-patch32" in card
    assert load_clip(model).fingerprint in card
    assert "40.0 % [30.0, 60.0], n 100 | 90.0 %" in card
    assert "50.0 %" not in card  # of another model
    assert "Nothing was pushed: add --yes" in " ".join(errors.split())
    assert not hub.pushed


def test_with_yes_all_files_and_the_card_are_pushed(hub, model, results):
    code, out, errors = publish(model, "--results", str(results), "--yes", "--json")
    assert code == 0, errors
    pushed = hub.pushed["me/negation"]
    assert json.loads(out)["pushed"].startswith(hub.address)
    for path in model.iterdir():
        if path.name not in ("README.md", ".hidden"):
            assert pushed[path.name] == path.read_bytes()
    assert ".hidden" not in pushed
    assert b"40.0 % [30.0, 60.0]" in pushed["README.md"]


def test_results_of_other_models_alone_are_an_error(hub, model, results):
    (results / "0.json").unlink()
    code, _, errors = publish(model, "--results", str(results))
    assert code == 1
    assert "holds no figure of" in " ".join(errors.split())


@pytest.mark.parametrize("name", ["negation", "a/b/c", "https://huggingface.co/me/x"])
def test_a_name_that_is_no_repository_is_refused(model, name):
    code, _, errors = call("publish", str(model), name, "--licence", "mit")
    assert code == 1
    assert "write owner/model" in " ".join(errors.split())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--licence", "MIT License"), "--licence MIT License: write an identifier of the hub, such as mit"),
        (("--licence", "bananas"), "--licence bananas: write an identifier of the hub, such as mit"),
        (("--licence", "mitt"), "--licence mitt: write an identifier of the hub, such as mit"),
        (("--licence", "mit or apache-2.0"), "write an identifier of the hub, such as mit"),
        (("--licence", "licenseref-mine"), "write an identifier of the hub, such as mit"),
        (("--licence", "mit", "--base", "runs/x/model"), "--base runs/x/model: write the id of a model"),
        (("--licence", "mit", "--results", "nowhere"), "nowhere"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_nothing_is_pushed(hub, model, options, said):
    code, out, errors = call("publish", str(model), "me/negation", "--yes", *options)
    assert (code, out) == (1, "")
    assert said in " ".join(errors.split())
    assert "Traceback" not in errors
    assert not hub.pushed


def test_a_base_that_the_folder_contradicts_is_refused(hub, model, tmp_path):
    with pytest.raises(OmniNegClipError, match="says that it was made from openai/clip-vit-base-patch32"):
        make_publication(model, "me/x", licence="mit", base="openai/clip-vit-large-patch14", results=())
    with pytest.raises(OmniNegClipError, match="the repository itself"):
        make_publication(model, "me/x", licence="mit", base="me/x", results=())
    save_clip(tmp_path / "ours", tiny_encoder(), base="scenes-small")
    with pytest.raises(OmniNegClipError, match="says that it was made from scenes-small"):
        make_publication(
            tmp_path / "ours", "me/x", licence="mit", base="openai/clip-vit-base-patch32", results=()
        )
    save_clip(tmp_path / "run", tiny_encoder(), base=str(tmp_path / "ours"))  # a folder says nothing
    found = make_publication(tmp_path / "run", "me/x", licence="mit", base="google/other", results=())
    assert "google/other" in found.card


def test_what_we_did_not_write_is_not_published(hub, tmp_path):
    code, _, errors = publish(tmp_path)
    assert code == 1
    assert "only what has a fingerprint is published" in " ".join(errors.split())


def test_a_hub_that_refuses_is_one_sentence(model, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    code, _, errors = publish(model, "--yes")
    assert code == 1
    assert "Can't push to me/negation" in " ".join(errors.split())
