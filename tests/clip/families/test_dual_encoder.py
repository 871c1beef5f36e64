"""SigLIP, VisionTextDualEncoder and our own: through the same door as CLIP, against transformers itself."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_dual import TINY, tiny_own, tiny_siglip, tiny_vision_text
from torch.nn import functional as F
from transformers import (
    GPT2Config,
    SiglipModel,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
    ViTConfig,
)

from omninegclip.clip.blend import blend
from omninegclip.clip.io.load import load_clip
from omninegclip.clip.io.save import save_clip
from omninegclip.clip.parity import PROBE_TEXTS, probe_images
from omninegclip.commands.blend import blend as blend_command
from omninegclip.commands.verify import verify
from omninegclip.errors import OmniNegClipError


@pytest.mark.parametrize("family", TINY)
def test_images_are_embedded_as_the_model_does_and_normalised(family: str) -> None:
    encoder = TINY[family]()
    pixels = torch.stack([torch.from_numpy(encoder.transform(image)) for image in probe_images()])
    with torch.no_grad():
        expected = F.normalize(encoder.model.get_image_features(pixels).pooler_output, dim=-1)
    embedded = encoder.embed_image(probe_images())
    np.testing.assert_allclose(embedded, expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1, atol=1e-6)
    assert embedded.dtype == np.float32
    assert embedded.shape[1] == encoder.dim


@pytest.mark.parametrize("family", TINY)
def test_alpha_and_orientation_are_seen_to(family: str, tmp_path: Path) -> None:
    encoder, upright = TINY[family](), probe_images()[0]
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to see it upright
    turned.save(tmp_path / "turned.png", exif=exif)
    upright.convert("RGBA").save(tmp_path / "alpha.png")
    embedded = encoder.embed_image([upright, tmp_path / "turned.png", tmp_path / "alpha.png"])
    np.testing.assert_allclose(embedded[1:], embedded[[0, 0]], atol=1e-6)


@pytest.mark.parametrize("family", TINY)
def test_a_long_text_keeps_its_end(family: str) -> None:
    encoder = TINY[family]()
    (ids,) = encoder.tokenize(["dog " * 60])
    assert len(ids) == encoder.context_length
    assert ids[-1] == encoder.tokenizer.sep_token_id
    assert encoder.tokenize([]) == []


@pytest.mark.parametrize("family", TINY)
def test_a_saved_model_comes_back_the_same(family: str, tmp_path: Path) -> None:
    encoder = TINY[family]()
    save_clip(tmp_path / "m", encoder, base="random")
    loaded = load_clip(tmp_path / "m")
    assert np.array_equal(loaded.embed_text(PROBE_TEXTS), encoder.embed_text(PROBE_TEXTS))
    np.testing.assert_allclose(
        loaded.embed_image(probe_images()), encoder.embed_image(probe_images()), atol=1e-6
    )
    assert loaded.fingerprint == encoder.fingerprint
    assert loaded.transform == encoder.transform
    assert loaded.logit_scale == pytest.approx(encoder.logit_scale)


@pytest.mark.parametrize(
    ("make", "kind"), [(tiny_siglip, SiglipModel), (tiny_vision_text, VisionTextDualEncoderModel)]
)
def test_transformers_loads_what_we_save(make: type, kind: type, tmp_path: Path) -> None:
    encoder = make()
    save_clip(tmp_path / "m", encoder, base="random")
    other = kind.from_pretrained(tmp_path / "m").state_dict()
    assert all(torch.equal(weight, other[name]) for name, weight in encoder.model.state_dict().items())


@pytest.mark.parametrize("family", TINY)
@pytest.mark.parametrize("layout", ["openai", "open_clip"])
def test_other_layouts_are_refused(family: str, layout: str, tmp_path: Path) -> None:
    with pytest.raises(OmniNegClipError, match=f"can't be saved in the layout {layout}, only in"):
        save_clip(tmp_path / "m", TINY[family](), base="random", layout=layout)
    assert not (tmp_path / "m").exists()


def test_siglips_bias_changes_no_rank() -> None:
    encoder = tiny_siglip()
    texts, images = encoder.embed_text(PROBE_TEXTS), encoder.embed_image(probe_images())
    ids = encoder.tokenizer(
        list(PROBE_TEXTS), padding="max_length", max_length=40, truncation=True, return_tensors="pt"
    )
    pixels = torch.stack([torch.from_numpy(encoder.transform(image)) for image in probe_images()])
    with torch.no_grad():
        logits = encoder.model(input_ids=ids.input_ids, pixel_values=pixels).logits_per_text
    ours = encoder.logit_scale * texts @ images.T + float(encoder.model.logit_bias.detach())
    np.testing.assert_allclose(ours, logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("family", TINY)
def test_blends_and_verifies(family: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(2):
        save_clip(tmp_path / str(number), TINY[family](seed=number), base="random")
    ends = [str(tmp_path / "0"), str(tmp_path / "1")]
    blend_command(*ends, tmp_path / "half", alpha=0.5)
    verify(str(tmp_path / "half"), against=ends[0], json_=True)
    summary = json.loads(capsys.readouterr().out.partition("{")[2].join(["{", ""]))
    assert {check["passed"] for check in summary["checks"]} == {True}
    parts = [change["part"] for change in summary["changes"]]
    assert sum(part.startswith("text_model.encoder.layer") for part in parts) == (6 if family == "own" else 4)
    assert "onc.load" in (tmp_path / "half/README.md").read_text()


def test_a_blend_is_in_the_middle_batch_norm_included() -> None:
    first, second = tiny_own(0), tiny_own(1)
    blended = blend(first, second, 0.25).model.state_dict()
    for name, start in first.model.state_dict().items():
        expected = 0.75 * start + 0.25 * second.model.state_dict()[name]
        torch.testing.assert_close(blended[name], expected.to(start.dtype))


def test_families_do_not_blend() -> None:
    with pytest.raises(OmniNegClipError, match="The two models have different"):
        blend(tiny_own(), tiny_vision_text(), 0.5)


def test_naflex_is_refused_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "siglip2"}))
    with pytest.raises(OmniNegClipError, match="take a SigLIP 2 of a fixed resolution"):
        load_clip(tmp_path)


def test_a_transform_is_never_guessed(tmp_path: Path) -> None:
    save_clip(tmp_path / "m", tiny_siglip(), base="random")
    (tmp_path / "m/preprocessor_config.json").unlink()
    with pytest.raises(OmniNegClipError, match=r"no preprocessor_config\.json: how its images"):
        load_clip(tmp_path / "m")


def test_an_unknown_text_tower_is_refused(tmp_path: Path) -> None:
    text = GPT2Config(n_embd=16, n_layer=1, n_head=1, vocab_size=20, n_positions=16)
    image = ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=1, intermediate_size=16, image_size=16
    )
    config = VisionTextDualEncoderConfig.from_vision_text_configs(image, text, projection_dim=8)
    VisionTextDualEncoderModel(config).save_pretrained(tmp_path)
    with pytest.raises(OmniNegClipError, match="text tower is a 'gpt2'"):
        load_clip(tmp_path)
