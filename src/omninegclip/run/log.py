"""The log of a training, a line of JSON per step; it never holds more than the last checkpoint knows of."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from omninegclip.files import append_to
from omninegclip.progress import console
from omninegclip.training.distributed import rank
from omninegclip.training.loop import Step


class RunLog:
    """An open log; that of every process but the first of several writes nothing."""

    def __init__(self, file: BinaryIO | None) -> None:
        """Write behind what `file` holds."""
        self._file = file
        self._unwritten: list[tuple[Step, dict[str, float]]] = []

    def write(self, values: Mapping[str, object]) -> None:
        """Add a line."""
        self.write_steps()
        if self._file:
            self._file.write(json.dumps(dict(values)).encode() + b"\n")

    def write_step(self, step: Step, **more: float) -> None:
        """Add the line of a step, when its scalars are known: a GPU is not waited for."""
        self._unwritten.append((step, more))
        if step.scalars.known:
            self.write_steps()

    def write_steps(self) -> None:
        """Add the lines that are not written yet."""
        unwritten, self._unwritten = self._unwritten, []
        for step, more in unwritten:
            self.write(step_line(step) | more)

    def size(self) -> int:
        """Return how many bytes are in the file."""
        self.write_steps()
        if self._file is None:
            return 0
        self._file.flush()
        return self._file.tell()


@contextmanager
def open_log(path: Path, size: int = 0, steps: int = 0) -> Iterator[RunLog]:
    """Open a log behind its first `size` bytes, which hold so many steps, and cut off the rest.

    Raises OmniNegClipError when it can't be written.
    """
    if rank() > 0:
        yield RunLog(None)
        return
    with append_to(path) as file:
        if _cut(file, size):
            console.print(
                f"{path} lacks some of the first {steps} steps: "
                "the weights don't depend on it, so the run continues."
            )
        log = RunLog(file)
        yield log
        log.write_steps()


def step_line(step: Step) -> dict[str, float]:
    """Return what a log says of a step."""
    return {"step": step.number, "learning_rate": step.learning_rate, **step.scalars}


def read_log(path: Path) -> list[dict[str, float]]:
    """Return the steps in a log, without lines that are no step's."""
    steps = []
    for text in path.read_bytes().splitlines():
        with suppress(ValueError, RecursionError):
            line = json.loads(text)
            if isinstance(line, dict) and {"step", "loss"} <= line.keys():
                steps.append({k: v for k, v in line.items() if isinstance(v, int | float)})
    return steps


def seconds_in(path: Path, texts_per_step: float) -> float:
    """Return how many seconds the steps in a log took, also of a run that was stopped and taken up again."""
    return sum(texts_per_step / step["texts_per_second"] for step in read_log(path))


def _cut(file: BinaryIO, size: int) -> bool:
    """Cut off what a log holds behind `size` bytes, and tell whether it lacked some of them."""
    there = file.seek(0, os.SEEK_END)
    if lacks := there < size:  # by some lines, and the last one may be half
        file.seek(0)
        size = file.read().rfind(b"\n") + 1
    file.truncate(size)
    file.seek(0, os.SEEK_END)
    return lacks
