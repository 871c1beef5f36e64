"""Cosines by layer, against the model called text by text."""

import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from tiny_dual import tiny_own

from omninegclip.clip.io.load import load_clip
from omninegclip.commands.study import layers
from omninegclip.errors import OmniNegClipError
from omninegclip.report.layer_curves import read_csv, to_csv
from omninegclip.study.layers import caption_pairs, layer_cosines


def test_cosines_are_those_of_texts_encoded_alone() -> None:
    encoder = load_clip("scenes-small")
    pairs = caption_pairs(0, 5)
    found = layer_cosines(encoder, pairs)
    for kind, both in pairs.items():
        alone = []
        for texts in both:
            states = []
            for text in texts:
                ids = torch.tensor([encoder.tokenize([text])[0]])
                with torch.no_grad():
                    output = encoder.model.text_model(input_ids=ids, output_hidden_states=True)
                states.append(torch.stack([state[0, -1] for state in output.hidden_states]))
            alone.append(F.cosine_similarity(states[0], states[1], dim=-1))
        expected = torch.stack(alone).mean(dim=0).tolist()
        assert found[kind][:-1] == pytest.approx(expected, abs=1e-4), kind
        first, second = (encoder.embed_text(list(side)) for side in zip(*both, strict=True))
        assert found[kind][-1] == pytest.approx(float((first * second).sum(axis=1).mean()), abs=1e-4)
    assert len(found["presence"]) == 12 + 2


def test_negated_captions_differ_from_their_captions_and_seeds_from_each_other() -> None:
    pairs = caption_pairs(0, 20)
    assert all(caption != negated for kind in ("presence", "absence") for caption, negated in pairs[kind])
    assert caption_pairs(0, 20) == pairs
    assert caption_pairs(1, 20) != pairs


def test_models_of_different_depth_stand_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    curves = {
        "deep": {"presence": [0.91, 0.81, 0.71, 0.61], "absence": [0.92, 0.82, 0.72, 0.62]},
        "flat": {"presence": [0.93, 0.83, 0.63], "absence": [0.94, 0.84, 0.64]},
    }
    monkeypatch.setattr("omninegclip.study.layers.compare_layers", lambda *_: curves)
    layers(["deep", "flat"], out=tmp_path)
    assert read_csv(tmp_path / "layers.csv") == curves
    assert (tmp_path / "layers.svg").exists()
    printed = capsys.readouterr().out
    rows = [re.findall(r"block 1|output|0\.\d+", line) for line in printed.splitlines()]
    assert ["block 1", "0.710", "0.720"] in rows
    assert ["output", "0.610", "0.620", "0.630", "0.640"] in rows


def test_a_csv_of_layers_that_lacks_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "layers.csv"
    path.write_text(to_csv({"m": {"presence": [1.0, 0.9, 0.8], "absence": [1.0, 0.9]}}))
    with pytest.raises(OmniNegClipError, match="'m' lacks cosines"):
        read_csv(path)
    path.write_text("model,pair,layer,cosine\nm,presence,embeddings,high\n")
    with pytest.raises(OmniNegClipError, match="line 2, must hold model, pair, layer, cosine"):
        read_csv(path)


def test_a_tower_that_is_not_causal_is_refused() -> None:
    with pytest.raises(OmniNegClipError, match="text tower of a DualEncoderModel is not causal"):
        layer_cosines(tiny_own(), caption_pairs(0, 2))
