"""How many images' captions a GPU can encode at a time, with the graph that the backward pass needs."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from omninegclip.training.methods.method import Texts

PROBED = 4  # images whose captions are tried
_SHARE = 0.8  # of the memory; the rest is for what lies there beside tensors
_TRAINED_BYTES = 16  # of a weight in float32, its gradient and both moments


def chunk_that_fits(model: nn.Module, encode: Callable[[Texts], Mapping[str, Tensor]], texts: Texts) -> int:
    """Return for how many images the captions fit on the GPU at a time, judged by those of `PROBED`."""
    torch.autograd.backward(encode(texts)["texts"].sum())  # from here on every gradient has its memory
    used = _peak(texts.device, lambda: torch.autograd.backward(encode(texts)["texts"].sum()))
    model.zero_grad(set_to_none=True)
    held = sum(
        weight.numel() * (_TRAINED_BYTES if weight.requires_grad else weight.element_size())
        for weight in model.parameters()
    )
    return max(1, int((_SHARE * _memory(texts.device) - held) * PROBED / used))


def _peak(device: torch.device, work: Callable[[], None]) -> int:
    """Return the bytes that some work needs beside what is there."""
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    work()
    return torch.cuda.max_memory_allocated(device) - before


def _memory(device: torch.device) -> int:
    return torch.cuda.get_device_properties(device).total_memory
