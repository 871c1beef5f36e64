"""Captions as prefix trees in full rows: a causal text tower then computes every token once and no padding.

In a causal tower the hidden state at a token depends on the tokens before it and on nothing else. So what
comes after the end-of-text token is waste, and texts that begin alike, as a caption and its negated form do,
share the states of their beginning.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import CLIPModel

from omninegclip.clip.pooled import all_but_last, block_at
from omninegclip.errors import OmniNegClipError


class PackedTexts(NamedTuple):
    """n texts as R rows of at most L tokens that hold prefix trees.

    Attributes:
        ids: [R, L] token ids, each after its ancestors.
        positions: [R, L] depth in the tree, which is the token's position in every text that goes through it.
        mask: [R, 1, L, L] true where a token attends: to its ancestors and itself.
        end: [n, 2] row and column of each text's last token, in the order of the texts.
        tokens_padded: tokens of the same texts padded to the context length.
    """

    ids: Tensor
    positions: Tensor
    mask: Tensor
    end: Tensor
    tokens_padded: int

    @property
    def device(self) -> torch.device:
        """Where the texts are."""
        return self.ids.device

    @property
    def row_length(self) -> float:
        """Length of a row, L."""
        return float(self.ids.shape[1])

    @property
    def tokens_packed(self) -> int:
        """Tokens that the tower computes, R * L."""
        return self.ids.numel()

    def to(self, device: torch.device | str) -> "PackedTexts":
        """Return the same texts with every tensor on `device`."""
        ids, positions, mask, end = (tensor.to(device, non_blocking=True) for tensor in self[:4])
        return PackedTexts(ids, positions, mask, end, self.tokens_padded)


def pack(groups: Sequence[Sequence[Sequence[int]]], context_length: int) -> PackedTexts:
    """Pack texts that share beginnings into the fewest rows that first-fit-decreasing finds.

    Args:
        groups: texts that begin alike (a caption and its negated forms) as token ids from begin-of-text to
            end-of-text, without padding.
        context_length: tokens of the longest text and of the longest row.

    Raises:
        OmniNegClipError: There is no text, or one has no token or more than `context_length`.
    """
    texts = [text for group in groups for text in group]
    _check(texts, context_length)
    paths, prefixes = _number_prefixes(texts)
    trees = _trees([len(group) for group in groups], paths, context_length)
    return _lay_out(_narrowest_rows(trees, context_length), paths, prefixes, context_length)


def encode_packed(model: CLIPModel, packed: PackedTexts) -> Tensor:
    """Return the L2-normalised features [n, d] that each text has when it is encoded alone."""
    mask = torch.zeros(packed.mask.shape, dtype=model.dtype, device=packed.mask.device)
    mask.masked_fill_(~packed.mask, -torch.inf)
    tower = model.text_model
    embedded = tower.embeddings(input_ids=packed.ids, position_ids=packed.positions)
    hidden = all_but_last(tower.encoder.layers, embedded, mask)
    rows, columns = packed.end.unbind(1)
    ends = block_at(tower.encoder.layers[-1], hidden, rows, columns, packed.mask[rows, 0, columns])
    return F.normalize(model.text_projection(tower.final_layer_norm(ends)), dim=-1)


def require_mask(model: CLIPModel) -> None:
    """Raise OmniNegClipError unless the attention of the model's text tower takes any mask."""
    attention = model.text_model.config._attn_implementation
    if attention not in ("sdpa", "eager"):
        raise OmniNegClipError(
            f"Packed captions need attention that takes a mask, and this model has {attention}: "
            'load it with attn_implementation="sdpa".'
        )


class _Tree(NamedTuple):
    """Some of the texts, by index, and the set of their prefixes: one token each."""

    nodes: set[int]
    texts: list[int]


def _check(texts: Sequence[Sequence[int]], context_length: int) -> None:
    if not texts:
        raise OmniNegClipError("There is no text to pack: give at least one.")
    for index, text in enumerate(texts):
        if not 0 < len(text) <= context_length:
            raise OmniNegClipError(
                f"Text {index} has {len(text)} tokens, but must have 1 to {context_length}: truncate it."
            )


def _number_prefixes(texts: Sequence[Sequence[int]]) -> tuple[list[list[int]], list[tuple[int, int]]]:
    """Number the distinct prefixes of all texts, each after the one that is a token shorter.

    Returns for each text the numbers of its prefixes, and for each number the shorter prefix's (-1 if that is
    empty) and the last token.
    """
    numbers: dict[tuple[int, int], int] = {}
    paths: list[list[int]] = []
    for text in texts:
        node, path = -1, []
        for token in text:
            node = numbers.setdefault((node, token), len(numbers))
            path.append(node)
        paths.append(path)
    return paths, list(numbers)


def _trees(sizes: Sequence[int], paths: Sequence[list[int]], context_length: int) -> list[_Tree]:
    """Return a tree per group, largest first; a group too large for one row is cut into several."""
    trees: list[_Tree] = []
    start = 0
    for size in sizes:
        tree = _Tree(set(), [])
        for index in range(start, start + size):
            if len(tree.nodes.union(paths[index])) > context_length:
                trees.append(tree)
                tree = _Tree(set(), [])
            tree.nodes.update(paths[index])
            tree.texts.append(index)
        trees.append(tree)
        start += size
    return sorted((tree for tree in trees if tree.texts), key=lambda tree: len(tree.nodes), reverse=True)


def _first_fit(trees: Sequence[_Tree], width: int) -> list[_Tree]:
    """Merge each tree into the first row that has room for the nodes that the row lacks."""
    rows: list[_Tree] = []
    for tree in trees:
        for row in rows:
            if len(row.nodes) + len(tree.nodes - row.nodes) <= width:
                break
        else:
            row = _Tree(set(), [])
            rows.append(row)
        row.nodes.update(tree.nodes)
        row.texts.extend(tree.texts)
    return rows


def _narrowest_rows(trees: Sequence[_Tree], context_length: int) -> list[_Tree]:
    """Return the fewest rows, levelled: at full width the last one would often be nearly empty."""
    rows = _first_fit(trees, context_length)
    mean = -(-sum(len(row.nodes) for row in rows) // len(rows))
    for width in range(max(mean, len(trees[0].nodes)), context_length):
        narrower = _first_fit(trees, width)
        if len(narrower) <= len(rows):
            return narrower
    return rows


def _lay_out(
    rows: Sequence[_Tree],
    paths: Sequence[list[int]],
    prefixes: Sequence[tuple[int, int]],
    context_length: int,
) -> PackedTexts:
    width = max(len(row.nodes) for row in rows)
    ids = np.zeros((len(rows), width), dtype=np.int64)
    mask = np.tile(np.eye(width, dtype=np.bool_), (len(rows), 1, 1))  # padding too: it would be NaN without
    end = np.empty((len(paths), 2), dtype=np.int64)
    for number, row in enumerate(rows):
        nodes = sorted(row.nodes)
        column = {node: place for place, node in enumerate(nodes)}
        ids[number, : len(nodes)] = [prefixes[node][1] for node in nodes]
        for place, (parent, _) in enumerate(prefixes[node] for node in nodes):
            if parent >= 0:
                mask[number, place] |= mask[number, column[parent]]
        end[row.texts] = [(number, column[paths[text][-1]]) for text in row.texts]
    positions = mask.sum(axis=2) - 1  # the number of ancestors
    return PackedTexts(
        torch.from_numpy(ids),
        torch.from_numpy(positions),
        torch.from_numpy(mask[:, None]),
        torch.from_numpy(end),
        len(paths) * context_length,
    )
