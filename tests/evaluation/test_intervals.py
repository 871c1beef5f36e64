import numpy as np
import pytest
from scipy.stats import binomtest

from omninegclip.evaluation import intervals

RANDOM = np.random.default_rng(0)


def credits_of(right, n):
    return np.arange(n) < right


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [  # Newcombe (1998), Statistics in Medicine 17:857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_proportion_gives_published_wilson_intervals(right, n, low, high):
    estimate = intervals.proportion(credits_of(right, n))
    assert estimate.value == right / n
    assert estimate.n == n
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=5e-5)


def test_proportion_of_fractional_credits_is_at_least_as_wide_as_their_bootstrap():
    values = RANDOM.choice([0, 0.25, 0.5, 1], 400)
    wilson, bootstrap = intervals.proportion(values), intervals.bootstrap_mean(values, seed=1)
    assert wilson.value == bootstrap.value
    assert wilson.high - wilson.low >= bootstrap.high - bootstrap.low


@pytest.mark.parametrize(
    ("values", "message"),
    [([], "empty"), ([0, 1.5], r"lie in \[0, 1\]"), ([0, np.nan], r"lie in \[0, 1\]")],
)
def test_proportion_refuses_what_are_no_credits(values, message):
    with pytest.raises(ValueError, match=message):
        intervals.proportion(np.array(values))


def test_bootstrap_interval_covers_the_true_mean_about_95_times_in_100():
    covered = 0
    for seed in range(200):
        estimate = intervals.bootstrap_mean(RANDOM.exponential(size=200), seed)
        covered += estimate.low <= 1 <= estimate.high
    assert 180 <= covered <= 198


def test_bootstrap_is_repeatable_and_does_not_depend_on_its_blocks(monkeypatch):
    values = RANDOM.normal(size=50)
    whole = intervals.bootstrap_mean(values, seed=3)
    monkeypatch.setattr(intervals, "_BLOCK", 120)
    assert intervals.bootstrap_mean(values, seed=3) == whole
    assert intervals.bootstrap_mean(values, seed=4) != whole


def test_bootstrap_refuses_nothing_and_nan():
    for values in ([], [1, np.nan]):
        with pytest.raises(ValueError, match="non-empty and without NaN"):
            intervals.bootstrap_mean(np.array(values), seed=0)


def test_paired_difference_is_positive_when_the_second_model_is_better():
    first, second = credits_of(100, 400).astype(float), credits_of(200, 400).astype(float)
    estimate = intervals.paired_difference(first, second, seed=0)
    assert estimate.value == 0.25
    assert estimate.low > 0.2
    assert estimate.high < 0.3


def discordant(first_alone, second_alone):
    pairs = [(1, 0)] * first_alone + [(0, 1)] * second_alone + [(1, 1)] * 7 + [(0, 0)] * 3
    return np.array(pairs, float).T


def test_mcnemar_by_hand():
    # One against five of six: 2 (C(6,0) + C(6,1)) / 2^6 = 14/64.
    assert intervals.mcnemar(*discordant(1, 5)) == 14 / 64
    assert intervals.mcnemar(*discordant(4, 4)) == 1
    assert intervals.mcnemar(*discordant(0, 0)) == 1


@pytest.mark.parametrize(("first", "second"), [(3, 12), (150, 86), (12_000, 12_400)])
def test_mcnemar_agrees_with_the_binomial_test_of_scipy(first, second):
    assert intervals.mcnemar(*discordant(first, second)) == pytest.approx(
        binomtest(first, first + second).pvalue
    )


def test_pairs_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="2 and 3 items can't be paired"):
        intervals.mcnemar(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="2 and 3 items can't be paired"):
        intervals.paired_difference(np.zeros(2), np.zeros(3), seed=0)
