"""Compares a compiled text pass with the plain one; a process of its own, since PyTorch's compiler imports
setuptools, which refuses to be imported behind distutils."""

import copy

import torch
from tiny_clip import tiny_encoder

from omninegclip.clip.text.packing import PackedTexts, encode_packed
from omninegclip.training.compiled import compiled_texts

PAIRS = [
    (f"a {word} and a {word}", f"a {word} but no hat there")
    for word in ("dog", "cat", "owl", "bus", "car", "cup")
]


def main() -> None:
    plain = tiny_encoder(text_layers=2)
    other = copy.deepcopy(plain)
    encode = compiled_texts(other.family, other.context_length)
    texts, fewer = (plain.lay_out([plain.tokenize(pair) for pair in PAIRS[:count]], 20) for count in (6, 5))
    assert isinstance(texts, PackedTexts)
    kept = []
    for model, features in ((plain.model, encode_packed(plain.model, texts)), (other.model, encode(texts))):
        (features * torch.linspace(-1, 1, features.shape[1])).sum().backward()
        kept.append({n: w.grad for n, w in model.named_parameters() if w.grad is not None} | {"": features})
    torch.testing.assert_close(kept[1], kept[0], atol=1e-5, rtol=1e-4)
    with torch.no_grad():
        held = encode(texts)
        as_it_was = held.clone()
        encode(fewer)
    assert torch.equal(held, as_it_was)


if __name__ == "__main__":
    main()
