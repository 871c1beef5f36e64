import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from omninegclip.objectives import AbsenceWeights, absence, omni, presence

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


def test_the_whole_method_against_plain_python(features: Features) -> None:
    """docs/method.md once more, in floats and loops: nothing of the package but what is judged."""
    batch, s = features(6), 13.0
    images, captions, denied, rows, originals, negated = (tensor.tolist() for tensor in batch)

    def dot(left: list[float], right: list[float]) -> float:
        return sum(x * y for x, y in zip(left, right, strict=True))

    def surprise(query: list[float], answers: list[list[float]], right: int) -> float:
        odds = [math.exp(s * dot(query, answer)) for answer in answers]
        return -math.log(odds[right] / sum(odds))

    def sym(left: list[list[float]], right: list[list[float]]) -> float:
        total = 0.0
        for i in range(5):
            total += surprise(left[i], right, i) + surprise(right[i], left, i)
        return total / 10

    l_presence = l_text = 0.0
    for i in range(5):
        l_presence += surprise(images[i], captions + denied, i) / 15
        l_presence += surprise(captions[i], images, i) / 15
        l_presence += surprise(images[i], [captions[i], denied[i]], 0) / 15
        l_text += max(0.0, dot(originals[i], negated[i]) + 0.3) / 5
    l_absence = sym(rows, negated) + 0.7 * sym(rows, originals) + 1.4 * l_text

    scale = torch.tensor(s, dtype=torch.float64)
    absent = absence(*batch[3:], scale, weights=AbsenceWeights(0.7, 1.4), margin=0.3)
    parts = omni(presence(*batch[:3], scale), absent, weight_absence=0.6)
    assert parts["presence/loss"].item() == pytest.approx(l_presence, rel=1e-12)
    assert parts["absence/loss"].item() == pytest.approx(l_absence, rel=1e-12)
    assert parts["loss"].item() == pytest.approx(l_presence + 0.6 * l_absence, rel=1e-12)


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
