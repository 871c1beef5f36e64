"""What we load and save, against the libraries that it came from or goes to; each test needs its library."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip
from omninegclip.clip.io.save import save_clip
from omninegclip.clip.parity import probe_images

pytestmark = pytest.mark.optional
TEXTS = [
    "a photo of a cat",
    "two dogs on a beach, but no person's dog",
    "No  cat at 7 o'clock!",
    "naïve café",
]


def normalised(features: Tensor) -> np.ndarray:
    return F.normalize(features.detach(), dim=-1).numpy()


@pytest.fixture
def openai_like(tmp_path: Path) -> ClipEncoder:
    """A small model with random weights and OpenAI's vocabulary and tokenizer."""
    import open_clip

    torch.manual_seed(0)
    model = open_clip.CLIP(
        embed_dim=64,
        vision_cfg={"image_size": 64, "layers": 2, "width": 128, "patch_size": 16},
        text_cfg={"context_length": 77, "vocab_size": 49408, "width": 128, "heads": 2, "layers": 2},
        quick_gelu=True,
    )
    torch.save(model.state_dict(), tmp_path / "source.pt")
    return load_clip(tmp_path / "source.pt", activation="quick_gelu")


@pytest.mark.parametrize("quick_gelu", [True, False])
def test_open_clip_weights_embed_as_in_open_clip(quick_gelu: bool, tmp_path: Path) -> None:
    import open_clip

    name = "ViT-B-32-quickgelu" if quick_gelu else "ViT-B-32"
    model, _, preprocess = open_clip.create_model_and_transforms(name)
    torch.save({"state_dict": model.eval().state_dict()}, tmp_path / "weights.pt")
    ours = load_clip(tmp_path / "weights.pt", activation="quick_gelu" if quick_gelu else "gelu")
    with torch.no_grad():
        texts = model.encode_text(open_clip.get_tokenizer(name)(TEXTS))
        images = model.encode_image(torch.stack([preprocess(image) for image in probe_images()]))
    np.testing.assert_allclose(ours.embed_text(TEXTS), normalised(texts), atol=1e-5)
    np.testing.assert_allclose(ours.embed_image(probe_images()), normalised(images), atol=1e-5)


def test_open_clip_loads_what_we_convert(
    openai_like: ClipEncoder, encoder: ClipEncoder, tmp_path: Path
) -> None:
    import open_clip

    for name, ours in (("openai_vocabulary", openai_like), ("own_tokenizer", encoder)):
        save_clip(tmp_path / name, ours, base="random", layout="open_clip")
        place = f"local-dir:{tmp_path / name}"
        model, preprocess = open_clip.create_model_from_pretrained(place)
        with torch.no_grad():
            texts = model.eval().encode_text(open_clip.get_tokenizer(place)(TEXTS))
            images = model.encode_image(torch.stack([preprocess(image) for image in probe_images()]))
        np.testing.assert_allclose(ours.embed_text(TEXTS), normalised(texts), atol=1e-5)
        np.testing.assert_allclose(ours.embed_image(probe_images()), normalised(images), atol=1e-5)


def test_openais_code_loads_what_we_convert(openai_like: ClipEncoder, tmp_path: Path) -> None:
    import clip

    # its build_model rounds the big weights to 16 bits, so they are stored rounded here
    save_clip(tmp_path / "m", openai_like, base="random", layout="openai", dtype=torch.float16)
    openai_like = load_clip(tmp_path / "m")
    model = clip.model.build_model(torch.load(tmp_path / "m/model.pt")).float()
    preprocess = clip.clip._transform(model.visual.input_resolution)
    with torch.no_grad():
        texts = model.encode_text(clip.tokenize(TEXTS))
        images = model.encode_image(torch.stack([preprocess(image) for image in probe_images()]))
    np.testing.assert_allclose(openai_like.embed_text(TEXTS), normalised(texts), atol=1e-5)
    np.testing.assert_allclose(openai_like.embed_image(probe_images()), normalised(images), atol=1e-5)


def test_sentence_transformers_loads_what_we_save(encoder: ClipEncoder, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    save_clip(tmp_path / "m", encoder, base="random")
    model = SentenceTransformer(str(tmp_path / "m"), device="cpu")
    texts = model.encode(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(encoder.embed_text(TEXTS), texts, atol=1e-5)
    square = [
        Image.effect_noise((32, 32), 60).convert("RGB")
    ]  # needs no resizing, in which the libraries differ
    images = model.encode(square, normalize_embeddings=True)
    np.testing.assert_allclose(encoder.embed_image(square), images, atol=1e-5)


def test_our_tokenizer_gives_open_clips_ids(openai_like: ClipEncoder) -> None:
    import open_clip

    captions = Path("../shared/data/flickr8k/Flickr8k.token.txt")
    texts = TEXTS
    if captions.exists():
        texts = TEXTS + [line.split("\t")[1] for line in captions.read_text().splitlines()[:2000]]
    theirs = open_clip.SimpleTokenizer()(texts)
    for ours, row in zip(openai_like.tokenize(texts), theirs.tolist(), strict=True):
        assert ours == row[: len(ours)]
        assert not any(row[len(ours) :])
