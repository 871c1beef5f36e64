import math

import numpy as np
import pytest

from omninegclip.scoring.vectors import subspace_direction, subtract, without_training


def unit(seed: int, rows: int = 6, dim: int = 5) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(rows, dim))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def test_subtraction_by_hand() -> None:
    affirmed, denied = np.array([[1, 0]], np.float32), np.array([[0, 1]], np.float32)
    found = subtract(affirmed, denied, weight=0.5)
    np.testing.assert_allclose(found, [[2 / math.sqrt(5), -1 / math.sqrt(5)]], rtol=1e-6)


@pytest.mark.parametrize("threshold", [0.8, 0.5, 0.0])
def test_the_direction_is_the_middle_of_one_cap_without_the_other(threshold: float) -> None:
    denied = unit(1)
    affirmed = 2 * denied + unit(0)  # near enough for caps that overlap
    affirmed /= np.linalg.norm(affirmed, axis=1, keepdims=True)
    found = subspace_direction(affirmed, denied, threshold)
    for q, a, n in zip(found, affirmed, denied, strict=True):
        across = a - (a @ n) * n
        across /= np.linalg.norm(across)
        circle = [
            math.cos(angle) * n + math.sin(angle) * across for angle in np.linspace(0, 2 * math.pi, 20_001)
        ]
        allowed = [point for point in circle if point @ a >= threshold and point @ n <= threshold]
        middle = (allowed[0] + allowed[-1]) / np.linalg.norm(allowed[0] + allowed[-1])
        np.testing.assert_allclose(q, middle, atol=1e-3)


@pytest.mark.parametrize("function", [subtract, lambda a, n: subspace_direction(a, n, 0.5)])
def test_one_direction_denied_by_itself_is_refused(function) -> None:
    with pytest.raises(ValueError, match="nothing is left"):
        function(unit(0), unit(0))
    with pytest.raises(ValueError, match=r"must both be \[n, d\]"):
        function(unit(0), unit(1)[:3])


def test_a_threshold_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="threshold must be from -1 to below 1"):
        subspace_direction(unit(0), unit(1), 1.0)


def test_only_texts_that_deny_something_are_combined() -> None:
    known = {"a cat": unit(0)[0], "a dog": unit(1)[0], "a cat but no dog": unit(2)[0], "a bus": unit(3)[0]}
    embed = without_training(
        lambda texts: np.stack([known[text] for text in texts]),
        lambda text: ("a cat", "a dog") if " no " in text else None,
        subtract,
    )
    found = embed(["a bus", "a cat but no dog"])
    np.testing.assert_array_equal(found[0], known["a bus"])
    np.testing.assert_array_equal(found[1:], subtract(known["a cat"][None], known["a dog"][None]))
    np.testing.assert_array_equal(embed(["a bus"])[0], known["a bus"])
