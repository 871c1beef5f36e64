import json
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPModel, CLIPTextModel

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip
from omninegclip.clip.io.metadata import read_metadata
from omninegclip.clip.io.save import save_clip
from omninegclip.errors import OmniNegClipError

TEXTS = ["a cat", "no dog"]


def test_a_saved_model_comes_back_the_same(encoder: ClipEncoder, tmp_path: Path) -> None:
    save_clip(tmp_path / "m", encoder, base="random", extra={"step": 7})
    loaded = load_clip(tmp_path / "m")
    assert np.array_equal(loaded.embed_text(TEXTS), encoder.embed_text(TEXTS))
    assert loaded.transform == encoder.transform
    metadata = read_metadata(tmp_path / "m")
    assert metadata["step"] == 7
    assert metadata["base"] == "random"
    assert metadata["activation"] == "quick_gelu"
    assert metadata["fingerprint"] == loaded.fingerprint == encoder.fingerprint


def test_half_precision_is_stored_half_and_loaded_as_float32(encoder: ClipEncoder, tmp_path: Path) -> None:
    save_clip(tmp_path / "m", encoder, base="random", dtype=torch.float16)
    assert {w.dtype for w in load_file(tmp_path / "m/model.safetensors").values()} == {torch.float16}
    loaded = load_clip(tmp_path / "m")
    assert {weight.dtype for weight in loaded.model.parameters()} == {torch.float32}
    assert read_metadata(tmp_path / "m")["fingerprint"] == loaded.fingerprint
    np.testing.assert_allclose(loaded.embed_text(TEXTS), encoder.embed_text(TEXTS), atol=1e-2)


def test_transformers_loads_what_we_save(encoder: ClipEncoder, tmp_path: Path) -> None:
    save_clip(tmp_path / "m", encoder, base="random")
    other = CLIPModel.from_pretrained(tmp_path / "m").state_dict()
    assert all(torch.equal(weight, other[name]) for name, weight in encoder.model.state_dict().items())


def test_missing_weights_are_refused(encoder: ClipEncoder, tmp_path: Path) -> None:
    save_clip(tmp_path / "m", encoder, base="random")
    weights = load_file(tmp_path / "m/model.safetensors")
    del weights["text_projection.weight"]
    save_file(weights, tmp_path / "m/model.safetensors", metadata={"format": "pt"})
    with pytest.raises(OmniNegClipError, match=r"lacks weights .* text_projection\.weight"):
        load_clip(tmp_path / "m")


def test_folders_that_hold_no_clip_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OmniNegClipError, match=r"holds no CLIP"):
        load_clip(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "blip"}))
    with pytest.raises(OmniNegClipError, match="type 'blip': known are the types clip, siglip"):
        load_clip(tmp_path)
    with pytest.raises(OmniNegClipError, match="nowhere is not a file"):
        load_clip("nowhere")


def test_diffusers_text_encoder_class_loads_what_we_save(encoder: ClipEncoder, tmp_path: Path) -> None:
    save_clip(tmp_path / "m", encoder, base="random")
    theirs = CLIPTextModel.from_pretrained(tmp_path / "m")  # the class of Stable Diffusion's text_encoder
    ids = encoder.tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = encoder.model.text_model(**ids).last_hidden_state
        torch.testing.assert_close(theirs(**ids).last_hidden_state, expected)


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """A limit on the size of a file stands for the full disk: writing fails in the same way."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("room", [10, 10_000, 500_000])
@pytest.mark.parametrize("layout", ["hf", "openai", "open_clip"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    layout: str, room: int, encoder: ClipEncoder, tmp_path: Path
) -> None:
    with full_disk(room), pytest.raises(OmniNegClipError, match=r"^Can't write ") as caught:
        save_clip(tmp_path / "m", encoder, base="random", layout=layout)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_open_clips_layout_does_not_depend_on_the_folders_name(encoder: ClipEncoder, tmp_path: Path) -> None:
    written = []
    for name in ("one", "another"):
        save_clip(tmp_path / name, encoder, base="random", layout="open_clip")
        written.append({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()})
    assert written[0] == written[1]


@pytest.mark.parametrize(
    ("base", "name"), [("owner/model", "owner/model"), ("random", "put-the-repository-id-here")]
)
def test_open_clip_finds_the_tokenizer_of_a_hub_model(
    base: str, name: str, encoder: ClipEncoder, tmp_path: Path
) -> None:
    save_clip(tmp_path / "m", encoder, base=base, layout="open_clip")
    written = json.loads((tmp_path / "m/open_clip_config.json").read_text())
    assert written["model_cfg"]["text_cfg"]["hf_tokenizer_name"] == name
