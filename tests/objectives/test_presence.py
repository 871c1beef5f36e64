from collections.abc import Callable
from itertools import pairwise
from math import exp, log

import pytest
import torch
from torch import Tensor

from omninegclip.objectives import presence

Features = Callable[[int], list[Tensor]]


def test_two_images_by_hand() -> None:
    images = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    captions = torch.tensor([[1.0, 0.0], [0.6, 0.8]], dtype=torch.float64)
    negated = torch.tensor([[0.8, 0.6], [0.0, 1.0]], dtype=torch.float64)
    parts = presence(images, captions, negated, torch.tensor(10.0, dtype=torch.float64))

    # s I [C; N]^T = [[10, 6, 8, 0], [0, 8, 6, 10]];  s C I^T = [[10, 0], [6, 8]]
    l1 = (log(exp(10) + exp(6) + exp(8) + exp(0)) - 10 + log(exp(0) + exp(8) + exp(6) + exp(10)) - 8) / 2
    l2 = (log(exp(10) + exp(0)) - 10 + log(exp(6) + exp(8)) - 8) / 2
    l3 = (log(exp(10) + exp(8)) - 10 + log(exp(8) + exp(10)) - 8) / 2
    assert {name: part.item() for name, part in parts.items()} == pytest.approx(
        {"loss": (l1 + l2 + l3) / 3, "image_to_texts": l1, "caption_to_images": l2, "two_way": l3}
    )


def test_against_loops(
    features: Features, scale: Tensor, same: Tensor | None, naive_cross_entropy: Callable[..., float]
) -> None:
    images, captions, negated = features(3)
    parts = presence(images, captions, negated, scale, same)

    def skip_text(i: int, j: int) -> bool:
        return same is not None and j < len(images) and bool(same[i, j])

    def skip_image(i: int, j: int) -> bool:
        return same is not None and bool(same[j, i])

    l1 = naive_cross_entropy(images, torch.cat([captions, negated]), scale, skip_text)
    l2 = naive_cross_entropy(captions, images, scale, skip_image)
    rows = zip(images, captions, negated, strict=True)
    pairs = [naive_cross_entropy(i[None], torch.stack([c, n]), scale, lambda *_: False) for i, c, n in rows]
    l3 = sum(pairs) / len(pairs)
    assert {name: part.item() for name, part in parts.items()} == pytest.approx(
        {"loss": (l1 + l2 + l3) / 3, "image_to_texts": l1, "caption_to_images": l2, "two_way": l3}, rel=1e-12
    )


def test_against_finite_differences(features: Features, scale: Tensor, same: Tensor | None) -> None:
    inputs = [tensor.requires_grad_() for tensor in (*features(3), scale)]
    assert torch.autograd.gradcheck(lambda *given: tuple(presence(*given, same).values()), inputs)


def test_the_order_of_the_batch_does_not_matter(
    features: Features, scale: Tensor, same: Tensor | None
) -> None:
    batch = features(3)
    order = torch.tensor([3, 0, 4, 1, 2])
    shuffled = [tensor[order] for tensor in batch]
    shuffled_same = None if same is None else same[order][:, order]
    torch.testing.assert_close(
        presence(*shuffled, scale, shuffled_same), presence(*batch, scale, same), rtol=1e-12, atol=1e-12
    )


def test_a_negated_caption_that_reads_like_the_true_one_is_a_coin_toss(
    features: Features, scale: Tensor
) -> None:
    images, captions = features(2)
    assert presence(images, captions, captions, scale)["two_way"].item() == pytest.approx(log(2))


def test_the_loss_falls_as_negated_captions_turn_away_from_their_image(scale: Tensor) -> None:
    *images, unrelated = torch.eye(6, dtype=torch.float64)
    rows = torch.stack(images)
    # By angle from the image: 0 is the image itself, pi its opposite.
    angles = torch.linspace(0, torch.pi, 7, dtype=torch.float64)
    losses = [
        presence(rows, rows, angle.cos() * rows + angle.sin() * unrelated, scale)["loss"].item()
        for angle in angles
    ]
    assert all(nearer > farther for nearer, farther in pairwise(losses))


def test_the_negated_caption_of_another_row_of_the_same_image_stays_a_negative() -> None:
    images = torch.tensor([[1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    captions = torch.tensor([[1.0, 0.0], [0.8, 0.6]], dtype=torch.float64)
    negated = torch.tensor([[0.0, 1.0], [0.6, 0.8]], dtype=torch.float64)
    same = torch.ones(2, 2, dtype=torch.bool)
    parts = presence(images, captions, negated, torch.tensor(10.0, dtype=torch.float64), same)
    # Row 0 of L1 meets its caption (10) and both negated captions (0, 6), row 1 the same with 8.
    l1 = (log(exp(10) + exp(0) + exp(6)) - 10 + log(exp(8) + exp(0) + exp(6)) - 8) / 2
    assert parts["image_to_texts"].item() == pytest.approx(l1)
    assert parts["caption_to_images"].item() == 0


@pytest.mark.parametrize(("argument", "position"), [("captions", 1), ("negated", 2)])
def test_features_that_differ_are_refused_by_name(
    features: Features, scale: Tensor, argument: str, position: int
) -> None:
    batch = features(3)
    batch[position] = batch[position][:, :6]
    with pytest.raises(ValueError, match=rf"{argument} has shape \[5, 6\] but images has \[5, 7\]"):
        presence(*batch, scale)
