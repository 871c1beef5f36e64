import json
from pathlib import Path

import pytest
import torch

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.save import save_clip
from omninegclip.commands.blend import blend
from omninegclip.commands.convert import convert
from omninegclip.commands.verify import verify
from omninegclip.errors import OmniNegClipError


@pytest.fixture
def base(encoder: ClipEncoder, tmp_path: Path) -> Path:
    save_clip(tmp_path / "base", encoder, base="random")
    return tmp_path / "base"


@pytest.fixture
def tuned(base: Path, encoder: ClipEncoder, tmp_path: Path) -> Path:
    with torch.no_grad():
        encoder.model.text_model.encoder.layers[1].mlp.fc1.bias += 0.01
    save_clip(tmp_path / "tuned", encoder, base=str(base))
    return tmp_path / "tuned"


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    return json.loads(capsys.readouterr().out)


def test_verify_names_the_layer_that_changed(
    base: Path, tuned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verify(str(tuned), against=str(base), json_=True)
    report = printed(capsys)
    changed = [layer["part"] for layer in report["changes"] if layer["largest"] > 0]
    assert changed == ["text_model.encoder.layers.1"]
    assert all(check["passed"] for check in report["checks"])
    verify(str(tuned), against=str(base))
    assert "text_model.encoder.layers.1" in capsys.readouterr().out


def test_verify_finds_a_fine_tune_that_is_none(base: Path) -> None:
    with pytest.raises(OmniNegClipError, match="every weight equals the base's: this is not a fine-tune"):
        verify(str(base), against=str(base))


def test_verify_finds_changed_weights(base: Path, tuned: Path) -> None:
    (tuned / "model.safetensors").replace(base / "model.safetensors")
    with pytest.raises(OmniNegClipError, match=r"stored fingerprint .* stored probe"):
        verify(str(base))


@pytest.mark.parametrize("layout", ["hf", "openai", "open_clip"])
def test_convert_to_each_layout_and_back(
    layout: str, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    convert(str(base), tmp_path / "there", to=layout, json_=True)
    assert printed(capsys)["lowest_cosine"] >= 0.99999
    convert(str(tmp_path / "there"), tmp_path / "back", to="hf")
    verify(str(tmp_path / "back"))
    capsys.readouterr()
    metadata = [json.loads((folder / "omninegclip.json").read_text()) for folder in (base, tmp_path / "back")]
    assert metadata[0]["fingerprint"] == metadata[1]["fingerprint"]
    card = (tmp_path / "there" / "README.md").read_text()
    loads = "CLIPModel.from_pretrained" if layout == "hf" else "onc.load"
    assert f'{loads}("{tmp_path / "there"}")' in card


def test_blend_writes_a_model(base: Path, tuned: Path, tmp_path: Path) -> None:
    blend(str(base), str(tuned), tmp_path / "half", alpha=0.5)
    verify(str(tmp_path / "half"), against=str(base))
    card = (tmp_path / "half" / "README.md").read_text()
    assert "Nothing was measured on this model yet" in card
    assert "| alpha | 0.5 |" in card
    assert f'CLIPModel.from_pretrained("{tmp_path / "half"}")' in card
    assert "| metric |" not in card


def test_convert_keeps_the_card_of_its_source(base: Path, tmp_path: Path) -> None:
    (base / "README.md").write_text("# All figures")
    convert(str(base), tmp_path / "there", to="open_clip")
    assert (tmp_path / "there" / "README.md").read_text() == "# All figures"
