"""Jobs in processes of their own: all are done, and whatever goes wrong ends every worker."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from omninegclip.errors import OmniNegClipError
from omninegclip.study.workers import each_done, in_workers


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_is_done_once(tmp_path: Path, workers: int) -> None:
    jobs = [tmp_path / str(number) for number in range(5)]
    assert sorted(each_done(Path.mkdir, jobs, workers)) == jobs  # a second time would fail
    assert all(job.is_dir() for job in jobs)


def test_what_a_job_raises_is_raised_here(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing here"):
        list(each_done(Path.unlink, [tmp_path / "nothing here"], 2))
    assert not multiprocessing.active_children()


def test_a_worker_that_dies_is_one_sentence() -> None:
    with pytest.raises(OmniNegClipError, match=r"worker process died.* fewer workers"):
        list(each_done(os._exit, [9], 2))


def test_an_interruption_does_not_wait_for_running_jobs() -> None:
    def interrupted() -> Iterator[int]:
        yield 600
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(each_done(time.sleep, interrupted(), 2))
    assert not multiprocessing.active_children()


def test_what_a_job_returns_comes_back_and_the_threads_are_shared_out() -> None:
    threads = torch.get_num_threads()
    with in_workers(Path.exists, 2) as submit:
        assert torch.get_num_threads() == max(1, threads // 2)
        assert [submit(job).result() for job in (Path("/"), Path("/nothing here"))] == [True, False]
    assert torch.get_num_threads() == threads
    assert not multiprocessing.active_children()


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import subprocess\n"
        "from omninegclip.study.workers import each_done\n"
        "if __name__ == '__main__':\n"
        "    list(each_done(subprocess.run, [['sh', '-c', 'echo $PPID; exec sleep 60']], 2))\n"
    )
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    worker = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 30
    while _alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(worker)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("workers", [0, -1])
def test_no_worker_is_refused(workers: int) -> None:
    with pytest.raises(OmniNegClipError, match="--workers must be 1 or more, not"):
        list(each_done(print, [], workers))
