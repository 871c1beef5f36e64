"""Items made ahead: in order, no more than are wanted, with their errors, and none when nobody asks."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from omninegclip.training.prefetch import made_ahead


def counted(stop: int, made: list[int]) -> Iterator[int]:
    for number in range(stop):
        made.append(number)
        yield number


@pytest.mark.parametrize("stop", [0, 1, 2, 3, 20])
def test_all_items_come_in_their_order(stop: int) -> None:
    assert list(made_ahead(counted(stop, []))) == list(range(stop))


def test_items_are_made_by_another_thread_before_they_are_asked_for() -> None:
    second = threading.Event()

    def items() -> Iterator[str]:
        yield threading.current_thread().name
        second.set()
        yield "second"

    with closing(made_ahead(items())) as ahead:
        assert next(ahead) != threading.current_thread().name
        assert second.wait(30)


def test_no_more_are_made_than_may_wait() -> None:
    made: list[int] = []
    with closing(made_ahead(counted(100, made), count=3)) as ahead:
        assert [next(ahead), next(ahead)] == [0, 1]
    assert len(made) <= 2 + 3
    assert made == list(range(len(made)))


def test_an_error_is_raised_where_its_item_is_asked_for() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("no third")

    ahead = made_ahead(items())
    assert [next(ahead), next(ahead)] == [1, 2]
    with pytest.raises(ValueError, match="no third"):
        next(ahead)


def test_no_thread_is_left_when_it_is_closed() -> None:
    before = threading.active_count()
    ahead = made_ahead(counted(10**9, []))
    next(ahead)
    assert threading.active_count() > before
    ahead.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
