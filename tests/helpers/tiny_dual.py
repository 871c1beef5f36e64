"""Tiny dual encoders beside CLIP, with random weights, built without any file."""

import string

import torch
from torch import Tensor, nn
from transformers import (
    BertConfig,
    BertTokenizer,
    SiglipConfig,
    SiglipModel,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
    ViTConfig,
)

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.families.own import IMAGE_TOWERS, DualEncoderConfig, DualEncoderModel
from omninegclip.clip.transform import ImageTransform

CONTEXT = 40
TOWER = {"hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 2}
IMAGE = TOWER | {"num_hidden_layers": 2, "image_size": 16, "patch_size": 8}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


class TinyConvolutions(nn.Module):
    """Stands in for an EfficientNet: convolutions, a batch norm, pooled features."""

    width = 12

    def __init__(self) -> None:
        super().__init__()
        self._blocks = nn.ModuleList([nn.Conv2d(3, 8, 3, stride=2), nn.Conv2d(8, 12, 3, stride=2)])
        self.norm = nn.BatchNorm2d(8)

    def forward(self, pixels: Tensor) -> Tensor:
        return torch.relu(self._blocks[1](self.norm(self._blocks[0](pixels)))).mean(dim=(2, 3))


IMAGE_TOWERS["tiny"] = TinyConvolutions


def tiny_bert_tokenizer() -> BertTokenizer:
    letters = string.ascii_lowercase + string.punctuation
    pieces = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters)]
    return BertTokenizer(vocab={piece: index for index, piece in enumerate(pieces)}, model_max_length=CONTEXT)


def bert(layers: int = 6) -> dict[str, int]:
    words = len(tiny_bert_tokenizer())
    return TOWER | {"num_hidden_layers": layers, "vocab_size": words, "max_position_embeddings": CONTEXT}


def spread(model: nn.Module) -> None:
    """The usual small initial weights would hide what attention does."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "embeddings" in name or "attention" in name or "attn" in name:
                weight.mul_(6)


def tiny_own(seed: int = 0, layers: int = 6) -> ClipEncoder:
    torch.manual_seed(seed)
    model = DualEncoderModel(
        DualEncoderConfig("tiny", bert(layers), dim=16, hidden=20, context_length=CONTEXT)
    )
    spread(model)
    with torch.no_grad():
        model.vision_model.norm.running_mean.uniform_()  # as if it had been trained
    transform = ImageTransform(16, (127 / 255,) * 3, (128 / 255,) * 3)
    return ClipEncoder(model, tiny_bert_tokenizer(), transform, text_batch=7, image_batch=3)


def tiny_vision_text(seed: int = 0, layers: int = 4) -> ClipEncoder:
    torch.manual_seed(seed)
    config = VisionTextDualEncoderConfig.from_vision_text_configs(
        ViTConfig(**IMAGE), BertConfig(**bert(layers)), projection_dim=16
    )
    model = VisionTextDualEncoderModel(config)
    spread(model)
    transform = ImageTransform(16, (0.5,) * 3, (0.5,) * 3, crop=False)
    return ClipEncoder(model, tiny_bert_tokenizer(), transform)


def tiny_siglip(seed: int = 0, layers: int = 4) -> ClipEncoder:
    torch.manual_seed(seed)
    text = bert(layers) | {"projection_size": 32, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=IMAGE))
    spread(model)
    transform = ImageTransform(16, (0.5,) * 3, (0.5,) * 3, crop=False)
    return ClipEncoder(model, tiny_bert_tokenizer(), transform)


TINY = {"own": tiny_own, "vision-text": tiny_vision_text, "siglip": tiny_siglip}
