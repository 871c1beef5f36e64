"""The shape of a CLIP, read off its weights."""

from collections.abc import Mapping

from transformers import CLIPConfig, PreTrainedTokenizerBase

from omninegclip.clip.io.untrusted import in_one_line
from omninegclip.clip.io.weights import StateDict
from omninegclip.errors import OmniNegClipError
from omninegclip.files import JsonObject

# Attention heads leave no trace in the weights. They are 64 wide, but for open_clip's biggest image towers:
IMAGE_HEADS = {1280: 16, 1408: 16, 1664: 16, 1792: 16}  # ViT-H/14, g/14, bigG/14, e/14


def infer_config(
    state: StateDict,
    activation: str,
    tokenizer: PreTrainedTokenizerBase,
    heads: Mapping[str, int] | None = None,
) -> CLIPConfig:
    """Return the configuration of a CLIP whose weights carry Hugging Face's names.

    Args:
        state: any width, depth, patch size, resolution, vocabulary and context length.
        activation: of the MLP blocks, which no weight shows.
        tokenizer: gives the ids of the begin-, end-of-text and padding tokens.
        heads: attention heads per tower ("text", "vision"), where known.

    Raises:
        OmniNegClipError: a weight that decides the shape is missing, or it does not tell the attention heads.
    """
    try:
        text, vision = _tower(state, "text", activation), _tower(state, "vision", activation)
        tokens = state["text_model.embeddings.token_embedding.weight"].shape[0]
        context = state["text_model.embeddings.position_embedding.weight"].shape[0]
        patch = state["vision_model.embeddings.patch_embedding.weight"].shape[-1]
        patches = state["vision_model.embeddings.position_embedding.weight"].shape[0] - 1
        dim = state["visual_projection.weight"].shape[0]
    except KeyError as error:
        raise OmniNegClipError(
            f"The weights lack {error.args[0]}: this is not a complete ViT CLIP."
        ) from error
    except (ValueError, IndexError) as error:
        raise OmniNegClipError("The weights have shapes that no ViT CLIP has.") from error
    if patches < 1 or min(text["hidden_size"], vision["hidden_size"], patch, dim, context) < 1:
        raise OmniNegClipError("The weights have shapes that no ViT CLIP has.")
    special = {f"{kind}_token_id": getattr(tokenizer, f"{kind}_token_id") for kind in ("bos", "eos", "pad")}
    text |= {"vocab_size": tokens, "max_position_embeddings": context, "projection_dim": dim, **special}
    vision |= {"patch_size": patch, "image_size": patch * round(patches**0.5), "projection_dim": dim}
    for name, tower in (("text", text), ("vision", vision)):
        tower["num_attention_heads"] = (heads or {}).get(name) or _heads(name, tower["hidden_size"])
    try:
        return CLIPConfig(text_config=text, vision_config=vision, projection_dim=dim)
    except Exception as error:  # the library's validation raises errors of its own kinds
        raise OmniNegClipError(f"The weights are not those of a ViT CLIP: {in_one_line(error)}") from error


def _tower(state: StateDict, name: str, activation: str) -> JsonObject:
    layers = f"{name}_model.encoder.layers."
    inner, width = state[f"{layers}0.mlp.fc1.weight"].shape
    return {
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": len(
            {key.removeprefix(layers).split(".")[0] for key in state if key.startswith(layers)}
        ),
        "hidden_act": activation,
    }


def _heads(name: str, width: int) -> int:
    if name == "vision" and width in IMAGE_HEADS:
        return IMAGE_HEADS[width]
    if width % 64:
        raise OmniNegClipError(
            f"Weights alone don't tell the attention heads of a {name} tower of width {width}: load the "
            "model from a folder with its configuration."
        )
    return width // 64
