from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F
from transformers import CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

from omninegclip.clip.encoder import ClipEncoder, Encoder
from omninegclip.errors import OmniNegClipError

TEXTS = ["a cat", "a cat on a mat, but no dog", "", "x", "a text that is far too long for this tower", "no"]


def images() -> list[Image.Image]:
    generator = np.random.default_rng(0)
    return [
        Image.fromarray(generator.integers(0, 256, (h, w, 3), dtype=np.uint8))
        for h, w in [(40, 60), (32, 32), (90, 33), (20, 20), (64, 48)]
    ]


def test_texts_equal_transformers(encoder: ClipEncoder) -> None:
    ids = encoder.tokenizer(TEXTS, padding="max_length", truncation=True, max_length=24, return_tensors="pt")
    with torch.no_grad():
        reference = F.normalize(encoder.model.get_text_features(**ids).pooler_output, dim=-1)
    np.testing.assert_allclose(encoder.embed_text(TEXTS), reference, atol=1e-5)


def test_images_equal_transformers(encoder: ClipEncoder) -> None:
    processor = CLIPImageProcessorPil(**encoder.transform.to_config())
    with torch.no_grad():
        pixels = processor(images(), return_tensors="pt")
        reference = F.normalize(encoder.model.get_image_features(**pixels).pooler_output, dim=-1)
    np.testing.assert_allclose(encoder.embed_image(images()), reference, atol=1e-5)


def test_paths_equal_images_and_generators_work(encoder: ClipEncoder, tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.png" for i in range(5)]
    for path, image in zip(paths, images(), strict=True):
        image.save(path)
    assert np.array_equal(encoder.embed_image(path for path in paths), encoder.embed_image(images()))
    paths[3].write_bytes(b"broken")
    with pytest.raises(OmniNegClipError, match=r"3\.png"):
        encoder.embed_image(paths)


def test_nothing_gives_no_rows(encoder: ClipEncoder) -> None:
    assert encoder.embed_text([]).shape == (0, 32)
    assert encoder.embed_image([]).shape == (0, 32)


def test_truncation_keeps_the_end_of_text(encoder: ClipEncoder) -> None:
    long = encoder.tokenize(["x" * 100])[0]
    assert len(long) == encoder.context_length
    assert long[-1] == encoder.tokenizer.eos_token_id


def test_a_text_that_spells_the_end_of_text_is_pooled_where_clip_pools(encoder: ClipEncoder) -> None:
    text = "a <|endoftext|> b"
    ids = encoder.tokenizer([text], return_tensors="pt")
    with torch.no_grad():
        reference = F.normalize(encoder.model.get_text_features(**ids).pooler_output, dim=-1)
    np.testing.assert_allclose(encoder.embed_text([text]), reference, atol=1e-5)


def test_legacy_end_of_text_id_pools_at_the_same_place(
    encoder: ClipEncoder, model: CLIPModel, tokenizer: CLIPTokenizer
) -> None:
    expected = encoder.embed_text(TEXTS)
    model.config.text_config.eos_token_id = model.text_model.eos_token_id = 2
    assert np.array_equal(
        ClipEncoder(model, tokenizer, encoder.transform, text_batch=3).embed_text(TEXTS), expected
    )


def test_features_are_differentiable(encoder: ClipEncoder) -> None:
    texts = encoder.encode_texts(encoder.tokenize(TEXTS))
    images = encoder.encode_images(torch.randn(6, 3, 32, 32))
    (texts * images).sum().backward()
    gradients = [weight.grad for name, weight in encoder.model.named_parameters() if name != "logit_scale"]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)


def test_padding_gets_no_gradient(encoder: ClipEncoder) -> None:
    together = encoder.tokenize(["a", "a longer text"])
    encoder.encode_texts(together)[0, 0].backward()
    positions = encoder.model.text_model.embeddings.position_embedding.weight.grad
    assert positions is not None
    assert positions[: len(together[0])].abs().sum() > 0
    assert positions[len(together[0]) :].abs().sum() == 0


def test_is_an_encoder(encoder: Encoder) -> None:
    assert encoder.dim == 32
    assert encoder.activation == "quick_gelu"
    assert encoder.logit_scale == pytest.approx(1 / 0.07, rel=1e-3)


def test_fingerprints_follow_what_they_cover(encoder: ClipEncoder) -> None:
    whole, image = encoder.fingerprint, encoder.image_fingerprint
    with torch.no_grad():
        encoder.model.text_projection.weight[0, 0] += 1
    assert encoder.fingerprint != whole
    assert encoder.image_fingerprint == image
    with torch.no_grad():
        encoder.model.visual_projection.weight[0, 0] += 1
    assert encoder.image_fingerprint != image


def test_similarity_is_the_cosines_of_texts_with_images(encoder: ClipEncoder) -> None:
    cosines = encoder.similarity(TEXTS, images())
    assert cosines.shape == (len(TEXTS), 5)
    np.testing.assert_array_equal(cosines, encoder.embed_text(TEXTS) @ encoder.embed_image(images()).T)
    assert np.abs(cosines).max() <= 1 + 1e-6


def test_it_shows_what_it_is(encoder: ClipEncoder) -> None:
    parameters = sum(weight.numel() for weight in encoder.model.parameters())
    assert repr(encoder) == (
        f"ClipEncoder(family='clip', dim=32, parameters={parameters:,}, activation='quick_gelu', "
        f"fingerprint='{encoder.fingerprint}')"
    )


def test_one_alone_is_a_list_of_one_and_what_is_no_text_is_named(
    encoder: ClipEncoder, tmp_path: Path
) -> None:
    Image.new("RGB", (20, 20), "red").save(tmp_path / "red.png")
    assert np.array_equal(encoder.embed_text("a cat"), encoder.embed_text(["a cat"]))
    for alone in (tmp_path / "red.png", str(tmp_path / "red.png"), Image.open(tmp_path / "red.png")):
        assert np.array_equal(encoder.embed_image(alone), encoder.embed_image([tmp_path / "red.png"]))  # type: ignore[arg-type]
    with pytest.raises(OmniNegClipError, match="1 is not a text: embed_text takes a list of texts"):
        encoder.embed_text(["a cat", 1])  # type: ignore[list-item]
