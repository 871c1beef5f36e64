"""The loop that every training runs in: a bar, a log, and checkpoints to resume from."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from torch import Tensor

from omninegclip.errors import StoppedError
from omninegclip.files import JsonObject
from omninegclip.interruption import StopRequest
from omninegclip.progress import console, progress
from omninegclip.run.log import RunLog, open_log
from omninegclip.training.checkpoint import load_checkpoint, save_checkpoint
from omninegclip.training.distributed import any_process, rank
from omninegclip.training.loop import Step


class Training(Protocol):
    """What takes the steps; its state at any of them is some tensors and JSON values.

    Attributes:
        total: steps of the whole training.
        done: steps taken so far.
        texts_per_step: the mean number of captions in a step.
    """

    total: int
    done: int
    texts_per_step: float

    def run(self) -> Iterator[Step]:
        """Take the steps that are left, yielding each when it is done."""

    def state(self) -> tuple[dict[str, Tensor], JsonObject]:
        """Return all that the steps that are left depend on."""

    def restore(self, tensors: Mapping[str, Tensor], metadata: JsonObject) -> None:
        """Continue from where `state` was taken."""


def with_bar(training: Training, description: str) -> Iterator[tuple[Step, float]]:
    """Take the steps that are left with a bar, and yield each with its captions per second."""
    with progress() as bar:
        shown = bar.add_task(description, total=training.total, completed=training.done, note="")
        moment = time.perf_counter()
        for step in training.run():
            rate = training.texts_per_step / (time.perf_counter() - moment)
            if step.scalars.known:
                bar.update(shown, note=_note(step, rate))
            bar.advance(shown)
            yield step, rate
            moment = time.perf_counter()


class ResumableTraining:
    """A training whose log and last checkpoint lie in a folder, so that it can be stopped and taken up again.

    Attributes:
        training: the steps.
        log: open while steps are taken.
        metadata: returns what else the checkpoint keeps, by name.
    """

    log: RunLog

    def __init__(
        self,
        training: Training,
        log: Path,
        checkpoint: Path,
        *,
        every: int,
        command: str = "the same command",
        metadata: Callable[[], JsonObject] = dict,
    ) -> None:
        """Begin at the first step; a checkpoint is written every `every` steps, and `command` resumes."""
        self.training, self.metadata = training, metadata
        self._log, self._checkpoint, self._every, self._command = log, checkpoint, every, command
        self._log_bytes, self._saved = 0, 0

    def restore(self) -> JsonObject:
        """Resume from the last checkpoint and return what it keeps; nothing when there is none.

        Raises OmniNegClipError when it is damaged or of another training.
        """
        if not self._checkpoint.exists():
            return {}
        tensors, metadata = load_checkpoint(self._checkpoint)
        self.training.restore(tensors, metadata["tuning"])
        self._log_bytes, self._saved = metadata["log_bytes"], self.training.done
        console.print(f"Resuming after step {self.training.done} of {self.training.total}.")
        return metadata

    def steps(self, description: str, *, ended: bool = False) -> Iterator[Step]:
        """Take the steps that are left, none if it `ended` early, with a bar; log each and yield it.

        Raises StoppedError at the end of a step when a signal came; a checkpoint is written first.
        """
        with (
            StopRequest(lambda: console.print("Stopping after this step.")) as request,
            open_log(self._log, self._log_bytes, self.training.done) as self.log,
        ):
            for step, rate in () if ended else with_bar(self.training, description):
                self.log.write_step(step, texts_per_second=round(rate, 1))
                yield step
                stopping = any_process(request.came)
                if stopping or self.is_due(self._every):
                    self.save()
                if stopping:
                    raise StoppedError(
                        f"Stopped after step {self.training.done} of {self.training.total}; "
                        f"{self._command} continues the run."
                    )

    def is_due(self, every: int) -> bool:
        """Tell whether the step just taken is the last one, or one of every so many."""
        return self.training.done % every == 0 or self.training.done == self.training.total

    def save(self) -> None:
        """Write the checkpoint of the step just taken, unless that is done; only the first process does."""
        if rank() > 0 or self._saved == self.training.done:
            return
        size = self.log.size()
        tensors, tuning = self.training.state()
        save_checkpoint(self._checkpoint, tensors, {"tuning": tuning, "log_bytes": size, **self.metadata()})
        self._saved = self.training.done


def _note(step: Step, rate: float) -> str:
    """Return the losses of a step as a bar shows them."""
    parts = [f"loss {step.scalars['loss']:.3f}"]
    parts += [
        f"{name.removesuffix('/loss')} {value:.3f}"
        for name, value in step.scalars.items()
        if name.endswith("/loss")
    ]
    return f"{'  '.join(parts)}  {rate:.0f} texts/s"
