"""The two towers of CLIP, computed for the one token that each is read at: exact, and a block cheaper."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from transformers import CLIPModel
    from transformers.models.clip.modeling_clip import CLIPEncoderLayer


def text_features(model: "CLIPModel", ids: Tensor, last: Tensor) -> Tensor:
    """Return the projected features [n, d] of texts, read at their end-of-text tokens.

    Args:
        model: any CLIP.
        ids: padded token ids [n, t]; padding is never looked at, for the tower is causal.
        last: where each text ends [n].
    """
    tower = model.text_model
    ahead = torch.full((ids.shape[1],) * 2, float("-inf"), device=ids.device).triu(1)[None, None]
    hidden = all_but_last(tower.encoder.layers, tower.embeddings(ids), ahead)
    rows = torch.arange(len(ids), device=ids.device)
    seen = torch.arange(ids.shape[1], device=ids.device) <= last[:, None]
    pooled = block_at(tower.encoder.layers[-1], hidden, rows, last, seen)
    return torch.as_tensor(model.text_projection(tower.final_layer_norm(pooled)))


def image_features(model: "CLIPModel", pixels: Tensor, kept: int | None = None) -> Tensor:
    """Return the projected features [n, d] of images [n, 3, size, size], read at their class tokens.

    With `kept`, the tower sees so many random patches of each image alone, which training can afford.

    Source: FLIP, Li et al., CVPR 2023, arXiv 2212.00794.
    """
    tower = model.vision_model
    embedded = tower.embeddings(pixels)
    if kept is not None:
        embedded = _some_patches(embedded, kept)
    hidden = all_but_last(tower.encoder.layers, tower.pre_layrnorm(embedded), None)
    rows = torch.arange(len(pixels), device=pixels.device)
    pooled = block_at(tower.encoder.layers[-1], hidden, rows, torch.zeros_like(rows), None)
    return torch.as_tensor(model.visual_projection(tower.post_layernorm(pooled)))


def block_at(
    block: "CLIPEncoderLayer", hidden: Tensor, rows: Tensor, columns: Tensor, seen: Tensor | None
) -> Tensor:
    """Return what a block makes of n tokens, [n, width], without computing the others.

    Only keys and values need all tokens; queries, output projection and MLP, 10 of 12 products of the width
    squared, are computed for the n.

    Args:
        block: a residual attention block.
        hidden: its input [r, t, width].
        rows: the row of each of the n tokens.
        columns: its place in the row.
        seen: which tokens of its row each of the n sees, [n, t]; None for all.
    """
    attention = block.self_attn

    def in_heads(x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-1], attention.num_heads, -1).transpose(1, 2)

    normed = block.layer_norm1(hidden)
    query = in_heads(attention.q_proj(normed[rows, columns])[:, None])
    key, value = in_heads(attention.k_proj(normed)[rows]), in_heads(attention.v_proj(normed)[rows])
    mask = None if seen is None else seen[:, None, None]
    mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2).flatten(1)
    out = hidden[rows, columns] + attention.out_proj(mixed)
    return torch.as_tensor(out + block.mlp(block.layer_norm2(out)))


def all_but_last(blocks: nn.ModuleList, hidden: Tensor, mask: Tensor | None) -> Tensor:
    """Return the input of the last block, [r, t, width]; `mask` is added to the attention scores."""
    for block in blocks[:-1]:
        hidden = block(hidden, mask)
    return hidden


def _some_patches(embedded: Tensor, kept: int) -> Tensor:
    """Return the class token and `kept` random patches, [n, 1 + kept, width], of [n, 1 + t, width]."""
    rows, tokens, width = embedded.shape
    patches = 1 + torch.rand(rows, tokens - 1, device=embedded.device).argsort(dim=1)[:, :kept]
    return embedded.gather(1, F.pad(patches, (1, 0))[:, :, None].expand(-1, -1, width))
