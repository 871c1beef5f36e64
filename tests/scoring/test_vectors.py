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


def test_the_direction_is_at_the_angle_from_what_is_denied_and_nowhere_nearer_to_what_is_affirmed() -> None:
    affirmed, denied, angle = unit(0), unit(1), 1.2
    found = subspace_direction(affirmed, denied, angle)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose((found * denied).sum(axis=1), math.cos(angle), atol=1e-6)
    closeness = (found * affirmed).sum(axis=1)
    for seed in range(50):  # other points of the cap's edge
        other = unit(10 + seed)
        across = other - (other * denied).sum(axis=1, keepdims=True) * denied
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        edge = math.cos(angle) * denied + math.sin(angle) * across
        assert (closeness >= (edge * affirmed).sum(axis=1) - 1e-6).all()


@pytest.mark.parametrize("function", [subtract, lambda a, n: subspace_direction(a, n, 1.0)])
def test_one_direction_denied_by_itself_is_refused(function) -> None:
    with pytest.raises(ValueError, match="nothing is left"):
        function(unit(0), unit(0))
    with pytest.raises(ValueError, match=r"must both be \[n, d\]"):
        function(unit(0), unit(1)[:3])


def test_an_angle_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="angle must be above 0"):
        subspace_direction(unit(0), unit(1), 0.0)


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
