from pathlib import Path

import pytest
import torch

from omninegclip.clip.io.load import load_clip
from omninegclip.run.job import Data, Job, triplets_of
from omninegclip.training.preset import load_preset


def test_training_says_how_many_texts_are_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    encoder = load_clip("scenes-small")
    long = "a cat and " * 2 * encoder.context_length
    record = {"image_id": "1", "caption": "a cat", "presence_negated": f"{long} but no cat"}
    record |= {
        "absence_negated": "a cat and no dog",
        "contrast_set": [{**statement(), "text": f"{long} no dog"}],
    }
    job = Job((tmp_path,), None, "scenes-paper", load_preset("scenes-paper"), tmp_path, 0, tmp_path)
    triplets_of(job, encoder, Data([record], [], [b""]), torch.zeros(1, encoder.dim))
    said = " ".join(capsys.readouterr().err.split())
    assert f"2 of 4 texts are longer than the {encoder.context_length} tokens that the model reads" in said


def statement() -> dict[str, object]:
    return {"affirms": ["cat"], "negates": ["dog"], "holds": True, "affirmed": "a cat"}
