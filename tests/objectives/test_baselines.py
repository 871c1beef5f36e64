"""The objectives that omni is compared with, against loops and finite differences."""

from collections.abc import Callable
from math import exp, log

import pytest
import torch
from torch import Tensor

from omninegclip.objectives import clip, conclip, negationclip, negbench, negclip, tripletclip

Features = Callable[[int], list[Tensor]]
Naive = Callable[..., float]


def skips(same: Tensor | None, rows: int) -> tuple[Callable[[int, int], bool], Callable[[int, int], bool]]:
    def text(i: int, j: int) -> bool:
        return same is not None and j < rows and bool(same[i, j])

    def image(i: int, j: int) -> bool:
        return same is not None and j < rows and bool(same[j, i])

    return text, image


def values(parts: dict[str, Tensor]) -> dict[str, float]:
    return {name: part.item() for name, part in parts.items()}


@pytest.mark.parametrize("objective", [clip, negationclip])
def test_both_directions(
    objective: Callable[..., dict[str, Tensor]],
    features: Features,
    scale: Tensor,
    same: Tensor | None,
    naive_cross_entropy: Naive,
) -> None:
    images, texts = features(2)
    skip_text, skip_image = skips(same, len(images))
    there = naive_cross_entropy(images, texts, scale, skip_text)
    back = naive_cross_entropy(texts, images, scale, skip_image)
    assert values(objective(images, texts, scale, same)) == pytest.approx({"loss": (there + back) / 2})


@pytest.mark.parametrize(("objective", "weight"), [(negclip, 0.5), (conclip, 1.0)])
def test_hard_negative_captions(
    objective: Callable[..., dict[str, Tensor]],
    weight: float,
    features: Features,
    scale: Tensor,
    same: Tensor | None,
    naive_cross_entropy: Naive,
) -> None:
    images, captions, negatives = features(3)
    skip_text, skip_image = skips(same, len(images))
    there = naive_cross_entropy(images, torch.cat([captions, negatives]), scale, skip_text)
    back = naive_cross_entropy(captions, images, scale, skip_image)
    assert values(objective(images, captions, negatives, scale, same=same)) == pytest.approx(
        {"loss": weight * (there + back), "image_to_texts": there, "caption_to_images": back}
    )


def test_distractor_images_are_wrong_answers_of_captions(
    features: Features, scale: Tensor, same: Tensor | None, naive_cross_entropy: Naive
) -> None:
    images, captions, negated, distractors = features(4)
    _, skip_image = skips(same, len(images))
    parts = conclip(images, captions, negated, scale, distractors=distractors, same=same)
    back = naive_cross_entropy(captions, torch.cat([images, distractors]), scale, skip_image)
    assert parts["caption_to_images"].item() == pytest.approx(back)
    plain = conclip(images, captions, negated, scale, same=same)
    assert parts["image_to_texts"] == plain["image_to_texts"]
    assert parts["caption_to_images"] > plain["caption_to_images"]


def test_images_of_hard_negatives_have_captions_as_theirs(
    features: Features, scale: Tensor, same: Tensor | None, naive_cross_entropy: Naive
) -> None:
    images, captions, negatives, shown = features(4)
    skip_text, skip_image = skips(same, len(images))
    there = naive_cross_entropy(images, torch.cat([captions, negatives]), scale, skip_text)
    back = naive_cross_entropy(captions, images, scale, skip_image)
    mirrored_there = naive_cross_entropy(shown, torch.cat([negatives, captions]), scale, lambda *_: False)
    mirrored_back = naive_cross_entropy(negatives, shown, scale, lambda *_: False)
    first, second = (there + back) / 2, (mirrored_there + mirrored_back) / 2
    parts = tripletclip(images, captions, negatives, scale, negative_images=shown, same=same)
    assert values(parts) == pytest.approx({"loss": first + second, "captions": first, "negatives": second})


def test_tripletclip_without_generated_images_is_negclip(
    features: Features, scale: Tensor, same: Tensor | None
) -> None:
    batch = [tensor.requires_grad_() for tensor in (*features(3), scale)]
    losses = [objective(*batch, same=same)["loss"] for objective in (tripletclip, negclip)]
    assert torch.equal(*losses)
    for one, other in zip(*(torch.autograd.grad(loss, batch) for loss in losses), strict=True):
        assert torch.equal(one, other)


def test_tripletclip_on_two_images_by_hand() -> None:
    images = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    captions = torch.tensor([[1.0, 0.0], [0.6, 0.8]], dtype=torch.float64)
    negatives = torch.tensor([[0.8, 0.6], [0.0, 1.0]], dtype=torch.float64)
    shown = torch.tensor([[0.6, 0.8], [0.0, 1.0]], dtype=torch.float64)
    parts = tripletclip(
        images, captions, negatives, torch.tensor(10.0, dtype=torch.float64), negative_images=shown
    )

    # s I [C; N]^T = [[10, 6, 8, 0], [0, 8, 6, 10]];  s C I^T = [[10, 0], [6, 8]]
    there = (log(exp(10) + exp(6) + exp(8) + exp(0)) - 10 + log(exp(0) + exp(8) + exp(6) + exp(10)) - 8) / 2
    back = (log(exp(10) + exp(0)) - 10 + log(exp(6) + exp(8)) - 8) / 2
    first = (there + back) / 2
    # s X [N; C]^T = [[9.6, 8, 6, 10], [6, 10, 0, 8]];  s N X^T = [[9.6, 6], [8, 10]]
    there = (log(exp(9.6) + exp(8) + exp(6) + exp(10)) - 9.6 + log(exp(6) + exp(10) + 1 + exp(8)) - 10) / 2
    back = (log(exp(9.6) + exp(6)) - 9.6 + log(exp(8) + exp(10)) - 10) / 2
    second = (there + back) / 2
    assert values(parts) == pytest.approx({"loss": first + second, "captions": first, "negatives": second})


def test_multiple_choice_beside_clip(
    features: Features, scale: Tensor, same: Tensor | None, naive_cross_entropy: Naive
) -> None:
    images, captions, *options = features(6)
    stacked = torch.stack(options, dim=1)
    parts = negbench(images, captions, stacked, scale, weight_clip=0.7, same=same)
    chosen = [
        naive_cross_entropy(image[None], rows, scale, lambda *_: False)
        for image, rows in zip(images, stacked, strict=True)
    ]
    choice = sum(chosen) / len(chosen)
    matched = clip(images, captions, scale, same)["loss"].item()
    assert values(parts) == pytest.approx(
        {"loss": 0.7 * matched + 0.3 * choice, "clip": matched, "choice": choice}
    )


def test_against_finite_differences(features: Features, scale: Tensor, same: Tensor | None) -> None:
    inputs = [tensor.requires_grad_() for tensor in (*features(4), scale)]

    def everything(i: Tensor, c: Tensor, n: Tensor, d: Tensor, s: Tensor) -> tuple[Tensor, ...]:
        options = torch.stack([c, n, d], dim=1)
        return (
            clip(i, c, s, same)["loss"],
            negclip(i, c, n, s, same)["loss"],
            conclip(i, c, n, s, distractors=d, same=same)["loss"],
            tripletclip(i, c, n, s, negative_images=d, same=same)["loss"],
            negationclip(i, n, s, same)["loss"],
            negbench(i, c, options, s, same=same)["loss"],
        )

    assert torch.autograd.gradcheck(everything, inputs)


def test_features_that_do_not_fit_are_refused(features: Features, scale: Tensor) -> None:
    images, captions, other = features(3)
    with pytest.raises(ValueError, match=r"negatives has shape \[4, 7\]"):
        negclip(images, captions, other[:4], scale)
    with pytest.raises(ValueError, match=r"distractors has shape \[5, 6\]"):
        conclip(images, captions, other, scale, distractors=other[:, :6])
    with pytest.raises(ValueError, match=r"negative_images has shape \[5, 6\]"):
        tripletclip(images, captions, other, scale, negative_images=other[:, :6])
    with pytest.raises(ValueError, match=r"options must be \[5, K, 7\]"):
        negbench(images, captions, other[:, None], scale)
