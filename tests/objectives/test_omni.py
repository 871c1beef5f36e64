from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from omninegclip.objectives import absence, omni, presence

Features = Callable[[int], list[Tensor]]


def test_parts_are_kept_and_losses_added() -> None:
    presence_parts = {"loss": torch.tensor(2.0), "two_way": torch.tensor(0.5)}
    absence_parts = {"loss": torch.tensor(3.0), "text": torch.tensor(1.5)}
    assert omni(presence_parts, absence_parts, weight_absence=0.25) == {
        "loss": torch.tensor(2.75),
        "presence/loss": torch.tensor(2.0),
        "presence/two_way": torch.tensor(0.5),
        "absence/loss": torch.tensor(3.0),
        "absence/text": torch.tensor(1.5),
    }


def test_one_backward_pass_reaches_both_batches_and_the_shared_scale(
    features: Features, scale: Tensor
) -> None:
    inputs = [tensor.requires_grad_() for tensor in (*features(6), scale)]

    def combined(*given: Tensor) -> Tensor:
        return omni(presence(*given[:3], given[6]), absence(*given[3:6], given[6]), weight_absence=0.4)[
            "loss"
        ]

    assert torch.autograd.gradcheck(combined, inputs)
    combined(*inputs).backward()
    assert all(tensor.grad is not None and tensor.grad.any() for tensor in inputs)


def test_batches_of_different_size_combine(features: Features, scale: Tensor) -> None:
    small, large = [tensor[:2] for tensor in features(3)], features(3)
    parts = omni(presence(*small, scale), absence(*large, scale))
    torch.testing.assert_close(parts["loss"], parts["presence/loss"] + parts["absence/loss"])


def test_parts_without_a_loss_are_refused_by_name() -> None:
    loss = {"loss": torch.tensor(1.0)}
    with pytest.raises(ValueError, match="absence_parts has no 'loss', only \\['text'\\]"):
        omni(loss, {"text": torch.tensor(1.0)})
