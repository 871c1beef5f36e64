"""The objectives that omni is compared with, against loops and finite differences."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from omninegclip.objectives import clip, conclip, negationclip, negbench, negclip

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
    with pytest.raises(ValueError, match=r"options must be \[5, K, 7\]"):
        negbench(images, captions, other[:, None], scale)
