import argparse
import copy
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPModel, CLIPTokenizer

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip
from omninegclip.clip.io.name import with_options
from omninegclip.clip.io.save import save_clip
from omninegclip.clip.io.weights import read_weights
from omninegclip.clip.parity import PROBE_TEXTS, probe_images
from omninegclip.commands.verify import verify
from omninegclip.errors import OmniNegClipError

State = dict[str, Tensor]


@pytest.fixture
def tokenizer_folder(tokenizer: CLIPTokenizer, tmp_path: Path) -> Path:
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    return tmp_path / "tokenizer"


def assert_embeds_like(loaded: ClipEncoder, reference: nn.Module) -> None:
    ids = loaded.tokenizer(
        list(PROBE_TEXTS),
        padding=True,
        truncation=True,
        max_length=loaded.context_length,
        return_tensors="pt",
    ).input_ids
    pixels = torch.stack([torch.from_numpy(loaded.transform(image)) for image in probe_images()])
    with torch.no_grad():
        texts = F.normalize(reference.encode_text(ids), dim=-1)
        images = F.normalize(reference.encode_image(pixels), dim=-1)
    np.testing.assert_allclose(loaded.embed_text(PROBE_TEXTS), texts, atol=1e-5)
    np.testing.assert_allclose(loaded.embed_image(probe_images()), images, atol=1e-5)


LAYOUTS: dict[str, Callable[[State], Any]] = {
    "bare": lambda state: state,
    "con_clip": lambda state: {
        "model": state,
        "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": []},
        "args": argparse.Namespace(lr=1e-6),
    },
    "negation_clip": lambda state: {"epoch": 3, "state_dict": state},
    "ddp": lambda state: {"state_dict": {f"module.{name}": weight for name, weight in state.items()}},
    "compiled": lambda state: {f"_orig_mod.{name}": weight for name, weight in state.items()},
    "custom_text": lambda state: {
        name if name.startswith(("visual.", "logit_scale")) else f"text.{name}": weight
        for name, weight in state.items()
    },
    "half": lambda state: {name: weight.half().float() for name, weight in state.items()},
    "scale_as_vector": lambda state: state | {"logit_scale": state["logit_scale"].reshape(1)},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_checkpoint_layout_embeds_as_its_model_did(
    layout: str, reference: nn.Module, tokenizer_folder: Path, tmp_path: Path
) -> None:
    torch.save(LAYOUTS[layout](reference.state_dict()), tmp_path / "checkpoint.pt")
    loaded = load_clip(tmp_path / "checkpoint.pt", activation="quick_gelu", tokenizer=tokenizer_folder)
    if layout == "half":
        reference.half().float()
    assert_embeds_like(loaded, reference)
    assert loaded.logit_scale == pytest.approx(np.exp(4.0), rel=1e-3)


def test_safetensors_with_gelu(gelu_reference: nn.Module, tokenizer_folder: Path, tmp_path: Path) -> None:
    save_file(gelu_reference.state_dict(), tmp_path / "model.safetensors")
    loaded = load_clip(tmp_path / "model.safetensors", activation="gelu", tokenizer=tokenizer_folder)
    assert_embeds_like(loaded, gelu_reference)
    assert loaded.context_length == 30


def test_openais_own_archive_is_read_without_running_it(
    reference: nn.Module, tokenizer_folder: Path, tmp_path: Path
) -> None:
    for name, value in (("input_resolution", 32), ("context_length", 24), ("vocab_size", 514)):
        reference.register_buffer(name, torch.tensor(value))
    reference.requires_grad_(False).half()
    module = torch.jit.trace_module(
        reference.float(),
        {"encode_image": torch.zeros(1, 3, 32, 32), "encode_text": torch.zeros(1, 24, dtype=torch.long)},
    )
    module.save(str(tmp_path / "ViT.pt"))
    loaded = load_clip(tmp_path / "ViT.pt", tokenizer=tokenizer_folder)
    assert loaded.activation == "quick_gelu"
    assert_embeds_like(loaded, reference)


def test_open_clip_folder(reference: nn.Module, tokenizer: CLIPTokenizer, tmp_path: Path) -> None:
    config = {
        "embed_dim": 32,
        "quick_gelu": True,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 128, "patch_size": 8},
        "text_cfg": {
            "context_length": 24,
            "vocab_size": len(tokenizer),
            "width": 64,
            "heads": 1,
            "layers": 2,
        },
    }
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "shortest"}
    (tmp_path / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": preprocess})
    )
    save_file(reference.state_dict(), tmp_path / "open_clip_model.safetensors")
    tokenizer.save_pretrained(tmp_path)
    loaded = load_clip(tmp_path)
    assert loaded.transform.mean == (0.5,) * 3
    assert_embeds_like(loaded, reference)
    with pytest.raises(
        OmniNegClipError, match=r"open_clip_config.json says quick_gelu, --activation says gelu"
    ):
        load_clip(tmp_path, activation="gelu")


def test_weights_that_do_not_say_their_activation_are_refused(
    reference: nn.Module, tokenizer_folder: Path, tmp_path: Path
) -> None:
    torch.save(reference.state_dict(), tmp_path / "model.pth")
    with pytest.raises(OmniNegClipError, match="does not say its activation: give --activation quick_gelu"):
        load_clip(tmp_path / "model.pth", tokenizer=tokenizer_folder)


def test_gelu_for_quick_gelu_is_refused(encoder: ClipEncoder, tmp_path: Path) -> None:
    save_clip(tmp_path / "m", encoder, base="random")
    with pytest.raises(OmniNegClipError, match="contradictory"):
        load_clip(tmp_path / "m", activation="gelu")
    config = (tmp_path / "m/config.json").read_text()
    (tmp_path / "m/config.json").write_text(config.replace("quick_gelu", "gelu"))
    with pytest.raises(OmniNegClipError, match=r"text_config says gelu, .*json says quick_gelu"):
        load_clip(tmp_path / "m")


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("exploded",)


@pytest.mark.parametrize("nest", [lambda bomb: bomb, lambda bomb: {"model": {"visual.conv1.weight": bomb}}])
def test_a_pickle_that_would_run_code_does_not(
    nest: Callable[[object], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(nest(Bomb()), tmp_path / "bomb.pt")
    with pytest.raises(
        OmniNegClipError, match=r"bomb\.pt holds more than plain weights, and reading that could run"
    ):
        load_clip(tmp_path / "bomb.pt")
    assert not (tmp_path / "exploded").exists()


def test_a_hugging_face_folder_with_such_a_pickle_is_refused(
    encoder: ClipEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_clip(tmp_path / "m", encoder, base="random")
    (tmp_path / "m/model.safetensors").unlink()
    torch.save({"logit_scale": Bomb()}, tmp_path / "m/pytorch_model.bin")
    with pytest.raises(OmniNegClipError, match="m"):
        load_clip(tmp_path / "m")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("name", ["model.safetensors", "model.pt"])
def test_truncated_files_are_refused(name: str, reference: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / name
    save = save_file if path.suffix == ".safetensors" else torch.save
    save(reference.state_dict(), path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(OmniNegClipError, match="truncated or not a weight file"):
        load_clip(path)
    path.write_text("no weights")
    with pytest.raises(OmniNegClipError, match="truncated or not a weight file"):
        load_clip(path)


def test_damaged_folders_are_refused(encoder: ClipEncoder, tmp_path: Path) -> None:
    save_clip(tmp_path / "m", encoder, base="random")
    path = tmp_path / "m/model.safetensors"
    weights = load_file(path)
    spoiled = {name: weight.clone() for name, weight in weights.items()}
    spoiled["text_projection.weight"][0, 0] = float("nan")
    save_file(spoiled, path, metadata={"format": "pt"})
    with pytest.raises(OmniNegClipError, match=r"not finite, first text_projection\.weight"):
        load_clip(tmp_path / "m")
    save_file(weights | {"adapter.weight": torch.zeros(2)}, path, metadata={"format": "pt"})
    with pytest.raises(OmniNegClipError, match=r"has weights no CLIP has, first adapter\.weight"):
        load_clip(tmp_path / "m")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(OmniNegClipError, match="Can't load the weights"):
        load_clip(tmp_path / "m")


def test_swapped_towers_are_refused(reference: nn.Module, tokenizer_folder: Path, tmp_path: Path) -> None:
    state = reference.state_dict()
    swapped = {
        f"visual.{name}"
        if name.startswith("transformer.")
        else name.removeprefix("visual.")
        if name.startswith("visual.transformer.")
        else name: weight
        for name, weight in state.items()
    }
    torch.save(swapped, tmp_path / "model.pt")
    with pytest.raises(OmniNegClipError, match="does not match the architecture that it claims"):
        load_clip(tmp_path / "model.pt", activation="quick_gelu", tokenizer=tokenizer_folder)


def test_other_models_are_refused(tmp_path: Path, reference: nn.Module) -> None:
    torch.save({"layer1.0.conv1.weight": torch.zeros(2)}, tmp_path / "resnet.pt")
    with pytest.raises(OmniNegClipError, match="holds no CLIP with a vision transformer"):
        load_clip(tmp_path / "resnet.pt")
    torch.save({"model": reference.state_dict(), "ema": reference.state_dict()}, tmp_path / "two.pt")
    with pytest.raises(OmniNegClipError, match=r"several models \(\['model'\], \['ema'\]\)"):
        load_clip(tmp_path / "two.pt")


def test_legacy_end_of_text_in_a_config(encoder: ClipEncoder, tmp_path: Path) -> None:
    save_clip(tmp_path / "m", encoder, base="random")
    config = json.loads((tmp_path / "m/config.json").read_text())
    config["text_config"]["eos_token_id"] = 2
    (tmp_path / "m/config.json").write_text(json.dumps(config))
    loaded = load_clip(tmp_path / "m")
    np.testing.assert_allclose(loaded.embed_text(PROBE_TEXTS), encoder.embed_text(PROBE_TEXTS), atol=1e-6)
    theirs = CLIPModel.from_pretrained(tmp_path / "m")
    ids = encoder.tokenizer(
        list(PROBE_TEXTS), padding=True, truncation=True, max_length=24, return_tensors="pt"
    )
    with torch.no_grad():
        pooled = F.normalize(theirs.get_text_features(**ids).pooler_output, dim=-1)
    np.testing.assert_allclose(loaded.embed_text(PROBE_TEXTS), pooled, atol=1e-5)


def test_a_hub_id_without_a_network_ends_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        OmniNegClipError, match="nobody/no-model is not a local file or folder, and can't be downloaded"
    ):
        load_clip("nobody/no-model")


def test_code_in_a_tokenizer_folder_is_not_run(
    encoder: ClipEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_clip(tmp_path / "m", encoder, base="random")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m/evil.py").write_text("import os; os.mkdir('exploded')")
    path = tmp_path / "m/tokenizer_config.json"
    config = json.loads(path.read_text()) | {"auto_map": {"AutoTokenizer": ["evil.Evil", None]}}
    path.write_text(json.dumps(config | {"tokenizer_class": "Evil"}))
    load_clip(tmp_path / "m")
    assert not (tmp_path / "exploded").exists()


NUMBERS = [np.float64(0.5), np.float32(0.5), np.int64(3), np.bool_(True), np.dtype(">f8").type(2.0)]


@pytest.mark.parametrize("old_numpy", [False, True])
def test_a_checkpoint_may_hold_numpys_numbers(old_numpy: bool, reference: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "epoch_30.pt"
    torch.save({"state_dict": reference.state_dict(), "loss": dict(enumerate(NUMBERS))}, path)
    if old_numpy:  # the names of NumPy 1, in an archive that is as torch.save would have made it
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content.replace(b"numpy._core.multi", b"numpy.core.multi"))
    assert "visual.conv1.weight" in read_weights(path)


def test_a_number_of_numpys_is_a_number_alone(reference: nn.Module, tmp_path: Path) -> None:
    for each in (np.str_("x"), np.zeros((), "V8")[()], np.zeros(2)):
        torch.save({"state_dict": reference.state_dict(), "loss": each}, tmp_path / "m.pt")
        with pytest.raises(OmniNegClipError, match="holds more than plain weights"):
            read_weights(tmp_path / "m.pt")


@pytest.mark.parametrize(("scale", "sentence"), [(9.0, None), (1000.0, "is inf"), (-1000.0, "is 0")])
def test_a_scale_that_no_training_leaves_is_said(
    scale: float,
    sentence: str | None,
    encoder: ClipEncoder,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save_clip(tmp_path / "m", encoder, base="random")
    weights = load_file(tmp_path / "m/model.safetensors")
    (tmp_path / "m/omninegclip.json").unlink()
    save_file(weights | {"logit_scale": torch.tensor(scale)}, tmp_path / "m/model.safetensors")
    if sentence:
        with pytest.raises(OmniNegClipError, match=f"is damaged: its logit scale {sentence}"):
            load_clip(tmp_path / "m")
        return
    load_clip(tmp_path / "m")
    said = " ".join(capsys.readouterr().err.split())
    assert "its logit scale is 8,103.08, and training leaves one above 0" in said
    with pytest.raises(OmniNegClipError, match=r"is not what it should be: logit scale \(its logit"):
        verify(str(tmp_path / "m"))


def test_options_reach_the_models_that_need_them(
    reference: nn.Module, encoder: ClipEncoder, tokenizer_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "bare").mkdir()
    torch.save(reference.state_dict(), tmp_path / "bare/epoch_30.pt")
    save_clip(tmp_path / "m", encoder, base="random")
    names = [str(tmp_path / "m"), str(tmp_path / "bare/epoch_30.pt")]
    for name in with_options(names, "gelu", tokenizer_folder):
        sent = copy.copy(name)  # as on the way to another process
        assert load_clip(sent).activation == ("gelu" if name == names[1] else "quick_gelu")
    with pytest.raises(OmniNegClipError, match="contradictory"):
        load_clip(*with_options(names[:1], "gelu", None))
