"""Padded captions against the same captions encoded one by one, without any padding."""

import pytest
import torch
from tiny_dual import TINY, tiny_own, tiny_siglip
from torch import Tensor

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.text.padding import BATCH, pad, say_padded
from omninegclip.errors import OmniNegClipError

WORDS = ["dog", "cat", "no", "a", "mat,", "red", "owl"]


def captions(count: int) -> list[str]:
    return [" ".join(WORDS[(n * k) % 7] for k in range(1, 2 + n * 5 % 7)) for n in range(count)]


def one_by_one(encoder: ClipEncoder, rows: list[list[int]]) -> Tensor:
    features = []
    for row in rows:
        ids = torch.tensor(
            [row + [0] * (encoder.context_length - len(row) if encoder.family.whole_context else 0)]
        )
        output = encoder.model.get_text_features(input_ids=ids, attention_mask=torch.ones_like(ids))
        features.append(torch.nn.functional.normalize(output.pooler_output, dim=-1))
    return torch.cat(features)


@pytest.mark.parametrize("family", TINY)
def test_features_equal_those_of_texts_alone(family: str) -> None:
    encoder = TINY[family]()
    rows = encoder.tokenize(captions(BATCH + 9))
    groups = [rows[:5], rows[5:6], [], rows[6:]]
    with torch.no_grad():
        padded = encoder.family.encode(encoder.lay_out(groups, encoder.context_length))
        torch.testing.assert_close(padded, one_by_one(encoder, rows), rtol=0, atol=1e-5)


def test_gradients_equal_those_of_texts_alone() -> None:
    gradients = []
    for padded in (True, False):
        encoder = tiny_own()
        rows = encoder.tokenize(captions(BATCH + 3))
        features = encoder.encode_texts(rows) if padded else one_by_one(encoder, rows)
        torch.manual_seed(1)
        (features * torch.randn(features.shape)).sum().backward()
        gradients.append({name: p.grad for name, p in encoder.model.text_model.named_parameters()})
    assert gradients[0].keys() == gradients[1].keys()
    largest = max(each.abs().max() for each in gradients[1].values())
    for name, gradient in gradients[1].items():
        torch.testing.assert_close(gradients[0][name], gradient, rtol=1e-4, atol=1e-5 * float(largest))


def test_texts_of_like_length_are_padded_together() -> None:
    texts = [[7] * length for length in [9, 2] * BATCH]
    padded = pad([texts], 12, 0)
    assert [ids.shape for ids in padded.ids] == [(BATCH, 2), (BATCH, 9)]
    assert padded.tokens_packed == 11 * BATCH
    assert padded.tokens_padded == 2 * BATCH * 12
    flat = [row for ids in padded.ids for row in ids.tolist()]
    assert [len(flat[place]) for place in padded.places.tolist()] == [9, 2] * BATCH


def test_padding_is_masked_unless_the_tower_was_trained_to_see_it() -> None:
    texts = [[[5, 6], [5, 6, 7]]]
    masked, whole = pad(texts, 6, 1), pad(texts, 6, 1, whole=True)
    assert masked.ids[0].tolist() == [[5, 6, 1], [5, 6, 7]]
    assert masked.masks[0] is not None
    assert masked.masks[0].tolist() == [[1, 1, 0], [1, 1, 1]]
    assert whole.ids[0].tolist() == [[5, 6, 1, 1, 1, 1], [5, 6, 7, 1, 1, 1]]
    assert whole.masks == (None,)


def test_siglip_pads_as_its_processor_does() -> None:
    encoder = tiny_siglip()
    texts = captions(4)
    theirs = encoder.tokenizer(
        texts, padding="max_length", max_length=encoder.context_length, return_tensors="pt"
    )
    with torch.no_grad():
        features = encoder.model.get_text_features(input_ids=theirs.input_ids).pooler_output
    expected = torch.nn.functional.normalize(features, dim=-1)
    torch.testing.assert_close(torch.from_numpy(encoder.embed_text(texts)), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("groups", "message"),
    [([], "no text to encode"), ([[[1]], [[]]], "Text 1 has 0 tokens"), ([[[1] * 7]], "Text 0 has 7 tokens")],
)
def test_refuses_what_it_cannot_pad(groups: list[list[list[int]]], message: str) -> None:
    with pytest.raises(OmniNegClipError, match=message):
        pad(groups, 6, 0)


def test_it_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    say_padded.cache_clear()
    say_padded()
    say_padded()
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.count("not causal") == 1
