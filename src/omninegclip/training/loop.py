"""The one training loop: batches in, steps done; it knows neither CLIP nor negation."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Step(NamedTuple):
    """What a step did: its number from 0, the learning rate, and the named scalars of the task."""

    number: int
    learning_rate: float
    scalars: dict[str, float]


def train(
    task: Callable[[Any], dict[str, Tensor]],
    after_step: Callable[[], None],
    optimizer: torch.optim.Optimizer,
    batches: Iterator[Any],
    factor: Callable[[int], float],
    steps: int,
) -> Iterator[Step]:
    """Take `steps` optimizer steps and yield each when it is done.

    Args:
        task: a batch to named scalars with `loss` among them, differentiable.
        after_step: called after every optimizer step.
        optimizer: its learning rates are those at `factor` 1.
        batches: one is taken per step.
        factor: step number to the factor of the learning rate.
        steps: how many.

    Raises:
        FloatingPointError: the loss is not finite; no step is taken with it.
    """
    peak = [group["lr"] for group in optimizer.param_groups]
    for number in range(steps):
        for group, rate in zip(optimizer.param_groups, peak, strict=True):
            group["lr"] = rate * factor(number)
        scalars = task(next(batches))
        if not torch.isfinite(scalars["loss"]):
            raise FloatingPointError(f"The loss of step {number} is {scalars['loss'].item()}.")
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(scalars["loss"])
        optimizer.step()
        after_step()
        yield Step(
            number,
            optimizer.param_groups[0]["lr"],
            {name: value.item() for name, value in scalars.items()},
        )
