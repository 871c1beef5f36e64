"""Fine-tunings beside each other, each in a process of its own.

On a CPU a step of a small model is many short operations, which more threads hardly speed up: two trainings
with half of the cores each are done long before one after the other with all of them.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from omninegclip.clip.device import ComputePlace, settle
from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip
from omninegclip.data.record import read_records
from omninegclip.embeddings import Embeddings
from omninegclip.environment import peak_memory
from omninegclip.memory import keep_freed_memory
from omninegclip.progress import progress
from omninegclip.run.driver import tune
from omninegclip.training.checkpoint import load_trained, trained_of
from omninegclip.training.loop import Step
from omninegclip.training.methods.method import TrainingRecords
from omninegclip.training.preset import Preset

_SECONDS_BETWEEN_LOOKS = 0.5


class TuningJob(NamedTuple):
    """A fine-tuning by its name, what it does, and where every step is written."""

    name: str
    preset: Preset
    log: Path


class TunedTexts(NamedTuple):
    """The steps of a fine-tuning, the weights that it trained by their names in the model, and its memory.

    `peak_memory` is the largest resident size of its process so far, in bytes.
    """

    steps: list[Step]
    weights: dict[str, NDArray[np.float32]]
    peak_memory: int

    def load_into(self, encoder: ClipEncoder) -> None:
        """Give these weights to the model before, in which the same parts are set to train."""
        weights = {name: torch.from_numpy(weight) for name, weight in self.weights.items()}
        load_trained(trained_of(encoder.model), weights)


class Tuner(NamedTuple):
    """Fine-tunes a model on the records of a file, whose images have `features` in the same order."""

    model: str
    place: ComputePlace | None
    records: Path
    features: Embeddings
    seed: int

    def fine_tune(self, job: TuningJob) -> TunedTexts:
        """Do a job.

        Raises OmniNegClipError when the preset doesn't fit the model or the data, or the log can't be
        written.
        """
        keep_freed_memory()
        if self.place is not None:
            settle(self.place)
        encoder = load_clip(self.model, place=self.place)
        records = TrainingRecords(list(read_records(self.records)), torch.from_numpy(self.features))
        steps = tune(encoder, records, job.preset, self.seed, job.name, job.log).steps
        weights = {name: each.float().numpy(force=True) for name, each in trained_of(encoder.model).items()}
        return TunedTexts(steps, weights, peak_memory())


def each_tuned(running: Mapping[TuningJob, Future[TunedTexts]]) -> Iterator[tuple[TuningJob, TunedTexts]]:
    """Yield every job with what it made as it is done, bars showing meanwhile how far each is.

    Raises what a job raised.
    """
    left = dict(running)
    while left:
        _watch(left)
        for job in [job for job, made in left.items() if made.done()]:
            yield job, left.pop(job).result()


def _watch(running: Mapping[TuningJob, Future[TunedTexts]]) -> None:
    """Wait until a job is done or has failed, with a bar for each by what is in its log."""
    with progress() as bar:
        shown = {
            job: bar.add_task(f"Fine-tuning, {job.name}", total=job.preset.steps, note="") for job in running
        }
        done = False
        while not done:
            done = bool(wait(running.values(), _SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED).done)
            for job, task in shown.items():
                bar.update(task, completed=_lines(job.log))


def _lines(log: Path) -> int:
    try:
        return log.read_bytes().count(b"\n")
    except OSError:  # not begun
        return 0
