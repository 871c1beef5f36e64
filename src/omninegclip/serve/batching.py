"""One thread that owns the model, and answers together what has come in while it was busy.

Two libraries that batch were read: `batched` gives a caller the answer of another when one was cancelled
meanwhile, and `async-batcher` never answers the others then. Both matter where clients hang up.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Condition, Thread
from typing import Generic, TypeVar

J = TypeVar("J")
A = TypeVar("A")


class EndingError(Exception):
    """The server is ending, and takes no more."""


class Batcher(Generic[J, A]):
    """Hands jobs in batches to a function that answers each, or says what was wrong with it.

    A batch is what waits when the one before is done: nothing waits to be joined by others. How many may
    wait is the guard's to say, which counts requests from the end of their bodies to their answers.
    """

    def __init__(self, work: Callable[[Sequence[J]], Sequence[A | Exception]], *, batch: int) -> None:
        """Start the thread; at most `batch` jobs are handed over at once."""
        self._work, self._batch = work, batch
        self._queue: deque[tuple[J, Future[A]]] = deque()
        self._changed = Condition()
        self._ending = False
        self._thread = Thread(target=self._serve, name="model", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        """Return how many jobs wait."""
        return len(self._queue)

    def submit(self, job: J) -> "Future[A]":
        """Return the future answer; cancelling it drops a job that still waits. Raises EndingError."""
        future: Future[A] = Future()
        with self._changed:
            if self._ending:
                raise EndingError
            self._queue.append((job, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Answer what waits, and end the thread."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join()

    def _serve(self) -> None:
        while taken := self._take():
            live = [(job, future) for job, future in taken if future.set_running_or_notify_cancel()]
            if not live:
                continue
            try:
                answers = self._work([job for job, _ in live])
            except Exception as error:  # whatever it is, nobody may wait for ever
                answers = [error] * len(live)
            for (_, future), answer in zip(live, answers, strict=True):
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)

    def _take(self) -> list[tuple[J, "Future[A]"]]:
        """Wait for jobs and return them; none when the end has come."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._ending)
            return [self._queue.popleft() for _ in range(min(self._batch, len(self._queue)))]
