"""Where a model computes and in which number format: decided here, and said once."""

import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from omninegclip.errors import OmniNegClipError
from omninegclip.progress import console

T = TypeVar("T")
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
_OLDEST_BF16 = (8, 0)  # compute capability; older GPUs imitate it slowly


class ComputePlace(NamedTuple):
    """A device, and the number format of the matrix products on it; weights and results stay float32."""

    device: torch.device
    precision: str = "fp32"

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context in which matrix products are in that format."""
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=_DTYPES[self.precision])


def choose_device(name: str = "auto") -> torch.device:
    """Return the device called `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.

    `auto` is a CUDA GPU where there is one, else the CPU. Of the processes that `torchrun` started, each gets
    its own GPU by `auto` and `cuda`.

    Raises:
        OmniNegClipError: there is no such device here.
    """
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if name == "mps":
        if not torch.backends.mps.is_available():
            raise OmniNegClipError("--device mps: PyTorch sees no Apple GPU here, choose cpu or auto.")
        return torch.device("mps")
    if not re.fullmatch(r"auto|cuda(:\d{1,3})?", name):
        raise OmniNegClipError(f"--device {name}: it can be auto, cpu, cuda, cuda:N or mps.")
    if not torch.cuda.is_available():
        raise OmniNegClipError(f"--device {name}: PyTorch sees no CUDA GPU here, choose cpu or auto.")
    number = int(name.partition(":")[2] or os.environ.get("LOCAL_RANK", "0"))
    if number >= torch.cuda.device_count():
        raise OmniNegClipError(
            f"--device {name}: PyTorch sees {torch.cuda.device_count()} CUDA GPUs here, so the last one is "
            f"cuda:{torch.cuda.device_count() - 1}."
        )
    return torch.device("cuda", number)


@cache  # once, for any number of models
def settle(place: ComputePlace) -> None:
    """Make a place ready, and say on standard error which it is.

    Raises:
        OmniNegClipError: the device can't compute in that number format.
    """
    device = place.device
    torch.backends.cudnn.allow_tf32 = False  # fp32 is what is said, in convolutions too
    try:
        with place.autocast():
            torch.ones(2, 2, device=device) @ torch.ones(2, 2, device=device)
        able = place.precision != "bf16" or device.type != "cuda" or _has_bf16(device)
    except (RuntimeError, TypeError):  # as PyTorch says it, or an operator that is missing there
        able = False
    if not able:
        raise OmniNegClipError(f"{device} can't compute in {place.precision}: choose fp32.")
    name = f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)
    console.print(f"Computing on {name} in {place.precision}.")


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


def _has_bf16(device: torch.device) -> bool:
    return torch.cuda.get_device_capability(device) >= _OLDEST_BF16
