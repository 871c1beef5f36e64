"""The scores of halves, against formulas written out in plain Python."""

import math

import numpy as np
import pytest

from omninegclip.scoring.halves import (
    Gate,
    gated,
    log_absent,
    log_odds,
    probability,
    standardised,
    subtracted,
)

RANDOM = np.random.default_rng(3)
GATE = Gate(steepness=3.0, threshold=1.5, weight=0.7)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_the_gate_is_its_formula() -> None:
    affirmed, negated = RANDOM.normal(size=5), RANDOM.normal(size=(3, 5)) * 2
    expected = [
        affirmed[image] + 0.7 * sum(math.log(sigmoid(-3.0 * (negated[n, image] - 1.5))) for n in range(3))
        for image in range(5)
    ]
    assert gated(affirmed, negated, GATE) == pytest.approx(expected)


def test_subtraction_and_log_odds_are_their_formulas() -> None:
    affirmed, negated = RANDOM.normal(size=4), RANDOM.normal(size=(2, 4))
    for image in range(4):
        a, (n, m) = affirmed[image], negated[:, image]
        assert subtracted(affirmed, negated)[image] == pytest.approx(a - 0.5 * n - 0.5 * m)
        assert log_odds(affirmed, negated, 2.0)[image] == pytest.approx((a - 2) + (2 - n) + (2 - m))
        assert log_odds(None, negated, 2.0)[image] == pytest.approx((2 - n) + (2 - m))


def test_what_is_surely_absent_costs_nothing_and_what_is_surely_there_costs_all() -> None:
    z = np.array([-200.0, 1.5, 200.0])
    assert log_absent(z, GATE) == pytest.approx([0.0, -math.log(2), -3.0 * 198.5])
    assert probability(z, GATE) == pytest.approx([0.0, 0.5, 1.0])
    assert np.isfinite(log_absent(np.array([1e6]), GATE)).all()


def test_probability_and_absence_are_complements() -> None:
    z = RANDOM.normal(size=100) * 3
    assert np.exp(log_absent(z, GATE)) + probability(z, GATE) == pytest.approx(1)


def test_no_denial_leaves_the_affirmed_half() -> None:
    affirmed = RANDOM.normal(size=6)
    nothing = np.zeros((0, 6))
    assert np.array_equal(gated(affirmed, nothing, GATE), affirmed)
    assert np.array_equal(subtracted(affirmed, nothing), affirmed)


def test_standardised_counts_standard_deviations_per_text() -> None:
    cosines = np.array([[0.1, 0.3], [0.5, 0.5]])
    z = standardised(cosines, np.array([0.2, 0.4]), np.array([0.1, 0.05]))
    assert z == pytest.approx(np.array([[-1, 1], [2, 2]]))
    assert standardised(cosines[:, 0], np.array([0.2, 0.4]), np.array([0.1, 0.05])) == pytest.approx([-1, 2])
