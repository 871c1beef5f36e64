import pytest
import torch
from transformers import CLIPTokenizer

from omninegclip.clip.io.architecture import infer_config
from omninegclip.errors import OmniNegClipError

SIZES = {  # name: image width, depth, heads, patch, pixels; text width, depth, heads; d
    "B/32": (768, 12, 12, 32, 224, 512, 12, 8, 512),
    "B/16": (768, 12, 12, 16, 224, 512, 12, 8, 512),
    "L/14": (1024, 24, 16, 14, 224, 768, 12, 12, 768),
    "L/14@336": (1024, 24, 16, 14, 336, 768, 12, 12, 768),
    "H/14": (1280, 32, 16, 14, 224, 1024, 24, 16, 1024),
    "bigG/14": (1664, 48, 16, 14, 224, 1280, 32, 20, 1280),
}


@pytest.mark.parametrize("name", SIZES)
def test_published_sizes_are_read_off_their_weights(name: str, tokenizer: CLIPTokenizer) -> None:
    width, depth, heads, patch, pixels, text_width, text_depth, text_heads, dim = SIZES[name]

    def empty(*shape: int) -> torch.Tensor:
        return torch.empty(shape, device="meta")

    state = {
        "text_model.embeddings.token_embedding.weight": empty(49408, text_width),
        "text_model.embeddings.position_embedding.weight": empty(77, text_width),
        "vision_model.embeddings.patch_embedding.weight": empty(width, 3, patch, patch),
        "vision_model.embeddings.position_embedding.weight": empty((pixels // patch) ** 2 + 1, width),
        "visual_projection.weight": empty(dim, width),
    }
    for tower, w, layers in (("vision", width, depth), ("text", text_width, text_depth)):
        state |= {f"{tower}_model.encoder.layers.{i}.mlp.fc1.weight": empty(4 * w, w) for i in range(layers)}
    config = infer_config(state, "quick_gelu", tokenizer)
    text, vision = config.text_config, config.vision_config
    assert (vision.hidden_size, vision.num_hidden_layers, vision.num_attention_heads) == (width, depth, heads)
    assert (vision.patch_size, vision.image_size, config.projection_dim) == (patch, pixels, dim)
    assert (text.hidden_size, text.num_hidden_layers, text.num_attention_heads) == (
        text_width,
        text_depth,
        text_heads,
    )
    assert (text.vocab_size, text.max_position_embeddings, vision.hidden_act) == (49408, 77, "quick_gelu")


def test_incomplete_weights_are_named(tokenizer: CLIPTokenizer) -> None:
    with pytest.raises(OmniNegClipError, match=r"lack text_model\.encoder\.layers\.0\.mlp"):
        infer_config({}, "gelu", tokenizer)
