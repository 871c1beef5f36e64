"""A tiny CLIP with random weights and a byte-level tokenizer, built without any file."""

from typing import Any

import torch
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.transform import ImageTransform


def tiny_tokenizer(context_length: int = 77) -> CLIPTokenizer:
    letters = list(bytes_to_unicode().values())
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=context_length)


def tiny_encoder(text_layers: int = 4, seed: int = 0) -> ClipEncoder:
    tokenizer = tiny_tokenizer()
    tower = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2}
    text = tower | {
        "num_hidden_layers": text_layers,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": tokenizer.model_max_length,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = tower | {"num_hidden_layers": 2, "image_size": 32, "patch_size": 8}
    torch.manual_seed(seed)
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=16))
    return ClipEncoder(model, tokenizer, ImageTransform(32))


def contrast(here: str, also: str, absent: str) -> list[dict[str, Any]]:
    """Return a contrast set about an image that holds `here` and `also` and not `absent`."""

    def said(
        text: str, affirms: list[str], negates: str | None, holds: bool, affirmed: str
    ) -> dict[str, Any]:
        denied = [negates] if negates else []
        return {"text": text, "affirms": affirms, "negates": denied, "holds": holds, "affirmed": affirmed}

    return [
        said(f"a {here} and a {also}", [here, also], None, True, f"a {here} and a {also}"),
        said(f"a {here}", [here], None, True, f"a {here}"),
        said(f"a {here} but no {absent}", [here], absent, True, f"a {here}"),
        said(f"a {here} but no {also}", [here], also, False, f"a {here}"),
        said(f"a {absent}", [absent], None, False, f"a {absent}"),
    ]
