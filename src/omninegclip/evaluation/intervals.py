"""How sure a figure is, and whether two models differ: 95 % intervals and paired tests."""

import math
from collections.abc import Callable, Iterator
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
    # The bounds meet p at 0 and 1; rounding may put them 1e-17 beyond.
    return Estimate(
        p, min(p, max(0.0, (centre - spread) / scale)), max(p, min(1.0, (centre + spread) / scale)), n
    )


def bootstrap_mean(
    values: NDArray[np.floating],
    seed: int,
    resamples: int = 2000,
    clusters: NDArray[np.integer] | None = None,
) -> Estimate:
    """Estimate the mean of any values with the percentile interval of Efron (1979).

    Each of the `resamples` draws n items with replacement. Items that have something in common, such as
    their image, are no independent ones: with `clusters`, whole clusters are drawn, as many as there are, and
    the mean is that of all items in them.

    `values` has shape [n], `clusters` [n] the cluster of each. Raises ValueError if `values` is empty or
    holds NaN.
    """
    n = len(values)
    if not n or np.isnan(values).any():
        raise ValueError("values must be non-empty and without NaN.")
    draw = np.random.default_rng(seed)
    if clusters is None or _all_differ(clusters):

        def means_of(rows: int) -> NDArray[np.float64]:
            drawn = values[draw.integers(0, n, (rows, n))]
            return np.asarray(drawn.mean(axis=1, dtype=np.float64))

        means = _resampled(n, resamples, means_of)
    else:
        sums, sizes = _by_cluster(values, clusters)
        m = len(sums)

        def ratios_of(rows: int) -> NDArray[np.float64]:
            drawn = draw.integers(0, m, (rows, m))
            return np.asarray(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))

        means = _resampled(m, resamples, ratios_of)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(np.mean(values)), float(low), float(high), n)


def clustered_proportion(
    credits: NDArray[np.floating],  # noqa: A002 -- the word of the field
    clusters: NDArray[np.integer],
    seed: int,
) -> Estimate:
    """Estimate the mean of credits of which those of one cluster, such as an image, hang together.

    The interval is the bootstrap over clusters, never narrower than Wilson's, which takes all items for
    independent; and where all credits are 0 or all are 1, so that resampling shows no spread, it is Wilson's
    for as many items as there are clusters. With one item per cluster it is Wilson's.

    `credits` and `clusters` have shape [n]. Raises ValueError as `proportion` does.
    """
    independent = proportion(credits)
    if _all_differ(clusters):
        return independent
    if independent.value in (0, 1):
        alone = proportion(np.full(len(np.unique(clusters)), independent.value))
        return Estimate(independent.value, alone.low, alone.high, independent.n)
    together = bootstrap_mean(credits, seed, clusters=clusters)
    low, high = min(independent.low, together.low), max(independent.high, together.high)
    return Estimate(independent.value, low, high, independent.n)


def paired_difference(
    credits_a: NDArray[np.floating],
    credits_b: NDArray[np.floating],
    seed: int,
    resamples: int = 2000,
    clusters: NDArray[np.integer] | None = None,
) -> Estimate:
    """Estimate by how much model b is better than model a on the same items: mean of b - a, bootstrapped.

    All have shape [n]; see `bootstrap_mean` for `clusters`. Raises ValueError if their lengths differ.
    """
    _same_items(credits_a, credits_b)
    return bootstrap_mean(credits_b - credits_a, seed, resamples, clusters)


def sign_flip(
    credits_a: NDArray[np.floating],
    credits_b: NDArray[np.floating],
    clusters: NDArray[np.integer],
    seed: int,
    flips: int = 9999,
) -> float:
    """Give the two-sided p-value that two models are equally good, where items of a cluster hang together.

    Were they equally good, the difference of every cluster could as well have the other sign: p is the share
    of random signs, one per cluster, whose sum is as far from 0 as the observed one (Fisher, 1935). The
    smallest is 1 / (flips + 1).

    All have shape [n]. Raises ValueError if their lengths differ.
    """
    _same_items(credits_a, credits_b)
    differences, _ = _by_cluster(np.asarray(credits_b, np.float64) - credits_a, clusters)
    differences = differences[differences != 0]
    draw = np.random.default_rng(seed)
    m, observed = len(differences), abs(float(differences.sum()))

    def sums_of(rows: int) -> NDArray[np.float64]:
        return np.asarray(np.abs((2 * draw.integers(0, 2, (rows, m), np.int8) - 1) @ differences))

    as_far = int((_resampled(max(1, m), flips, sums_of) >= observed - 1e-9).sum())
    return (as_far + 1) / (flips + 1)


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


def _resampled(
    width: int, resamples: int, means_of: Callable[[int], NDArray[np.floating]]
) -> NDArray[np.float64]:
    """Return what `means_of` gives for all resamples, with at most a block of values in memory."""
    return np.concatenate([means_of(rows) for rows in _blocks(resamples, max(1, _BLOCK // width))])


def _blocks(total: int, size: int) -> Iterator[int]:
    return (min(size, total - done) for done in range(0, total, size))


def _by_cluster(
    values: NDArray[np.floating], clusters: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the sum of each cluster's values, and how many there are."""
    _, place = np.unique(clusters, return_inverse=True)
    return np.bincount(place, weights=values).astype(np.float64), np.bincount(place).astype(np.int64)


def _all_differ(clusters: NDArray[np.integer]) -> bool:
    return len(np.unique(clusters)) == len(clusters)


def _same_items(credits_a: NDArray[np.floating], credits_b: NDArray[np.floating]) -> None:
    if len(credits_a) != len(credits_b):
        raise ValueError(f"Models scored on {len(credits_a)} and {len(credits_b)} items can't be paired.")
    if np.isnan(credits_a).any() or np.isnan(credits_b).any():
        raise ValueError("credits hold NaN.")
