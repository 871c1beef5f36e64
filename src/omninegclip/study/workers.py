"""Jobs spread over processes that share nothing and end when their parent does."""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from omninegclip.errors import OmniNegClipError
from omninegclip.interruption import leave_to_parent
from omninegclip.progress import console, track

WorkT = TypeVar("WorkT")
ResultT = TypeVar("ResultT")
_work: Callable[..., Any]  # of a worker process, set when it begins


@contextmanager
def in_workers(
    work: Callable[[WorkT], ResultT], workers: int
) -> Iterator[Callable[[WorkT], Future[ResultT]]]:
    """Yield what has a job done by one of `workers` processes, and returns its result to come.

    This process and each worker have an equal share of its threads meanwhile, one at least. When what is
    within fails or is interrupted, all workers are ended at once.

    Args:
        work: goes to each worker once, pickled.
        workers: processes beside this one.

    Raises:
        OmniNegClipError: A worker died.
    """
    threads = torch.get_num_threads()
    share = max(1, threads // workers)
    # Spawned, not forked: a forked copy of a process with torch's threads can hang.
    spawn = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, spawn, initializer=_begin, initargs=(work, share))
    torch.set_num_threads(share)
    try:
        yield lambda job: pool.submit(_do, job)
    except BrokenProcessPool as error:
        raise OmniNegClipError(
            "A worker process died, perhaps out of memory: run the same command again, with fewer "
            "workers if it has --workers. What is finished is kept."
        ) from error
    except BaseException:
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def each_done(work: Callable[[WorkT], None], jobs: Iterable[WorkT], workers: int) -> Iterator[WorkT]:
    """Do every job and yield it when it is done: in this process, or in `workers` others.

    `jobs` is read here, and a job is under way while the next one is being read.

    Args:
        work: goes to each worker once, pickled.
        jobs: picklable where there are several workers.
        workers: processes; 1 means this one.

    Raises:
        OmniNegClipError: `workers` is below 1, or a worker died.
    """
    if workers < 1:
        raise OmniNegClipError(f"--workers must be 1 or more, not {workers}.")
    if workers == 1:
        for job in jobs:
            work(job)
            yield job
        return
    with in_workers(work, workers) as submit:
        submitted = {submit(job): job for job in jobs}
        if not submitted:
            return
        for future in track(as_completed(submitted), f"With {workers} workers", len(submitted)):
            future.result()
            yield submitted[future]


def _begin(work: Callable[..., Any], threads: int) -> None:
    """Make a new process a worker."""
    global _work
    _work = work
    torch.set_num_threads(threads)
    console.quiet = True  # bars of several processes would overwrite each other
    leave_to_parent()


def _do(job: object) -> Any:
    return _work(job)
