from collections.abc import Callable
from math import exp, log

import pytest
import torch
from torch import Tensor

from omninegclip.objectives import AbsenceWeights, absence

Features = Callable[[int], list[Tensor]]
WEIGHTS = AbsenceWeights(original=0.7, text=1.3)


def test_two_images_by_hand() -> None:
    images = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    originals = torch.tensor([[1.0, 0.0], [0.6, 0.8]], dtype=torch.float64)
    negated = torch.tensor([[0.8, 0.6], [-0.6, -0.8]], dtype=torch.float64)
    parts = absence(images, originals, negated, torch.tensor(10.0, dtype=torch.float64))

    # s J U^T = [[8, -6], [6, -8]];  s J O^T = [[10, 6], [0, 8]];  <O_i, U_i> = 0.8 and -1
    rows = log(exp(8) + exp(-6)) - 8 + log(exp(6) + exp(-8)) + 8
    columns = log(exp(8) + exp(6)) - 8 + log(exp(-6) + exp(-8)) + 8
    l_neg = (rows / 2 + columns / 2) / 2
    rows = log(exp(10) + exp(6)) - 10 + log(exp(0) + exp(8)) - 8
    columns = log(exp(10) + exp(0)) - 10 + log(exp(6) + exp(8)) - 8
    l_orig = (rows / 2 + columns / 2) / 2
    l_text = ((0.8 + 0.9) + 0) / 2
    assert {name: part.item() for name, part in parts.items()} == pytest.approx(
        {"loss": l_neg + l_orig + l_text, "negated": l_neg, "original": l_orig, "text": l_text}
        | {"hinge_active": 1 / 2}
    )


def test_against_loops(
    features: Features, scale: Tensor, same: Tensor | None, naive_cross_entropy: Callable[..., float]
) -> None:
    images, originals, negated = features(3)
    parts = absence(images, originals, negated, scale, same=same, weights=WEIGHTS, margin=0.2)

    def naive_symmetric(texts: Tensor) -> float:
        there = naive_cross_entropy(images, texts, scale, lambda i, j: same is not None and bool(same[i, j]))
        back = naive_cross_entropy(texts, images, scale, lambda i, j: same is not None and bool(same[j, i]))
        return (there + back) / 2

    hinges = []
    for original, other in zip(originals.tolist(), negated.tolist(), strict=True):
        cosine = sum(x * y for x, y in zip(original, other, strict=True))
        hinges.append(max(0.0, cosine + 0.2))
    assert 0 < sum(hinge > 0 for hinge in hinges) < 5
    l_neg, l_orig, l_text = naive_symmetric(negated), naive_symmetric(originals), sum(hinges) / 5
    assert {name: part.item() for name, part in parts.items()} == pytest.approx(
        {"loss": l_neg + 0.7 * l_orig + 1.3 * l_text, "negated": l_neg, "original": l_orig, "text": l_text}
        | {"hinge_active": sum(hinge > 0 for hinge in hinges) / 5},
        rel=1e-12,
    )


def test_against_finite_differences(features: Features, scale: Tensor, same: Tensor | None) -> None:
    inputs = [tensor.requires_grad_() for tensor in (*features(3), scale)]

    def differentiable(*given: Tensor) -> tuple[Tensor, ...]:
        parts = absence(*given, same=same, weights=WEIGHTS, margin=0.2)
        return tuple(parts[name] for name in ("loss", "negated", "original", "text"))

    assert torch.autograd.gradcheck(differentiable, inputs)


def test_the_order_of_the_batch_does_not_matter(
    features: Features, scale: Tensor, same: Tensor | None
) -> None:
    batch = features(3)
    order = torch.tensor([3, 0, 4, 1, 2])
    shuffled = [tensor[order] for tensor in batch]
    shuffled_same = None if same is None else same[order][:, order]
    torch.testing.assert_close(
        absence(*shuffled, scale, same=shuffled_same),
        absence(*batch, scale, same=same),
        rtol=1e-12,
        atol=1e-12,
    )


def test_texts_that_cannot_be_told_apart_pay_the_whole_hinge(features: Features, scale: Tensor) -> None:
    images, originals = features(2)
    parts = absence(images, originals, originals, scale)
    assert parts["text"].item() == pytest.approx(1 + 0.9)
    assert parts["negated"] == parts["original"]
    assert parts["hinge_active"] == 1


def test_opposite_texts_pay_nothing_and_the_hinge_lets_go(features: Features, scale: Tensor) -> None:
    images, originals = features(2)
    originals = originals.requires_grad_()
    parts = absence(images, originals, -originals.detach(), scale)
    parts["text"].backward()
    assert parts["text"] == 0
    assert parts["hinge_active"] == 0
    assert originals.grad is not None
    assert not originals.grad.any()


def test_the_share_of_active_hinges_is_reported_without_a_gradient(features: Features, scale: Tensor) -> None:
    images, originals, negated = (tensor.requires_grad_() for tensor in features(3))
    parts = absence(images, originals, negated, scale)
    assert [name for name, part in parts.items() if not part.requires_grad] == ["hinge_active"]


@pytest.mark.parametrize(("argument", "position"), [("originals", 1), ("negated", 2)])
def test_features_that_differ_are_refused_by_name(
    features: Features, scale: Tensor, argument: str, position: int
) -> None:
    batch = features(3)
    batch[position] = batch[position][None]
    with pytest.raises(ValueError, match=rf"{argument} must be \[B, d\].* not \[1, 5, 7\]"):
        absence(*batch, scale)
