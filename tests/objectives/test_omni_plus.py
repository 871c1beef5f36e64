"""The objective beyond the paper: against loops, by hand, against the paper's own terms, by differences."""

from collections.abc import Callable
from math import exp, log, sqrt

import pytest
import torch
from torch import Tensor

from omninegclip.objectives import composed_target, omni_plus, presence, supervised_contrastive, target_losses

Features = Callable[[int], list[Tensor]]
OWN = torch.tensor([0, 0, 1, 1, 2, 2, 2])
TRUE = torch.tensor([True, False, True, False, True, True, False])
HARD = torch.tensor([3, -1, 4, -1, -1, 0, 3])  # the last is of a false sentence, and so left out


def batch(features: Features) -> tuple[Tensor, Tensor, Tensor]:
    """Return five images, seven texts about three of them, and what else is known false."""
    images, first, second = features(3)
    false = torch.rand(7, 5, generator=torch.Generator().manual_seed(1)) < 0.5
    return images, torch.cat([first, second])[:7], false


def test_supervised_contrast_against_loops(features: Features, scale: Tensor) -> None:
    images, texts, false = batch(features)
    s = float(scale)
    own, true, hard = OWN.tolist(), TRUE.tolist(), HARD.tolist()

    def cosine(t: int, p: int) -> float:
        return sum(x * y for x, y in zip(texts[t].tolist(), images[p].tolist(), strict=True))

    def wrong(t: int, p: int) -> bool:
        return not true[t] if p == own[t] else bool(false[t, p])

    def against(right: float, others: list[float]) -> float:
        return log(exp(s * right) + sum(exp(s * other) for other in others)) - s * right

    sums: dict[str, list[float]] = {"text_to_images": [], "image_to_texts": [], "two_way": [], "hard": []}
    ranked = []
    for t in range(7):
        if not true[t]:
            continue
        right = cosine(t, own[t])
        sums["text_to_images"].append(against(right, [cosine(t, p) for p in range(5) if wrong(t, p)]))
        others = [cosine(u, own[t]) for u in range(7) if wrong(u, own[t])]
        sums["image_to_texts"].append(against(right, others))
        sums["two_way"] += [
            against(right, [cosine(u, own[u])]) for u in range(7) if own[u] == own[t] and not true[u]
        ]
        if hard[t] >= 0:
            sums["hard"].append(against(right, [cosine(t, hard[t])]))
            ranked.append(cosine(t, hard[t]) < right)
    parts = supervised_contrastive(images, texts, OWN, TRUE, false, HARD, scale)
    for name, values in sums.items():
        assert parts[name].item() == pytest.approx(sum(values) / len(values), rel=1e-12)
    assert parts["loss"].item() == pytest.approx(sum(sum(v) / len(v) for v in sums.values()) / 4, rel=1e-12)
    assert parts["hard_right"].item() == pytest.approx(sum(ranked) / len(ranked))


def test_captions_and_their_denials_give_the_papers_presence_terms(features: Features, scale: Tensor) -> None:
    images, captions, negated = features(3)
    rows = len(images)
    parts = supervised_contrastive(
        images,
        torch.cat([captions, negated]),
        torch.arange(rows).repeat(2),
        torch.arange(2 * rows) < rows,
        torch.ones(2 * rows, rows, dtype=torch.bool),
        torch.full((2 * rows,), -1),
        scale,
    )
    paper = presence(images, captions, negated, scale)
    torch.testing.assert_close(parts["text_to_images"], paper["caption_to_images"])
    torch.testing.assert_close(parts["image_to_texts"], paper["image_to_texts"])
    torch.testing.assert_close(parts["two_way"], paper["two_way"])
    assert parts["hard"].item() == 0


def test_pairs_of_which_nothing_is_known_have_no_part(features: Features, scale: Tensor) -> None:
    images, texts, false = batch(features)
    false[:, 4] = False  # image 4 is nobody's own, and now nothing is false of it
    hard = torch.where(HARD == 4, -1, HARD)
    before = supervised_contrastive(images, texts, OWN, TRUE, false, hard, scale)
    other = torch.cat([images[:4], -images[4:]])
    assert supervised_contrastive(other, texts, OWN, TRUE, false, hard, scale) == before


def test_a_batch_of_two_by_hand() -> None:
    """Two images at right angles; "a dog" lies on the first, and "a dog, no cat" between the two."""
    images = torch.eye(2, dtype=torch.float64)
    texts = torch.tensor([[1.0, 0.0], [sqrt(0.5), sqrt(0.5)]], dtype=torch.float64)
    parts = supervised_contrastive(
        images,
        texts,
        torch.tensor([0, 0]),
        torch.tensor([True, True]),
        torch.tensor([[False, False], [False, True]]),
        torch.tensor([-1, 1]),
        torch.tensor(2.0, dtype=torch.float64),
    )
    assert parts["text_to_images"].item() == pytest.approx((0 + log(2)) / 2)
    assert parts["image_to_texts"].item() == 0  # no text is false of the first image
    assert parts["two_way"].item() == 0
    assert parts["hard"].item() == pytest.approx(log(2))


def test_meanings_against_loops(features: Features) -> None:
    texts, targets = features(2)
    targets = targets.clone()
    targets[3] = targets[2]  # two sentences with one target
    negates = torch.tensor([False, True, True, True, False])
    dot = (texts @ targets.T).tolist()
    plain, negating = (0, 4), (1, 2, 3)
    discriminated = 0.0
    for t in negating:
        others = [u for u in range(5) if u == t or {u, t} != {2, 3}]
        discriminated += log(sum(exp(9 * dot[t][u]) for u in others)) - 9 * dot[t][t]
    parts = target_losses(texts, targets, negates, scale=9.0)
    assert parts["distilled"].item() == pytest.approx(sum(1 - dot[t][t] for t in plain) / 2)
    assert parts["composed"].item() == pytest.approx(sum(1 - dot[t][t] for t in negating) / 3)
    assert parts["discriminated"].item() == pytest.approx(discriminated / 3)


def test_a_composed_target_by_hand() -> None:
    affirmed, concepts = torch.tensor([[0.6, 0.8]] * 2), torch.tensor([[0.0, 1.0]] * 2)
    targets = composed_target(affirmed, concepts, torch.tensor([0.8, 0.0]))
    torch.testing.assert_close(targets, torch.tensor([[1.0, 0.0], [0.6, 0.8]]))
    with pytest.raises(ValueError, match=r"weights \[T\], not \[2, 2\], \[2, 2\] and \[3\]"):
        composed_target(affirmed, concepts, torch.ones(3))


def test_the_sum_and_its_names(features: Features, scale: Tensor) -> None:
    images, texts, false = batch(features)
    contrast = supervised_contrastive(images, texts, OWN, TRUE, false, HARD, scale)
    meaning = target_losses(texts, texts.roll(1, 0), ~TRUE)
    weights = {
        "weight_supervised": 0.5,
        "weight_distilled": 3.0,
        "weight_composed": 2.0,
        "weight_discriminated": 0.7,
    }
    parts = omni_plus(contrast, meaning, scale, **weights)
    expected = 0.5 * contrast["loss"] + 0.7 * meaning["discriminated"]
    expected = expected + scale * (3 * meaning["distilled"] + 2 * meaning["composed"])
    torch.testing.assert_close(parts["loss"], expected)
    assert {name for name in parts if "/" in name} == {f"contrast/{n}" for n in contrast} | {
        f"meaning/{n}" for n in meaning
    }


def test_gradients_are_those_of_finite_differences(features: Features, scale: Tensor) -> None:
    images, texts, false = batch(features)

    targets, fixed = texts.detach().roll(1, 0), scale.clone()  # the distances give the scale no gradient

    def loss(texts: Tensor, scale: Tensor) -> Tensor:
        contrast = supervised_contrastive(images, texts, OWN, TRUE, false, HARD, scale)
        return omni_plus(contrast, target_losses(texts, targets, ~TRUE), fixed)["loss"]

    assert torch.autograd.gradcheck(loss, (texts.requires_grad_(), scale.requires_grad_()))
    scale.grad = None
    omni_plus(
        supervised_contrastive(images, texts, OWN, TRUE, false, HARD, scale),
        target_losses(texts, targets, ~TRUE),
        scale,
    )["loss"].backward()
    with_scale = scale.grad
    scale.grad = None
    loss(texts, scale).backward()
    assert torch.equal(with_scale, scale.grad)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"own": OWN[:3]}, r"own must be \[7\]"),
        ({"false": torch.zeros(7, 4, dtype=torch.bool)}, r"false must be booleans \[7, 5\]"),
        ({"images": torch.ones(5, 3)}, r"images and texts must be \[P, d\] and \[T, d\]"),
    ],
)
def test_what_does_not_fit_is_refused(
    features: Features, scale: Tensor, change: dict[str, Tensor], message: str
) -> None:
    images, texts, false = batch(features)
    given = {"images": images, "texts": texts, "own": OWN, "true": TRUE, "false": false, "hard": HARD}
    with pytest.raises(ValueError, match=message):
        supervised_contrastive(**(given | change), scale=scale)
