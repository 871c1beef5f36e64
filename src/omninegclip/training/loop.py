"""The one training loop: batches in, steps done; it knows neither CLIP nor negation."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from omninegclip.errors import OmniNegClipError

BatchT = TypeVar("BatchT")
ScaleLoss = Callable[[Tensor], Tensor]


class Step(NamedTuple):
    """What a step did: its number from 0, the learning rate, and the named scalars of the task."""

    number: int
    learning_rate: float
    scalars: dict[str, float]


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
    for number in steps:
        for group, rate in zip(optimizer.param_groups, peak, strict=True):
            group["lr"] = rate * factor(number)
        optimizer.zero_grad(set_to_none=True)
        scalars = backward(next(batches), scaler.scale)
        if not torch.isfinite(scalars["loss"]):
            raise OmniNegClipError(
                f"The loss of step {number} is {scalars['loss'].item()}: "
                "lower learning_rate, or set precision=fp32."
            )
        if clip_norm is not None:
            scaler.unscale_(optimizer)
            scalars["gradient_norm"] = torch.nn.utils.clip_grad_norm_(trained, clip_norm)
        scaler.step(optimizer)
        scaler.update()
        yield Step(
            number,
            optimizer.param_groups[0]["lr"],
            {name: value.item() for name, value in scalars.items()},
        )
