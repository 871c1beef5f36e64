"""Batches made in the background while the steps before them are taken."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
AHEAD = 2  # batches that wait to be taken, at most


def made_ahead(items: Iterator[T], count: int = AHEAD) -> Generator[T, None, None]:
    """Yield `items` in their order, up to `count` of them made by another thread before they are asked for.

    What making one raises is raised when it is asked for. When this is closed, the thread ends with the item
    that it is at.
    """
    end = object()
    with ThreadPoolExecutor(1, "batches") as pool:
        waiting: deque[Future[T | object]] = deque()
        try:
            waiting.extend(pool.submit(next, items, end) for _ in range(count))
            while (item := waiting.popleft().result()) is not end:
                waiting.append(pool.submit(next, items, end))
                yield item  # type: ignore[misc]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
