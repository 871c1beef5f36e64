"""Jobs are answered together, each with its own answer, whoever leaves meanwhile."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future

import pytest

from omninegclip.serve.batching import Batcher, EndingError


class Gate:
    """Work that waits until it is let go, and notes what it was given."""

    def __init__(self) -> None:
        self.open, self.begun = threading.Event(), threading.Event()
        self.batches: list[list[int]] = []

    def __call__(self, jobs: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(jobs))
        self.begun.set()
        assert self.open.wait(30)
        return [ValueError(str(job)) if job < 0 else job * job for job in jobs]


def test_what_comes_while_it_is_busy_is_answered_together() -> None:
    gate = Gate()
    batcher: Batcher[int, int] = Batcher(gate, batch=3)
    first = batcher.submit(1)
    assert gate.begun.wait(30)
    rest = [batcher.submit(job) for job in (2, -3, 4, 5, 6)]
    rest[2].cancel()  # a client that left: the others get their own answers all the same
    gate.open.set()
    batcher.close()
    assert first.result() == 1
    assert [rest[0].result(), rest[3].result(), rest[4].result()] == [4, 25, 36]
    assert str(rest[1].exception()) == "-3"
    assert gate.batches == [[1], [2, -3], [5, 6]]


def test_what_waits_at_the_end_is_answered_and_no_more_is_taken() -> None:
    gate = Gate()
    batcher: Batcher[int, int] = Batcher(gate, batch=2)
    taken: list[Future[int]] = [batcher.submit(1)]
    assert gate.begun.wait(30)
    taken += [batcher.submit(2), batcher.submit(3)]
    gate.open.set()
    batcher.close()
    assert [each.result() for each in taken] == [1, 4, 9]
    with pytest.raises(EndingError):
        batcher.submit(5)


def test_work_that_fails_leaves_nobody_waiting() -> None:
    def work(jobs: Sequence[int]) -> list[int | Exception]:
        raise RuntimeError("no")

    batcher: Batcher[int, int] = Batcher(work, batch=2)
    assert str(batcher.submit(1).exception(30)) == "no"
    assert str(batcher.submit(2).exception(30)) == "no"
    batcher.close()
