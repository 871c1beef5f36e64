"""Captions as prefix trees in full rows: a causal text tower then computes every token once and no padding.

In a causal tower the hidden state at a token depends on the tokens before it and on nothing else. So what
comes after the end-of-text token is waste, and texts that begin alike, as a caption and its negated form do,
share the states of their beginning.
"""

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from omninegclip.clip.pooled import all_but_last, block_at
from omninegclip.errors import OmniNegClipError

if TYPE_CHECKING:
    from transformers import CLIPModel


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


def pack(groups: Sequence[Sequence[Sequence[int]]], context_length: int) -> PackedTexts:
    """Pack texts that share beginnings into the fewest rows that first-fit-decreasing finds.

    Args:
        groups: texts that begin alike (a caption and its negated forms) as token ids from begin-of-text to
            end-of-text, without padding.
        context_length: tokens of the longest text and of the longest row.

    Raises:
        OmniNegClipError: There is no text, or one has no token or more than `context_length`.
    """
    tokens = _padded([text for group in groups for text in group], context_length)
    beginnings = _Beginnings(tokens >= 0, _number(tokens))
    trees = _trees([len(group) for group in groups], beginnings, context_length)
    rows = _narrowest_rows(trees, context_length)[trees.of_text]
    return PackedTexts(*_lay_out(rows, tokens, beginnings), len(tokens) * context_length)


def encode_packed(model: "CLIPModel", packed: PackedTexts) -> Tensor:
    """Return the L2-normalised features [n, d] that each text has when it is encoded alone."""
    mask = torch.zeros(packed.mask.shape, dtype=model.dtype, device=packed.mask.device)
    mask.masked_fill_(~packed.mask, -torch.inf)
    tower = model.text_model
    embedded = tower.embeddings(input_ids=packed.ids, position_ids=packed.positions)
    hidden = all_but_last(tower.encoder.layers, embedded, mask)
    rows, columns = packed.end.unbind(1)
    ends = block_at(tower.encoder.layers[-1], hidden, rows, columns, packed.mask[rows, 0, columns])
    return F.normalize(model.text_projection(tower.final_layer_norm(ends)), dim=-1)


def require_mask(model: "CLIPModel") -> None:
    """Raise OmniNegClipError unless the attention of the model's text tower takes any mask."""
    attention = model.text_model.config._attn_implementation
    if attention not in ("sdpa", "eager"):
        raise OmniNegClipError(
            f"Packed captions need attention that takes a mask, and this model has {attention}: "
            'load it with attn_implementation="sdpa".'
        )


class _Beginnings(NamedTuple):
    """n texts up to each of their tokens: what a causal tower computes, once for those that are equal.

    Attributes:
        there: [n, t] true where a text has a token.
        number: [n, t] equal where texts begin alike: the first place in [n, t] that has this beginning.
    """

    there: NDArray[np.bool_]
    number: NDArray[np.int64]

    def within(self, sets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return set * n * t + number of all there are, for the set [n] that each text is in."""
        return (sets[:, None] * self.number.size + self.number)[self.there]

    def of(self, sets: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return [m] sets beside [m] numbers, one for each distinct beginning in a set, in order."""
        return np.divmod(np.unique(self.within(sets)), self.number.size)


class _Trees(NamedTuple):
    """Prefix trees, largest first.

    Attributes:
        of_text: [n] the tree of each text.
        sizes: distinct beginnings in each, which is what it takes up of a row.
        common: those of them that other trees have too, as bits of a whole number.
    """

    of_text: NDArray[np.int64]
    sizes: list[int]
    common: list[int]


def _padded(texts: Sequence[Sequence[int]], context_length: int) -> NDArray[np.int32]:
    """Return the token ids [n, t] of texts, -1 behind each."""
    if not texts:
        raise OmniNegClipError("There is no text to pack: give at least one.")
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    for index in np.flatnonzero((lengths < 1) | (lengths > context_length)):
        raise OmniNegClipError(
            f"Text {index} has {lengths[index]} tokens, but must have 1 to {context_length}: truncate it."
        )
    tokens = np.full((len(texts), lengths.max()), -1, np.int32)
    there = np.arange(tokens.shape[1]) < lengths[:, None]
    tokens[there] = np.fromiter(chain.from_iterable(texts), np.int32, lengths.sum())
    return tokens


def _number(tokens: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return `_Beginnings.number` of token ids [n, t]."""
    count, longest = tokens.shape
    # as byte strings, texts that begin alike are neighbours once they are sorted
    order = np.argsort(tokens.view(f"S{longest * tokens.itemsize}")[:, 0])
    new = np.ones((longest, count), np.bool_)  # where a text begins unlike the one before, by length
    new[:, 1:] = np.logical_or.accumulate(tokens[order[1:]] != tokens[order[:-1]], axis=1).T
    first = np.minimum.reduceat(np.tile(order, longest), np.flatnonzero(new))
    number = np.empty((count, longest), np.int64)
    number[order] = first[np.cumsum(new) - 1].reshape(longest, count).T
    number *= longest
    number += np.arange(longest)
    return number


def _trees(sizes: Sequence[int], beginnings: _Beginnings, context_length: int) -> _Trees:
    """Return a tree per group of texts; a group too large for one row is cut into several."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    of_text = groups.copy()
    for group in np.flatnonzero(np.bincount(beginnings.of(groups)[0]) > context_length):
        nodes: set[int] = set()
        for text in np.flatnonzero(groups == group):
            path = set(beginnings.number[text, beginnings.there[text]].tolist())
            if len(nodes | path) > context_length:
                nodes = set()
                of_text[text:] += 1
            nodes |= path
    _, of_text = np.unique(of_text, return_inverse=True)  # an empty group is no tree
    trees, nodes_of = beginnings.of(of_text)
    tree_sizes = np.bincount(trees)
    order = np.argsort(-tree_sizes, kind="stable")
    _, node, trees_with = np.unique(nodes_of, return_inverse=True, return_counts=True)
    has = np.zeros((len(order), len(trees_with)), np.bool_)
    has[trees, node] = True
    bits = np.packbits(has[order][:, trees_with > 1], axis=1)
    return _Trees(
        of_text=np.argsort(order)[of_text],
        sizes=tree_sizes[order].tolist(),
        common=[int.from_bytes(row.tobytes()) for row in bits],
    )


def _first_fit(trees: _Trees, width: int) -> tuple[list[int], list[int]]:
    """Return a row for each tree, the first that has room for what it lacks of it, and the rows' sizes."""
    rows, sizes, held = list[int](), list[int](), list[int]()
    for size, common in zip(trees.sizes, trees.common, strict=True):
        room = width - size + common.bit_count()  # if the row held all that it could
        for row, taken in enumerate(sizes):
            if taken <= room and taken + size - (common & held[row]).bit_count() <= width:
                break
        else:
            row = len(sizes)
            sizes.append(0)
            held.append(0)
        sizes[row] += size - (common & held[row]).bit_count()
        held[row] |= common
        rows.append(row)
    return rows, sizes


def _narrowest_rows(trees: _Trees, context_length: int) -> NDArray[np.int64]:
    """Return a row for each tree, of the fewest, levelled: at full width the last would be nearly empty."""
    rows, sizes = _first_fit(trees, context_length)
    mean = -(-sum(sizes) // len(sizes))
    for width in range(max(mean, trees.sizes[0]), context_length):
        narrower, its_sizes = _first_fit(trees, width)
        if len(its_sizes) <= len(sizes):
            return np.array(narrower)
    return np.array(rows)


def _lay_out(
    rows: NDArray[np.int64], tokens: NDArray[np.int32], beginnings: _Beginnings
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return `ids`, `positions`, `mask` and `end` of texts [n, t], each in its row of `rows` [n]."""
    there = beginnings.there
    found, which = np.unique(beginnings.within(rows), return_inverse=True)
    of_row = found // there.size
    sizes = np.bincount(of_row)
    width = int(sizes.max())
    column = np.arange(len(found)) - (np.cumsum(sizes) - sizes)[of_row]
    place = np.zeros(there.shape, np.int64)  # of each token, among all places of all rows
    place[there] = (of_row * width + column)[which]
    ids = np.zeros(len(sizes) * width, np.int64)
    ids[place[there]] = tokens[there]
    mask = np.tile(np.eye(width, dtype=np.bool_), (len(sizes), 1))  # padding too: it would be NaN without
    for depth in range(1, there.shape[1]):
        texts = there[:, depth]
        mask[place[texts, depth]] |= mask[place[texts, depth - 1]]
    end = place[np.arange(len(rows)), there.sum(axis=1) - 1]
    shape = len(sizes), width
    return (
        torch.from_numpy(ids.reshape(shape)),
        torch.from_numpy(mask.sum(axis=1).reshape(shape) - 1),  # the number of ancestors
        torch.from_numpy(mask.reshape(len(sizes), 1, width, width)),
        torch.from_numpy(np.stack(np.divmod(end, width), axis=1)),
    )
