"""The one training loop: batches in, steps done; it knows neither CLIP nor negation."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from omninegclip.errors import OmniNegClipError

BatchT = TypeVar("BatchT")
ScaleLoss = Callable[[Tensor], Tensor]
READ_EVERY = 20  # steps that a GPU may be behind


class Scalars(Mapping[str, float]):
    """The named scalars of a step, which may still be on a GPU: asking for one waits until the step is done.

    Raises OmniNegClipError, when they are asked for, if the loss is not finite.
    """

    def __init__(self, number: int, tensors: Mapping[str, Tensor]) -> None:
        """Hold the scalars of a step by number; nothing is waited for."""
        self._number, self._names = number, tuple(tensors)
        self._unread: Tensor | None = torch.stack([each.detach().float() for each in tensors.values()])
        self._values: dict[str, float] = {}

    @property
    def known(self) -> bool:
        """Whether they are here, so that nobody has to wait for them."""
        return self._unread is None

    def __getitem__(self, name: str) -> float:
        """Return a scalar."""
        if self._unread is not None:
            self._values = dict(zip(self._names, self._unread.tolist(), strict=True))
            self._unread = None
            require_finite(self._number, self._values["loss"])
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._names)


class Step(NamedTuple):
    """What a step did: its number from 0, the learning rate, and the named scalars of the task."""

    number: int
    learning_rate: float
    scalars: Scalars


def require_finite(number: int, loss: float) -> None:
    """Raise OmniNegClipError unless the loss of a step is a number."""
    if not math.isfinite(loss):
        raise OmniNegClipError(
            f"The loss of step {number} is {loss}: lower learning_rate, or set precision=fp32."
        )


def backward_through(
    task: Callable[[BatchT], dict[str, Tensor]],
) -> Callable[[BatchT, ScaleLoss], dict[str, Tensor]]:
    """Return what `train` takes: a batch to the scalars of `task`, with the gradient of `loss` in `.grad`."""

    def backward(batch: BatchT, scale_loss: ScaleLoss) -> dict[str, Tensor]:
        scalars = task(batch)
        torch.autograd.backward(scale_loss(scalars["loss"]))
        return scalars

    return backward


def train(
    backward: Callable[[BatchT, ScaleLoss], dict[str, Tensor]],
    optimizer: torch.optim.Optimizer,
    batches: Iterator[BatchT],
    factor: Callable[[int], float],
    steps: range,
    *,
    scaler: torch.amp.GradScaler | None = None,
    clip_norm: float | None = None,
) -> Iterator[Step]:
    """Take an optimizer step per number in `steps` and yield each when it is done.

    On a GPU, with a fused optimizer, the loss is looked at every `READ_EVERY` steps, or when somebody asks
    for a scalar; meanwhile the GPU itself skips a step whose loss is not finite.

    Args:
        backward: a batch, and what scales the loss before its backward pass, to named scalars with `loss`
            among them; leaves the gradient in `.grad`.
        optimizer: its learning rates are those at `factor` 1.
        batches: one is taken per step.
        factor: step number to the factor of the learning rate.
        steps: their numbers, which begin above 0 when a run is taken up again.
        scaler: scales the loss for fp16; it skips steps whose gradient overflows.
        clip_norm: largest norm of the gradient; its norm before that is the scalar `gradient_norm`.

    Raises:
        OmniNegClipError: The loss is not finite; no step is taken with it.
    """
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    peak = [group.setdefault("initial_lr", group["lr"]) for group in optimizer.param_groups]
    trained = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    waits, unread = _waits(optimizer), list[Scalars]()
    for number in steps:
        for group, rate in zip(optimizer.param_groups, peak, strict=True):
            group["lr"] = rate * factor(number)
        optimizer.zero_grad(set_to_none=True)
        scalars = backward(next(batches), scaler.scale)
        if waits:
            require_finite(number, scalars["loss"].item())
        elif not scaler.is_enabled():
            skip_unless_finite(optimizer, scalars["loss"])
        if clip_norm is not None:
            scaler.unscale_(optimizer)
            scalars["gradient_norm"] = torch.nn.utils.clip_grad_norm_(trained, clip_norm)
        scaler.step(optimizer)
        scaler.update()
        unread.append(Scalars(number, scalars))
        step = Step(number, optimizer.param_groups[0]["lr"], unread[-1])
        if waits or len(unread) == READ_EVERY:
            for each in unread:
                each["loss"]
            unread.clear()
        yield step


def _waits(optimizer: torch.optim.Optimizer) -> bool:
    """Tell whether a loss is looked at before its step: not where a GPU would stand still for that."""
    weight: Tensor = optimizer.param_groups[0]["params"][0]
    return not (weight.is_cuda and optimizer.defaults.get("fused"))


def skip_unless_finite(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """Let the next step of a fused optimizer change nothing if the loss is not finite, and don't wait for it.

    These are the attributes by which a GradScaler tells such an optimizer of an overflow.
    """
    optimizer.grad_scale = None  # type: ignore[attr-defined]
    optimizer.found_inf = (~torch.isfinite(loss.detach())).float()  # type: ignore[attr-defined]
