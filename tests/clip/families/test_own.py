"""The dual encoder of our own layout: what it computes, and what its folder holds and refuses."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_dual import tiny_own
from torch.nn import functional as F

from omninegclip.clip.families.own import EfficientNetLite, build_image_tower
from omninegclip.clip.io.load import load_clip
from omninegclip.clip.io.metadata import read_metadata
from omninegclip.clip.io.save import save_clip
from omninegclip.errors import OmniNegClipError

TEXTS = ["a dog on a mat", "no cat", "a mat, but no cat and no dog on it", "x"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_clip(tmp_path / "m", tiny_own(), base="random")
    return tmp_path / "m"


def test_a_text_is_the_mean_over_its_tokens() -> None:
    encoder = tiny_own()
    rows = []
    for ids in encoder.tokenize(TEXTS):
        with torch.no_grad():
            states = encoder.model.text_model(torch.tensor([ids])).last_hidden_state[0]
            mean = torch.stack([states[place] for place in range(len(ids))]).mean(dim=0)
            rows.append(F.normalize(encoder.model.text_projection.weight @ mean, dim=0))
    np.testing.assert_allclose(encoder.embed_text(TEXTS), torch.stack(rows), atol=1e-6)


def test_a_saved_model_comes_back_with_its_batch_norm(folder: Path) -> None:
    encoder, loaded = tiny_own(), load_clip(folder)
    assert np.array_equal(loaded.embed_text(TEXTS), encoder.embed_text(TEXTS))
    assert torch.equal(
        loaded.model.vision_model.norm.running_mean, encoder.model.vision_model.norm.running_mean
    )
    assert loaded.fingerprint == encoder.fingerprint == read_metadata(folder)["fingerprint"]
    assert loaded.image_fingerprint == encoder.image_fingerprint
    assert loaded.context_length == encoder.context_length
    assert not (folder / "config.json").exists(), "no library takes it for a model of its own"


def test_half_precision_is_stored_half_but_for_counts(tmp_path: Path) -> None:
    save_clip(tmp_path / "m", tiny_own(), base="random", dtype=torch.float16)
    kinds = {weight.dtype for weight in load_file(tmp_path / "m/model.safetensors").values()}
    assert kinds == {torch.float16, torch.int64}
    assert {weight.dtype for weight in load_clip(tmp_path / "m").model.parameters()} == {torch.float32}


@pytest.mark.parametrize("damage", ["missing", "shape", "nan"])
def test_damaged_weights_are_refused(folder: Path, damage: str) -> None:
    weights = load_file(folder / "model.safetensors")
    name = "text_projection.weight"
    if damage == "missing":
        del weights[name]
    else:
        weights[name] = weights[name][:3].clone() if damage == "shape" else weights[name] * torch.nan
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(OmniNegClipError, match=r"first text_projection\.weight: the folder is incomplete"):
        load_clip(folder)


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("model.safetensors", "model.safetensors"),
        ("preprocessor_config.json", "preprocessor_config.json"),
        ("tokenizer.json", "has no tokenizer"),
    ],
)
def test_an_incomplete_folder_is_refused(folder: Path, file: str, sentence: str) -> None:
    (folder / file).unlink()
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(OmniNegClipError, match=sentence):
        load_clip(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": "resnet"}, "no image tower 'resnet': known are"),
        ({"depth": 3}, "describes no dual encoder"),
    ],
)
def test_a_wrong_description_is_refused(folder: Path, change: dict[str, object], message: str) -> None:
    described = json.loads((folder / "dual_encoder.json").read_text())
    (folder / "dual_encoder.json").write_text(json.dumps(described | change))
    with pytest.raises(OmniNegClipError, match=message):
        load_clip(folder)


def test_an_activation_that_contradicts_is_refused(folder: Path) -> None:
    assert load_clip(folder, activation="gelu").activation == "gelu"
    with pytest.raises(OmniNegClipError, match="is gelu, not quick_gelu"):
        load_clip(folder, activation="quick_gelu")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(OmniNegClipError, match=r"pip install 'omninegclip\[photos\]'"):
        build_image_tower("efficientnet-lite2")


def test_the_efficientnet_gives_what_its_own_classifier_would_see() -> None:
    pytest.importorskip("efficientnet_lite_pytorch", reason="the extra [photos] is not installed")
    torch.manual_seed(0)
    tower = EfficientNetLite(0).eval()
    pixels = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(tower(pixels), tower.net(pixels))  # whose classifier is taken out
        assert tower(pixels).shape == (1, tower.width)
