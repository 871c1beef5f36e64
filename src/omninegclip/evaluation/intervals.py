"""How sure a figure is, and whether two models differ: 95 % intervals and paired tests."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_Z = 1.959963984540054  # the normal quantile of 97.5 %
_BLOCK = 1 << 22  # resampled values in memory at a time


class Estimate(NamedTuple):
    """A figure, its 95 % interval and the number of items behind it."""

    value: float
    low: float
    high: float
    n: int

    def as_dict(self) -> dict[str, float | int]:
        """Return the four numbers under their names."""
        return self._asdict()


def proportion(credits: NDArray[np.floating]) -> Estimate:  # noqa: A002 -- the word of the field, and of metrics.py
    """Estimate the mean of credits with the interval of Wilson (1927).

    (p + z²/2n ± z √(p(1 - p)/n + z²/4n²)) / (1 + z²/n). Of all values in [0, 1] with mean p, zeros and ones
    have the largest variance, p(1 - p): fractional credits, as ties give, only make the interval too wide.

    `credits` has shape [n]. Raises ValueError if it is empty or leaves [0, 1].
    """
    n = len(credits)
    if not n:
        raise ValueError("credits is empty: there is no proportion of nothing.")
    if not (np.min(credits) >= 0 and np.max(credits) <= 1):
        raise ValueError("credits must lie in [0, 1].")
    p = float(np.mean(credits))
    centre = p + _Z**2 / (2 * n)
    spread = _Z * math.sqrt(max(0.0, p * (1 - p)) / n + (_Z / (2 * n)) ** 2)
    scale = 1 + _Z**2 / n
    return Estimate(p, max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale), n)


def bootstrap_mean(values: NDArray[np.floating], seed: int, resamples: int = 2000) -> Estimate:
    """Estimate the mean of any values with the percentile interval of Efron (1979).

    `values` has shape [n]; each of the `resamples` draws n of them with replacement.
    Raises ValueError if it is empty or holds NaN.
    """
    n = len(values)
    if not n or np.isnan(values).any():
        raise ValueError("values must be non-empty and without NaN.")
    draw = np.random.default_rng(seed)
    rows = max(1, _BLOCK // n)
    means = [
        values[draw.integers(0, n, (min(rows, resamples - done), n))].mean(axis=1, dtype=np.float64)
        for done in range(0, resamples, rows)
    ]
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return Estimate(float(np.mean(values)), float(low), float(high), n)


def paired_difference(
    credits_a: NDArray[np.floating], credits_b: NDArray[np.floating], seed: int, resamples: int = 2000
) -> Estimate:
    """Estimate by how much model b is better than model a on the same items: mean of b - a, bootstrapped.

    Both have shape [n]. Raises ValueError if their lengths differ.
    """
    _same_items(credits_a, credits_b)
    return bootstrap_mean(credits_b - credits_a, seed, resamples)


def mcnemar(credits_a: NDArray[np.floating], credits_b: NDArray[np.floating]) -> float:
    """Give the exact two-sided p-value that two models are equally good on the same items.

    min(1, 2 P(X <= min(f, s))) with X ~ Binomial(f + s, 1/2), where the first model is better on f items and
    the second on s (McNemar, 1947). On fractional credits this is the sign test.

    Both have shape [n]. Raises ValueError if their lengths differ.
    """
    _same_items(credits_a, credits_b)
    first, second = int((credits_a > credits_b).sum()), int((credits_b > credits_a).sum())
    n, term, total = first + second, 1, 0
    for k in range(min(first, second) + 1):
        total += term
        term = term * (n - k) // (k + 1)
    return float(min(1.0, 2 * total / 2**n))


def _same_items(credits_a: NDArray[np.floating], credits_b: NDArray[np.floating]) -> None:
    if len(credits_a) != len(credits_b):
        raise ValueError(f"Models scored on {len(credits_a)} and {len(credits_b)} items can't be paired.")
    if np.isnan(credits_a).any() or np.isnan(credits_b).any():
        raise ValueError("credits hold NaN.")
