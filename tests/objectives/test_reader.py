"""The loss of a reader against a naive loop and finite differences, and its refusals."""

import math

import pytest
import torch
import torch.nn.functional as F

from omninegclip.objectives.reader import part_logits, reader


def some(words: int = 7, dim: int = 6) -> torch.Tensor:
    torch.manual_seed(0)
    return F.normalize(torch.randn(words, dim, dtype=torch.float64), dim=-1)


def test_the_loss_is_what_a_naive_loop_says() -> None:
    vectors, said = some(), [0, 2, 3, 1, 0, 3, 2]
    loss = right = 0.0
    for vector, part in zip(vectors.tolist(), said, strict=True):
        logits = [9 * value for value in vector[:4]]
        loss += math.log(sum(map(math.exp, logits))) - logits[part]
        right += logits[part] == max(logits)
    found = reader(vectors, torch.tensor(said), 4, scale=9.0)
    assert set(found) == {"loss", "right"}
    assert found["loss"].item() == pytest.approx(loss / 7)
    assert found["right"].item() == pytest.approx(right / 7)


def test_its_gradient_is_the_finite_difference() -> None:
    said = torch.tensor([0, 2, 3, 1, 0, 3, 2])
    vectors = some().requires_grad_()
    assert torch.autograd.gradcheck(lambda v: reader(v, said, 4)["loss"], vectors)


def test_who_points_at_the_right_parts_has_no_loss() -> None:
    said = torch.tensor([2, 0, 1])
    vectors = torch.eye(5)[said]
    found = reader(vectors, said, 3)
    assert found["loss"] < 1e-6
    assert found["right"] == 1
    assert torch.equal(part_logits(vectors, 3).argmax(dim=1), said)
    assert reader(vectors, (said + 1) % 3, 3)["right"] == 0


@pytest.mark.parametrize(
    ("vectors", "said", "parts"),
    [((2, 3, 4), (2,), 3), ((2, 4), (3,), 3), ((2, 4), (2,), 5), ((4,), (4,), 3)],
)
def test_shapes_that_do_not_fit_are_refused(
    vectors: tuple[int, ...], said: tuple[int, ...], parts: int
) -> None:
    with pytest.raises(ValueError, match=rf"d of {parts} or more and said \[W\], not"):
        reader(torch.ones(vectors), torch.zeros(said, dtype=torch.long), parts)
