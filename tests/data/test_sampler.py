"""The order of the data: complete, reshuffled, and the same after any interruption."""

import json
from itertools import islice

import numpy as np
import pytest

from omninegclip.data.sampler import BatchSampler
from omninegclip.errors import OmniNegClipError


def rows_of(sampler: BatchSampler, steps: int, first_step: int = 0) -> list[list[int]]:
    return [batch.tolist() for batch in islice(sampler.batches(first_step), steps)]


def test_a_pass_takes_each_row_at_most_once_and_drops_the_partial_batch() -> None:
    sampler = BatchSampler(rows=11, batch_size=3, seed=0)
    assert len(sampler) == 3
    taken = np.concatenate(rows_of(sampler, 3))
    assert len(set(taken)) == 9
    assert set(taken) <= set(range(11))


def test_passes_are_shuffled_anew() -> None:
    sampler = BatchSampler(rows=100, batch_size=50, seed=0)
    first, second = np.concatenate(rows_of(sampler, 2)), np.concatenate(rows_of(sampler, 2, 2))
    assert sorted(first) == sorted(second) == list(range(100))
    assert first.tolist() != second.tolist() != list(range(100))


def test_seeds_decide_the_order() -> None:
    assert rows_of(BatchSampler(50, 10, seed=3), 20) == rows_of(BatchSampler(50, 10, seed=3), 20)
    assert rows_of(BatchSampler(50, 10, seed=3), 1) != rows_of(BatchSampler(50, 10, seed=4), 1)


@pytest.mark.parametrize("stop", range(9))
def test_goes_on_from_any_step_as_if_never_stopped(stop: int) -> None:
    whole = rows_of(BatchSampler(rows=17, batch_size=4, seed=5), 12)
    first = BatchSampler(rows=17, batch_size=4, seed=5)
    before = rows_of(first, stop)
    second = BatchSampler(rows=17, batch_size=4, seed=5)
    second.require_same(json.loads(json.dumps(first.facts)))
    assert before + rows_of(second, 12 - stop, stop) == whole


def test_the_batch_of_a_step_needs_no_history() -> None:
    sampler = BatchSampler(rows=17, batch_size=4, seed=5)
    whole = rows_of(sampler, 12)
    assert [sampler.batch(step).tolist() for step in reversed(range(12))] == whole[::-1]


def test_the_shorter_of_two_starts_again_while_the_longer_goes_on() -> None:
    long, short = BatchSampler(rows=12, batch_size=2, seed=0), BatchSampler(rows=4, batch_size=2, seed=1)
    both = zip(long.batches(), short.batches(), strict=True)
    pairs = list(islice(both, max(len(long), len(short))))
    assert sorted(np.concatenate([row for row, _ in pairs])) == list(range(12))
    assert sorted(np.concatenate([row for _, row in pairs])) == sorted([*range(4)] * 3)


@pytest.mark.parametrize("batch_size", [0, 12])
def test_refuses_a_batch_that_the_rows_do_not_fill(batch_size: int) -> None:
    with pytest.raises(OmniNegClipError, match=f"11 rows don't fill a batch of {batch_size}"):
        BatchSampler(rows=11, batch_size=batch_size, seed=0)


@pytest.mark.parametrize("other", [BatchSampler(10, 4, 5), BatchSampler(17, 2, 5), BatchSampler(17, 4, 6)])
def test_refuses_the_state_of_another_run(other: BatchSampler) -> None:
    with pytest.raises(OmniNegClipError, match="this run has 17, 4 and 5"):
        BatchSampler(17, 4, 5).require_same(other.facts)


@pytest.mark.parametrize("steps", [1, 4, 7, 8])
def test_the_rows_of_a_run_are_known_before_it(steps: int) -> None:
    sampler = BatchSampler(rows=17, batch_size=4, seed=5)
    assert sampler.seen(steps) == sorted({row for batch in rows_of(sampler, steps) for row in batch})
    assert sampler.seen(9) == list(range(17))
