"""Tiny CLIPs with random weights and a byte-level tokenizer, built without any file."""

from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.text.tokenizer import byte_symbols
from omninegclip.clip.transform import ImageTransform


@pytest.fixture(scope="session")
def tokenizer() -> CLIPTokenizer:
    letters = byte_symbols()
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


class QuickGELU(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    def __init__(self, width: int, heads: int, activation: nn.Module) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        parts = [
            ("c_fc", nn.Linear(width, 4 * width)),
            ("gelu", activation),
            ("c_proj", nn.Linear(4 * width, width)),
        ]
        self.mlp = nn.Sequential(OrderedDict(parts))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    def __init__(self, width: int, layers: int, heads: int, activation: nn.Module) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(Block(width, heads, activation) for _ in range(layers))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        for block in self.resblocks:
            x = block(x, mask)
        return x


class Visual(nn.Module):
    def __init__(
        self, width: int, layers: int, patch: int, size: int, dim: int, activation: nn.Module
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch, patch, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(width))
        self.positional_embedding = nn.Parameter(torch.randn((size // patch) ** 2 + 1, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = Transformer(width, layers, width // 64, activation)
        self.proj = nn.Parameter(torch.randn(width, dim))

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.conv1(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_embedding.expand(len(x), 1, -1), x], dim=1) + self.positional_embedding
        return self.ln_post(self.transformer(self.ln_pre(x))[:, 0]) @ self.proj


class OpenAIClip(nn.Module):
    """CLIP as its paper draws it, with OpenAI's names and torch's own attention: a second implementation."""

    def __init__(self, vocabulary: int, activation: nn.Module, *, layers: int = 2, context: int = 24) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.visual = Visual(128, layers, 8, 32, 32, activation)
        self.transformer = Transformer(64, layers, 1, activation)
        self.token_embedding = nn.Embedding(vocabulary, 64)
        self.positional_embedding = nn.Parameter(torch.randn(context, 64))
        self.ln_final = nn.LayerNorm(64)
        self.text_projection = nn.Parameter(torch.randn(64, 32))
        self.logit_scale = nn.Parameter(torch.tensor(4.0))

    def encode_image(self, pixels: Tensor) -> Tensor:
        return self.visual(pixels)

    def encode_text(self, ids: Tensor) -> Tensor:
        length = ids.shape[1]
        mask = torch.full((length, length), float("-inf")).triu(1)
        x = self.transformer(self.token_embedding(ids) + self.positional_embedding[:length], mask)
        return self.ln_final(x)[torch.arange(len(ids)), ids.argmax(dim=-1)] @ self.text_projection


@pytest.fixture
def reference(tokenizer: CLIPTokenizer) -> OpenAIClip:
    return OpenAIClip(len(tokenizer), QuickGELU()).eval()


@pytest.fixture
def gelu_reference(tokenizer: CLIPTokenizer) -> OpenAIClip:
    return OpenAIClip(len(tokenizer), nn.GELU(), layers=3, context=30).eval()
