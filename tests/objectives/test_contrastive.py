from collections.abc import Callable
from math import exp, log

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import CLIPConfig, CLIPModel

from omninegclip.objectives import cross_entropy_to, symmetric

Features = Callable[[int], list[Tensor]]


def test_cross_entropy_of_two_rows_by_hand() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0], [3.0, 1.0, 2.0]], dtype=torch.float64)
    first = log(exp(2) + exp(1) + exp(0)) - 2
    second = log(exp(3) + exp(1) + exp(2)) - 1
    assert cross_entropy_to(logits).item() == pytest.approx((first + second) / 2)

    second_without_column_0 = log(exp(1) + exp(2)) - 1
    same = torch.tensor([[True, False], [True, True]])
    assert cross_entropy_to(logits, same).item() == pytest.approx((first + second_without_column_0) / 2)


def test_same_is_the_loss_with_the_columns_removed() -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(6, 12, dtype=torch.float64, generator=generator)
    same = torch.rand(6, 6, generator=generator) < 0.4
    rows = []
    for i in range(6):
        kept = [j for j in range(12) if j == i or j >= 6 or not same[i, j]]
        rows.append(F.cross_entropy(logits[i, kept], torch.tensor(kept.index(i))))
    assert same.fill_diagonal_(False).any()
    torch.testing.assert_close(cross_entropy_to(logits, same), torch.stack(rows).mean())


def test_rows_that_are_all_the_same_image_cost_nothing_and_have_finite_gradients() -> None:
    logits = torch.randn(3, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss = cross_entropy_to(logits, torch.ones(3, 3, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert torch.equal(logits.grad, torch.zeros(3, 3))


def test_symmetric_against_loops(
    features: Features, scale: Tensor, same: Tensor | None, naive_cross_entropy: Callable[..., float]
) -> None:
    left, right = features(2)
    there = naive_cross_entropy(left, right, scale, lambda i, j: same is not None and bool(same[i, j]))
    back = naive_cross_entropy(right, left, scale, lambda i, j: same is not None and bool(same[j, i]))
    assert symmetric(left, right, scale, same).item() == pytest.approx((there + back) / 2, rel=1e-12)


def test_symmetric_against_finite_differences(features: Features, scale: Tensor, same: Tensor | None) -> None:
    inputs = [tensor.requires_grad_() for tensor in (*features(2), scale)]
    assert torch.autograd.gradcheck(lambda left, right, s: symmetric(left, right, s, same), inputs)


def test_symmetric_is_the_loss_that_transformers_trains_clip_with() -> None:
    config = CLIPConfig(
        text_config={"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "vocab_size": 64}
        | {"num_attention_heads": 2, "eos_token_id": 63},
        vision_config={"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
        | {"num_attention_heads": 2, "image_size": 8, "patch_size": 4},
        projection_dim=8,
    )
    torch.manual_seed(0)
    model = CLIPModel(config).eval()
    tokens = torch.cat([torch.randint(0, 62, (4, 5)), torch.full((4, 1), 63)], dim=1)
    with torch.no_grad():
        output = model(input_ids=tokens, pixel_values=torch.randn(4, 3, 8, 8), return_loss=True)
        loss = symmetric(output.image_embeds, output.text_embeds, model.logit_scale.exp())
    torch.testing.assert_close(loss, output.loss)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_any_floating_type_goes_through(features: Features, dtype: torch.dtype) -> None:
    left, right = features(2)
    exact = symmetric(left, right, torch.tensor(5.0, dtype=torch.float64))
    loss = symmetric(left.to(dtype), right.to(dtype), torch.tensor(5.0, dtype=dtype))
    assert loss.dtype == dtype
    assert loss.item() == pytest.approx(exact.item(), rel=0.02)


def test_bad_input_is_refused_by_name(features: Features, scale: Tensor) -> None:
    left, right = features(2)
    with pytest.raises(ValueError, match=r"right has shape \[4, 7\] but left has \[5, 7\]"):
        symmetric(left, right[:4], scale)
    with pytest.raises(ValueError, match=r"left must be \[B, d\]"):
        symmetric(left[0], right, scale)
    with pytest.raises(ValueError, match=r"left must be \[B, d\].* not \[0, 7\]"):
        symmetric(left[:0], right[:0], scale)
    with pytest.raises(ValueError, match=r"same must be booleans of shape \[5, 5\], not .* \[4, 5\]"):
        symmetric(left, right, scale, torch.ones(4, 5, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"same must be booleans of shape \[5, 5\], not torch.int64"):
        symmetric(left, right, scale, torch.ones(5, 5, dtype=torch.long))
    with pytest.raises(ValueError, match=r"logits must be \[B, K\] with 1 <= B <= K, not \[3, 2\]"):
        cross_entropy_to(torch.zeros(3, 2))
