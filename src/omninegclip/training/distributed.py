"""One run over many processes, with the loss and gradients that one process would have.

Each process encodes its share of the batch and computes the loss of the whole batch from the features of all.
In the backward pass the gradient of a feature is summed over processes, so it is W times that of one process,
and DistributedDataParallel's mean over the W processes makes it exact, whatever the shares.
"""

import math
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributed import distributed_c10d
from torch.nn import functional as F

from omninegclip.errors import OmniNegClipError

T = TypeVar("T")
TIMEOUT = "OMNINEGCLIP_TIMEOUT"  # environment variable: seconds
_TURNS = 20  # in which a process may be silent


@contextmanager
def process_group(device: torch.device) -> Iterator[None]:
    """Join the processes that `torchrun` started, if it did; this one computes on `device`.

    One that doesn't answer for five minutes, or the seconds in OMNINEGCLIP_TIMEOUT, because it was stopped or
    its machine hangs, is named, and this process ends.

    Raises:
        OmniNegClipError: Another process ended while this one waited for it.
    """
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if "RANK" not in os.environ:
        yield
        return
    limit = _limit()
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        with _watched(limit):
            yield
    except RuntimeError as error:
        if not _lost_peer(error):
            raise
        with suppress(ValueError):  # only the main thread may
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # torchrun sends it: this process ends by itself
        raise OmniNegClipError(
            "Another process of this run ended, so this one stops: its own message says why."
        ) from error
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """Return the number of this process, 0 for the one that writes."""
    return dist.get_rank() if dist.is_initialized() else 0


def starting_rank() -> int:
    """Return the number that `torchrun` gave this process, also before and after there is a group."""
    return int(os.environ.get("RANK", "0"))


def world_size() -> int:
    """Return the number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def share(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return this process's part of a batch; `gather` puts the parts together in the batch's order."""
    return np.array_split(rows, world_size())[rank()]


def gather(local: Tensor) -> Tensor:
    """Return the rows [n, ...] of all processes in their order, with gradients.

    Args:
        local: [n_r, ...], this process's rows; their number may differ from process to process.
    """
    if world_size() == 1:
        return local
    gathered: Tensor = _Gather.apply(local)  # type: ignore[no-untyped-call]
    return gathered


def from_first(compute: Callable[[], T]) -> T:
    """Return what `compute` returns in the first process, which alone runs it, in all of them.

    Raises the OmniNegClipError that it raises, likewise in all of them.
    """
    if world_size() == 1:
        return compute()
    found: list[Any] = [None, None]
    if rank() == 0:
        try:
            found[0] = compute()
        except OmniNegClipError as error:
            found[1] = error
    dist.broadcast_object_list(found)
    if found[1] is not None:
        raise found[1]
    result: T = found[0]
    return result


def any_process(flag: bool) -> bool:
    """Tell whether `flag` is true in any process."""
    if world_size() == 1:
        return flag
    flags: list[bool | None] = [None] * world_size()
    dist.all_gather_object(flags, flag)
    return any(flags)


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Do what DistributedDataParallel does, for gradients that were not made by its own forward pass."""
    if world_size() > 1:
        for parameter in parameters:
            if parameter.grad is not None:
                dist.all_reduce(parameter.grad)
                parameter.grad /= world_size()


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, local: Tensor) -> Tensor:
        counts = [torch.zeros(1, dtype=torch.long, device=local.device) for _ in range(world_size())]
        dist.all_gather(counts, torch.tensor([len(local)], device=local.device))
        sizes = [int(count) for count in counts]
        ctx.own = slice(sum(sizes[: rank()]), sum(sizes[: rank() + 1]))
        padded = F.pad(local, (0, 0) * (local.ndim - 1) + (0, max(sizes) - len(local))).contiguous()
        parts = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(parts, padded)
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total[ctx.own]


def _limit() -> float:
    """Return for how many seconds a process may be silent."""
    said = os.environ.get(TIMEOUT, "300")
    try:
        limit = float(said)
    except ValueError:
        limit = 0.0
    if not 0 < limit < math.inf:
        raise OmniNegClipError(f"{TIMEOUT}={said} must be a number of seconds above 0.")
    return limit


@contextmanager
def _watched(limit: float) -> Iterator[None]:
    """Tell the others that this process is alive, and end it when another one is silent for too long."""
    store: Any = distributed_c10d._get_default_store()
    over, heard = threading.Event(), dict.fromkeys(range(world_size()), 0)
    # two threads, since whoever asks the store waits for ever when the process that has it is stopped
    talk = threading.Thread(target=_talk, args=(store.clone(), heard, over, limit / _TURNS), daemon=True)
    listen = threading.Thread(target=_listen, args=(heard, over, limit), daemon=True)
    talk.start()
    listen.start()
    try:
        yield
    finally:
        over.set()
        for thread in (talk, listen):
            thread.join(1)


def _talk(store: Any, heard: dict[int, int], over: threading.Event, pause: float) -> None:
    """Count up a number of this process in the store, and take in those of all."""
    with suppress(RuntimeError):  # the store is gone with a process that ended, as the main thread will learn
        while not over.wait(pause):
            store.add(f"alive/{rank()}", 1)
            for other in heard:
                heard[other] = store.add(f"alive/{other}", 0)
    over.set()


def _listen(heard: dict[int, int], over: threading.Event, limit: float) -> None:
    before, silent = dict(heard), dict.fromkeys(heard, 0)
    # counted in turns of this thread, not by a clock: when all were stopped, nobody was silent
    while not over.wait(limit / _TURNS):
        now = dict(heard)
        silent = {each: silent[each] + 1 if now[each] == before[each] else 0 for each in now}
        before = now
        if silent[rank()] >= _TURNS:
            _end(0, limit)  # nobody is heard through the store, which the first process has
        if gone := [each for each, turns in silent.items() if turns >= _TURNS]:
            _end(gone[0], limit)


def _end(other: int, limit: float) -> None:
    """End at once: the main thread waits inside a library and can't be told."""
    sentence = (
        f"omninegclip: Process {other} of this run has not answered for {limit:g} seconds, because it "
        "was stopped or "
        "its machine hangs, so this one ends; the same command with --resume continues the run.\n"
    )
    os.write(2, sentence.encode())
    os._exit(1)


def _lost_peer(error: RuntimeError) -> bool:
    return isinstance(error, dist.DistError) or "gloo" in str(error).lower()
