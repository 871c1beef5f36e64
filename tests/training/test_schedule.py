"""Schedules against values worked out by hand."""

import pytest

from omninegclip.training.schedule import cosine, paper


@pytest.mark.parametrize(
    ("step", "factor"),
    [
        (0, 1 / 50),
        (24, 0.5),
        (49, 1.0),
        (50, 1.02),
        (100, 0.75),  # a third of the way from step 50 to step 200: (1 + cos 60 degrees) / 2
        (125, 0.5),
        (150, 0.25),
        (200, 0.0),
    ],
)
def test_paper_by_hand(step: int, factor: float) -> None:
    assert paper(step, warmup=50, total=201) == pytest.approx(factor, abs=1e-15)


@pytest.mark.parametrize(
    ("step", "factor"),
    [(0, 1 / 50), (49, 1.0), (50, 1.0), (100, 0.75), (125, 0.5), (150, 0.25), (200, 0.0)],
)
def test_mended_by_hand(step: int, factor: float) -> None:
    assert cosine(step, warmup=50, total=200) == pytest.approx(factor, abs=1e-15)


def test_mended_never_exceeds_1_and_never_stops_learning() -> None:
    factors = [cosine(step, warmup=50, total=200) for step in range(200)]
    assert max(factors) == 1
    assert min(factors) > 0


def test_a_run_shorter_than_the_warm_up_only_warms_up() -> None:
    for schedule in (paper, cosine):
        assert [schedule(step, warmup=50, total=10) for step in range(10)] == [
            (k + 1) / 50 for k in range(10)
        ]


def test_mended_without_warm_up_starts_at_the_full_rate() -> None:
    assert cosine(0, warmup=0, total=10) == 1
