"""The text pass as one compiled graph."""

import copy
import shutil

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
def test_compiled_features_and_gradients_are_those_of_the_plain_pass(
    capfd: pytest.CaptureFixture[str],
) -> None:
    plain = tiny_encoder(text_layers=2)
    other = copy.deepcopy(plain)
    encode, texts = compiled_texts(other.family, other.context_length), packed(plain, 6)
    kept = []
    for model, features in ((plain.model, encode_packed(plain.model, texts)), (other.model, encode(texts))):
        (features * torch.linspace(-1, 1, features.shape[1])).sum().backward()
        kept.append(
            (features.detach(), {n: w.grad for n, w in model.named_parameters() if w.grad is not None})
        )
    (its, its_gradients), (ours, our_gradients) = kept
    assert torch.allclose(ours, its, atol=1e-5)
    assert our_gradients.keys() == its_gradients.keys()
    torch.testing.assert_close(our_gradients, its_gradients, atol=1e-5, rtol=1e-4)
    with torch.no_grad():
        held = encode(texts)
        kept_as_it_was = held.clone()
        encode(packed(plain, 5))
    assert torch.equal(held, kept_as_it_was)
    assert (
        capfd.readouterr().err.count("Compiled the text tower for 12 rows") == 2
    )  # with a gradient and without


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
