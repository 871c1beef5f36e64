"""Random features of one batch, and the paper's sums written as plain loops."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

ROWS, DIM = 5, 7


@pytest.fixture
def features() -> Callable[[int], list[Tensor]]:
    """Return a function that gives n different [5, 7] tensors of unit rows, in float64."""
    generator = torch.Generator().manual_seed(0)

    def draw(count: int) -> list[Tensor]:
        raw = torch.randn(count, ROWS, DIM, dtype=torch.float64, generator=generator)
        return list(raw / raw.norm(dim=-1, keepdim=True))

    return draw


@pytest.fixture
def scale() -> Tensor:
    return torch.tensor(13.0, dtype=torch.float64)


@pytest.fixture(params=["plain", "same"])
def same(request: pytest.FixtureRequest) -> Tensor | None:
    """No mask, and one that is not symmetric, so that a forgotten transpose shows."""
    if request.param == "plain":
        return None
    pairs = torch.zeros(ROWS, ROWS, dtype=torch.bool)
    pairs[0, 3] = pairs[3, 0] = pairs[1, 4] = pairs[2, 2] = True
    return pairs


@pytest.fixture
def naive_cross_entropy() -> Callable[..., float]:
    """Mean over i of -log(exp(s a_i.b_i) / sum_j exp(s a_i.b_j)), without j != i where skip(i, j)."""

    def dot(left: Tensor, right: Tensor) -> float:
        return sum(x * y for x, y in zip(left.tolist(), right.tolist(), strict=True))

    def mean(rows: Tensor, columns: Tensor, scale: Tensor, skip: Callable[[int, int], bool]) -> float:
        total = 0.0
        for i, row in enumerate(rows):
            kept = [j for j in range(len(columns)) if j == i or not skip(i, j)]
            denominator = sum(math.exp(float(scale) * dot(row, columns[j])) for j in kept)
            total -= math.log(math.exp(float(scale) * dot(row, columns[i])) / denominator)
        return total / len(rows)

    return mean
