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


def test_the_interval_always_holds_the_value():
    for n in range(1, 200):
        for right in (0, n):
            estimate = intervals.proportion(credits_of(right, n))
            assert estimate.low <= estimate.value <= estimate.high


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


def clustered(draw, clusters=40, largest=6):
    """Credits that hang together: each cluster has its own chance."""
    sizes = draw.integers(1, largest + 1, clusters)
    owners = np.repeat(np.arange(clusters), sizes)
    return (draw.random(len(owners)) < draw.random(clusters)[owners]).astype(float), owners


def test_the_bootstrap_over_clusters_agrees_with_a_naive_loop():
    values, owners = clustered(np.random.default_rng(3))
    draw, means = np.random.default_rng(7), []
    for _ in range(500):
        drawn = draw.integers(0, 40, 40)
        means.append(np.mean(np.concatenate([values[owners == cluster] for cluster in drawn])))
    found = intervals.bootstrap_mean(values, 7, 500, clusters=owners)
    assert (found.value, found.n) == (values.mean(), len(values))
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])))


def test_one_item_per_cluster_changes_nothing():
    values = RANDOM.choice([0.0, 1.0], 50)
    own = np.arange(50)
    assert intervals.bootstrap_mean(values, 1, clusters=own) == intervals.bootstrap_mean(values, 1)
    assert intervals.clustered_proportion(values, own, 1) == intervals.proportion(values)


def test_the_clustered_interval_covers_the_true_mean_and_that_of_independent_items_does_not():
    draw, covered, independent = np.random.default_rng(0), 0, 0
    for seed in range(200):
        values, owners = clustered(draw, clusters=80, largest=12)
        found, wilson = intervals.clustered_proportion(values, owners, seed), intervals.proportion(values)
        covered += found.low <= 0.5 <= found.high
        independent += wilson.low <= 0.5 <= wilson.high
    assert covered >= 180
    assert independent <= 165


def test_credits_that_are_all_right_are_as_sure_as_there_are_clusters():
    found = intervals.clustered_proportion(np.ones(30), np.repeat(np.arange(10), 3), 0)
    assert (found.value, found.high, found.n) == (1, 1, 30)
    assert found.low == intervals.proportion(np.ones(10)).low


def test_the_paired_difference_of_items_that_share_images_is_less_sure():
    draw = np.random.default_rng(1)
    first, owners = clustered(draw, 60, 10)
    second = np.where(draw.random(60)[owners] < 0.3, 1 - first, first)
    alone = intervals.paired_difference(first, second, 0)
    together = intervals.paired_difference(first, second, 0, clusters=owners)
    assert together.value == alone.value
    assert together.high - together.low > 1.3 * (alone.high - alone.low)


def test_sign_flips_agree_with_mcnemar_on_independent_items_and_with_all_signs_on_clusters():
    first, second = discordant(3, 12)
    p = intervals.sign_flip(first, second, np.arange(len(first)), 0)
    assert p == pytest.approx(intervals.mcnemar(first, second), abs=0.01)
    owners = np.repeat(np.arange(5), 5)
    second = np.zeros(25)
    second[:22] = 1  # sums of 5, 5, 5, 5 and 2: only all or none of 32 signs are as far from 0
    assert intervals.sign_flip(np.zeros(25), second, owners, 0) == pytest.approx(2 / 32, abs=0.01)
    assert intervals.sign_flip(second, second, owners, 0) == 1
