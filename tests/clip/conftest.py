"""A tiny CLIP with random weights and a byte-level tokenizer, built without any file."""

import pytest
import torch
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.transform import ImageTransform

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer() -> CLIPTokenizer:
    letters = list(bytes_to_unicode().values())
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=24)


@pytest.fixture
def config(tokenizer: CLIPTokenizer) -> CLIPConfig:
    tower = {"num_hidden_layers": 3, "hidden_act": "quick_gelu", "projection_dim": 32}
    text = tower | {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 256,
        "num_attention_heads": 1,
        "max_position_embeddings": 24,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = tower | {
        "hidden_size": 128,
        "intermediate_size": 512,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 8,
    }
    return CLIPConfig(text_config=text, vision_config=vision, projection_dim=32)


@pytest.fixture
def model(config: CLIPConfig) -> CLIPModel:
    torch.manual_seed(0)
    return CLIPModel(config).eval()


@pytest.fixture
def encoder(model: CLIPModel, tokenizer: CLIPTokenizer) -> ClipEncoder:
    transform = ImageTransform(32, mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.3))
    return ClipEncoder(model, tokenizer, transform, text_batch=3, image_batch=2)
