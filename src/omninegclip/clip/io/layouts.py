"""The two ways in which CLIP weights are named: OpenAI's (also open_clip's) and Hugging Face's."""

import re

import torch

from omninegclip.clip.io.weights import StateDict

# OpenAI's name -> Hugging Face's; a name that ends in a dot is the beginning of several
NAMES = {
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.ln_pre.": "vision_model.pre_layrnorm.",
    "visual.ln_post.": "vision_model.post_layernorm.",
    "visual.transformer.resblocks.": "vision_model.encoder.layers.",
    "visual.proj": "visual_projection.weight",
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "ln_final.": "text_model.final_layer_norm.",
    "transformer.resblocks.": "text_model.encoder.layers.",
    "text_projection": "text_projection.weight",
    "logit_scale": "logit_scale",
}
IN_A_BLOCK = {
    "ln_1.": "layer_norm1.",
    "ln_2.": "layer_norm2.",
    "mlp.c_fc.": "mlp.fc1.",
    "mlp.c_proj.": "mlp.fc2.",
    "attn.out_proj.": "self_attn.out_proj.",
}
TRANSPOSED = {"visual.proj", "text_projection"}
NOT_WEIGHTS = {"input_resolution", "context_length", "vocab_size", "attn_mask"}
BLOCK = re.compile(r"((?:visual\.)?transformer\.resblocks\.)(\d+\.)(.+)")


def is_openai(state: StateDict) -> bool:
    """Tell whether the weights carry OpenAI's names."""
    return "visual.conv1.weight" in state


def to_hugging_face(state: StateDict) -> StateDict:
    """Return the weights under Hugging Face's names; a name that no CLIP has stays as it is.

    The fused projection of queries, keys and values [3 w, w] becomes three, and the output projections [w, d]
    become the weights [d, w] of linear layers. open_clip's `text.` before the text tower is taken away.
    """
    renamed: StateDict = {}
    for long_name, weight in state.items():
        name = long_name.removeprefix("text.")
        if name in NOT_WEIGHTS:
            continue
        block = BLOCK.fullmatch(name)
        if block and block[3] in ("attn.in_proj_weight", "attn.in_proj_bias"):
            kind = block[3].removeprefix("attn.in_proj_")
            for which, part in zip("qkv", weight.chunk(3), strict=True):
                renamed[f"{NAMES[block[1]]}{block[2]}self_attn.{which}_proj.{kind}"] = part.contiguous()
        elif block:
            renamed[NAMES[block[1]] + block[2] + _swap_beginning(block[3], IN_A_BLOCK)] = weight
        else:
            renamed[_swap_beginning(name, NAMES)] = weight.T.contiguous() if name in TRANSPOSED else weight
    return renamed


def to_openai(state: StateDict) -> StateDict:
    """Return the weights of a Hugging Face `CLIPModel` under OpenAI's names: undo `to_hugging_face`."""
    names = {theirs: ours for ours, theirs in NAMES.items()}
    in_a_block = {theirs: ours for ours, theirs in IN_A_BLOCK.items()}
    renamed: StateDict = {}
    for name, weight in state.items():
        block = re.fullmatch(r"((?:text|vision)_model\.encoder\.layers\.)(\d+\.)(.+)", name)
        fused = re.fullmatch(r"self_attn\.([qkv])_proj\.(weight|bias)", block[3]) if block else None
        if block and fused:
            parts = [state[f"{block[1]}{block[2]}self_attn.{which}_proj.{fused[2]}"] for which in "qkv"]
            renamed[f"{names[block[1]]}{block[2]}attn.in_proj_{fused[2]}"] = torch.cat(parts)
        elif block:
            renamed[names[block[1]] + block[2] + _swap_beginning(block[3], in_a_block)] = weight
        else:
            openai = _swap_beginning(name, names)
            renamed[openai] = weight.T.contiguous() if openai in TRANSPOSED else weight
    return renamed


def _swap_beginning(name: str, table: dict[str, str]) -> str:
    if name in table:
        return table[name]
    beginning = next((start for start in table if start.endswith(".") and name.startswith(start)), None)
    return name if beginning is None else table[beginning] + name.removeprefix(beginning)
