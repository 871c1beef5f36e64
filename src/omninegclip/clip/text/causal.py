"""Texts of one batch for a causal text tower: what stands behind a text's end can't change it, so no mask."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


def pad_behind_ends(token_ids: Sequence[Sequence[int]] | Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the ids [n, t] of n texts, as long as the longest, and the place [n] of each's last token."""
    rows = [torch.as_tensor(row) for row in token_ids]
    padded = pad_sequence(rows, batch_first=True, padding_value=int(rows[0][-1]))
    return padded, torch.tensor([len(row) - 1 for row in rows])
