"""Where a model computes, and how tensors get there."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


def moved(value: T, device: torch.device) -> T:
    """Return the same tensors, in whatever named tuples they are, on `device`.

    Copies from pinned memory to a GPU go on while the processor does other work.
    """
    return _changed(value, lambda tensor: tensor.to(device, non_blocking=True))


def pinned(value: T) -> T:
    """Return the same tensors in memory that a GPU reads by itself."""
    return _changed(value, Tensor.pin_memory)


def _changed(value: T, change: Callable[[Tensor], Tensor]) -> T:
    if isinstance(value, Tensor):
        return change(value)  # type: ignore[return-value]
    if isinstance(value, tuple):
        parts = [_changed(part, change) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value
