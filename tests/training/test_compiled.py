"""The text pass as one compiled graph."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_clip import tiny_encoder
from tiny_dual import tiny_siglip

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.text.packing import PackedTexts, encode_packed
from omninegclip.errors import OmniNegClipError
from omninegclip.training import compiled
from omninegclip.training.compiled import compiled_texts, in_fixed_shape

WORDS = ["dog", "cat", "owl", "bus", "car", "cup", "egg", "fox", "pig", "hat", "bat", "cow", "jar"]


def packed(encoder: ClipEncoder, count: int) -> PackedTexts:
    pairs = [
        (f"a {word} and a {word}", f"a {word} but no {WORDS[n - 1]} there") for n, word in enumerate(WORDS)
    ]
    groups = [encoder.tokenize(pair) for pair in pairs[:count]]
    texts = encoder.lay_out(groups, 20)
    assert isinstance(texts, PackedTexts)
    return texts


@pytest.mark.parametrize("count", [1, 4, 13])
def test_what_is_added_changes_no_feature_and_no_gradient(count: int) -> None:
    encoder = tiny_encoder()
    texts = packed(encoder, count)
    fixed = in_fixed_shape(texts, encoder.context_length)
    assert fixed.ids.shape[1] == fixed.mask.shape[3] == encoder.context_length
    assert len(fixed.ids) % 4 == len(fixed.end) % 64 == 0
    gradients = []
    for each in (texts, fixed):
        encoder.model.zero_grad()
        features = encode_packed(encoder.model, each)[: len(texts.end)]
        (features * torch.linspace(-1, 1, features.shape[1])).sum().backward()
        gradients.append(
            [w.grad.clone() for w in encoder.model.text_model.parameters() if w.grad is not None]
        )
        assert torch.allclose(features, encode_packed(encoder.model, texts), atol=1e-6)
    for its, ours in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, its, atol=1e-5, rtol=1e-4)


def test_batches_have_few_shapes_and_little_is_added() -> None:
    rounded = {count: compiled._round(count, 4) for count in range(1, 400)}
    assert all(count <= each <= max(count + 3, 1.125 * count) for count, each in rounded.items())
    assert len({rounded[count] for count in range(60, 80)}) <= 4  # as the batches of one run are


@pytest.mark.skipif(
    shutil.which("g++") is None, reason="PyTorch compiles for a CPU with g++, which is not here"
)
def test_compiled_features_and_gradients_are_those_of_the_plain_pass() -> None:
    script = Path(__file__).with_name("compiled_process.py")
    path = os.pathsep.join([str(script.parents[1] / "helpers"), *sys.path])
    done = subprocess.run(
        [sys.executable, script], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Compiled the text tower for 12 rows") == 2  # with a gradient and without


def test_padded_captions_are_refused() -> None:
    with pytest.raises(OmniNegClipError, match="compile=true needs captions that are packed"):
        compiled_texts(tiny_siglip().family, 77)


def test_what_cannot_be_compiled_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no compiler anywhere")

    monkeypatch.setattr(torch, "compile", lambda f, **_: torch._dynamo.optimize(broken)(f))
    encoder = tiny_encoder(text_layers=2)
    with pytest.raises(OmniNegClipError, match=r"The text tower can't be compiled here \(.*compile=false"):
        compiled_texts(encoder.family, 77)(packed(encoder, 3))
