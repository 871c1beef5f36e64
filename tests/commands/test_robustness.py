"""The verb on a model that ships, with very few questions."""

import json
from pathlib import Path

import pytest

from omninegclip.cli import app
from omninegclip.clip.io.load import load_clip
from omninegclip.clip.io.save import save_clip
from omninegclip.errors import OmniNegClipError
from omninegclip.scenes.robustness import PROBES


def run(*arguments: str) -> None:
    app(["robustness", "scenes-small", *arguments], result_action="return_value")


def test_json_is_one_object_with_every_model_probe_and_question(capsys: pytest.CaptureFixture[str]) -> None:
    run("--count", "8", "--json")
    found = json.loads(capsys.readouterr().out)
    assert list(found["models"]) == ["scenes-small"]
    assert list(found["models"]["scenes-small"]) == list(found["blind"]) == list(PROBES)
    for figures in found["models"]["scenes-small"].values():
        assert list(figures) == ["picture_choice", "caption_choice", "control"]
        assert [each["n"] for groups in figures.values() for each in groups.values()] == [4, 4, 4, 4, 8]


def test_the_table_has_a_column_per_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    save_clip(tmp_path / "copy", load_clip("scenes-small"), base="scenes-small", card="")
    run(str(tmp_path / "copy"), "--count", "4", "--seed", "1")
    out = capsys.readouterr().out
    for text in ("Double negation", "two images, held-out objects", "plain control", "scenes-small", "copy"):
        assert text in out
    assert "±0.0 %" in out, "the same model answers the same"
    assert "▲ +" not in out
    assert "▼ −" not in out


def test_too_few_questions_are_refused_before_a_model_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omninegclip.study.robustness.load_clip", None)
    with pytest.raises(OmniNegClipError, match="--count must be 4 or more"):
        run("--count", "2")
