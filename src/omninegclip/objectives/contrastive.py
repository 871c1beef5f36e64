"""The contrastive loss that every objective is built of, and the check of what goes into it."""

import torch
import torch.nn.functional as F
from torch import Tensor


def cross_entropy_to(logits: Tensor, same: Tensor | None = None) -> Tensor:
    """Mean cross-entropy over rows, where column i is the right one for row i.

        CE = mean_i [ log sum_j exp(logits_ij) - logits_ii ]

    The sum leaves out every column j != i with `same[i, j]`: right for row i as well, j is no negative of it.

    Args:
        logits: [B, K] with K >= B; columns from B on are negatives of every row.
        same: [B, B] booleans; the diagonal is ignored. None is the plain loss.

    Raises:
        ValueError: `logits` has fewer columns than rows or is not 2-D, or `same` does not fit it.
    """
    if logits.ndim != 2 or not 1 <= len(logits) <= logits.shape[1]:
        raise ValueError(f"logits must be [B, K] with 1 <= B <= K, not {list(logits.shape)}")
    rows = len(logits)
    if same is not None:
        check_same(same, rows)
        others = same & ~torch.eye(rows, dtype=torch.bool, device=same.device)
        excluded = F.pad(others, (0, logits.shape[1] - rows))
        logits = logits.masked_fill(excluded, -torch.inf)
    return F.cross_entropy(logits, torch.arange(rows, device=logits.device))


def symmetric(left: Tensor, right: Tensor, scale: Tensor, same: Tensor | None = None) -> Tensor:
    """CLIP's own loss, the mean of both directions.

        sym(A, T) = (CE(s A T^T, i) + CE(s T A^T, i)) / 2

    Args:
        left: A, [B, d], L2-normalised.
        right: T, [B, d], L2-normalised.
        scale: s, a scalar: the exponential of CLIP's logit scale.
        same: [B, B] booleans: row j of `right` is right for row i of `left` too, so it is no negative.

    Raises:
        ValueError: The features differ in shape or are not 2-D, or `same` does not fit them.

    Source: CLIP, arXiv 2103.00020, figure 3.
    """
    check_features(left=left, right=right)
    logits = scale * left @ right.T
    backwards = None if same is None else same.T
    return (cross_entropy_to(logits, same) + cross_entropy_to(logits.T, backwards)) / 2


def mean_or_zero(values: Tensor) -> Tensor:
    """Return the mean, or a zero that has a gradient where there is nothing."""
    return values.sum() / max(1, values.numel())


def check_features(**features: Tensor) -> None:
    """Refuse features that are not all of one shape [B, d], by the name of the argument.

    Raises:
        ValueError: One of them is not 2-D, is empty or differs from the first.
    """
    first, *_ = features
    expected = features[first].shape
    for name, tensor in features.items():
        if tensor.ndim != 2 or tensor.numel() == 0:
            raise ValueError(f"{name} must be [B, d] with B and d of at least 1, not {list(tensor.shape)}")
        if tensor.shape != expected:
            raise ValueError(f"{name} has shape {list(tensor.shape)} but {first} has {list(expected)}")


def check_same(same: Tensor, rows: int) -> None:
    """Refuse a mask that is not [rows, rows] of booleans.

    Raises:
        ValueError: It has another shape or another type.
    """
    if same.dtype != torch.bool or same.shape != (rows, rows):
        raise ValueError(
            f"same must be booleans of shape [{rows}, {rows}], not {same.dtype} {list(same.shape)}"
        )
