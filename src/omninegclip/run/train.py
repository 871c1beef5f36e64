"""The verb `train`: from records to a fine-tuned model, in a run folder that describes itself.

A run can be stopped at any moment: what is in its folder is whole, and the same run taken up again ends with
the same weights.
"""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import Any, TextIO

import torch

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.family import family_of
from omninegclip.clip.load import load_clip
from omninegclip.clip.policy import PolicyTable
from omninegclip.clip.save import save_clip
from omninegclip.data.features import ImageFeatureCache
from omninegclip.environment import peak_memory
from omninegclip.errors import OmniNegClipError, StoppedError
from omninegclip.evaluation.validation import metric, validate
from omninegclip.files import atomic_file
from omninegclip.memory import keep_freed_memory
from omninegclip.progress import console, progress
from omninegclip.run.account import Figures, card_of, estimates, numbers, write_curves
from omninegclip.run.folder import (
    BEST,
    CURVES,
    EVENTS,
    LAST,
    LOG,
    METRICS,
    MODEL,
    config_of,
    run_folder,
    same_config,
)
from omninegclip.run.job import Job, read_data, triplets_of
from omninegclip.run.signals import Signals
from omninegclip.training.checkpoint import load_checkpoint, save_checkpoint
from omninegclip.training.distributed import any_process, from_first, process_group, rank
from omninegclip.training.estimate import Estimate, estimate
from omninegclip.training.finetune import FineTuning, freeze, load_trained
from omninegclip.training.loop import Step
from omninegclip.training.triplets import Triplets


def train(job: Job, *, resume: bool) -> dict[str, Any]:
    """Run a job, or what is left of it, and return what `--json` prints.

    Raises:
        OmniNegClipError: the data, the model or the preset don't fit, the folder is occupied or can't be
            written, it holds another run, or another process ended.
        StoppedError: a signal came; everything up to that step is kept.
    """
    with process_group() as device, run_folder(job.out, resume):
        console.quiet = rank() > 0
        if job.tensorboard:
            import_module("torch.utils.tensorboard")  # an extra: missed now, not after the first step
        keep_freed_memory()
        if (job.out / METRICS).exists():
            console.print(f"This run is finished: {job.out / MODEL}.")
            done: dict[str, Any] = json.loads((job.out / METRICS).read_text())
            return done
        data = read_data(job)
        encoder = load_clip(job.preset.model, activation=job.activation, tokenizer=job.tokenizer)
        same_config(job, config_of(job, encoder, data))
        policy = freeze(encoder, job.preset)
        console.print(str(policy))
        torch.nn.Module.to(encoder.model, device)
        _require_frozen_images(encoder)
        features = ImageFeatureCache(job.cache).features(encoder, data.pictures)
        torch.manual_seed(job.seed)
        return _Run(job, encoder, policy, *triplets_of(job, encoder, data, features)).finish()


def dry_run(job: Job, throughput: float) -> Estimate:
    """Count what a job will cost at `throughput` operations per second; nothing is written."""
    data = read_data(job)
    encoder = load_clip(job.preset.model, activation=job.activation, tokenizer=job.tokenizer)
    console.print(str(freeze(encoder, job.preset)))
    _require_frozen_images(encoder)
    nothing = torch.empty(len(data.pictures), 0)
    training, _ = triplets_of(job, encoder, data, nothing)
    return estimate(encoder, training, len(set(data.pictures)), job.preset, throughput)


class _Run:
    """A run between its first step and its last: log, validation, checkpoints."""

    def __init__(
        self,
        job: Job,
        encoder: ClipEncoder,
        policy: PolicyTable,
        training: Triplets,
        held_out: Triplets | None,
    ) -> None:
        self.job, self.preset, self.out = job, job.preset, job.out
        self.encoder, self.policy, self.held_out = encoder, policy, held_out
        self.tuning = FineTuning(encoder, training, job.preset, job.seed)
        self.before: Figures | None = None
        self.best: dict[str, Any] | None = None
        self.since_best = 0
        self.log_bytes = 0
        if (self.out / LAST).exists():
            tensors, facts = load_checkpoint(self.out / LAST)
            self.tuning.restore(tensors, facts["tuning"])
            self.before = estimates(facts["before"])
            self.best, self.since_best = facts["best"], facts["since_best"]
            self.log_bytes = facts["log_bytes"]
            console.print(f"Going on after step {self.tuning.done} of {self.tuning.total}.")

    def finish(self) -> dict[str, Any]:
        """Take the steps that are left, write the model, and say what came of it."""
        started, first = time.perf_counter(), self.tuning.done
        if self.before is None and self.held_out is not None:
            self.before = self._validated()
        with self._log() as log, Signals() as signals, progress() as bar, self._events() as events:
            shown = bar.add_task("Fine-tuning", total=self.tuning.total, completed=first, note="")
            moment = time.perf_counter()
            for step in () if self._gave_up() else self.tuning.run():
                now = time.perf_counter()
                rate = self.tuning.texts_per_step / (now - moment)
                moment = now
                self._write(log, step, rate)
                if events:
                    for name, value in step.scalars.items():
                        events.add_scalar(name, value, step.number)
                bar.update(shown, advance=1, note=_note(step, rate))
                validated = self._is_due(self.preset.validate_every or self.tuning.epoch)
                if validated and self.held_out is not None:
                    self._keep_best(log, step.number)
                stopping = any_process(signals.came)
                if validated or stopping or self._is_due(self.preset.checkpoint_every):
                    self._checkpoint(log)
                if stopping:
                    raise StoppedError(
                        f"Stopped after step {self.tuning.done} of {self.tuning.total}; "
                        "the same command with --resume goes on."
                    )
                if self._gave_up():
                    console.print(f"No better validation in {self.since_best}: stopping early.")
                    break
        return from_first(lambda: self._close(time.perf_counter() - started))

    def _is_due(self, every: int) -> bool:
        return self.tuning.done % every == 0 or self.tuning.done == self.tuning.total

    def _gave_up(self) -> bool:
        return self.preset.patience is not None and self.since_best >= self.preset.patience

    def _validated(self) -> Figures:
        assert self.held_out is not None  # noqa: S101 -- for the type checker: callers looked
        held_out = self.held_out
        return from_first(lambda: validate(self.encoder, held_out))

    def _keep_best(self, log: TextIO | None, step: int) -> None:
        """Validate, and keep the weights if they are the best so far."""
        figures = self._validated()
        reached = metric(figures, self.preset.validate_metric)
        if log:
            named = {name: figure.value for name, figure in figures.items()}
            log.write(json.dumps({"step": step, "validation": named | {"chosen_by": reached}}) + "\n")
        if self.best is not None and reached <= self.best["reached"]:
            self.since_best += 1
            return
        self.best = {"step": step, "reached": reached, "figures": numbers(figures)}
        self.since_best = 0
        if rank() == 0:
            save_checkpoint(self.out / BEST, self.tuning.trained(), self.best)

    def _checkpoint(self, log: TextIO | None) -> None:
        if log is None:
            return
        log.flush()
        tensors, tuning = self.tuning.state()
        facts = {
            "tuning": tuning,
            "before": numbers(self.before),
            "best": self.best,
            "since_best": self.since_best,
            "log_bytes": log.tell(),
        }
        save_checkpoint(self.out / LAST, tensors, facts)

    @contextmanager
    def _log(self) -> Iterator[TextIO | None]:
        """Open the log behind the last line that the checkpoint knows of; only the first process has one."""
        if rank() > 0:
            yield None
            return
        with (self.out / LOG).open("a+") as log:
            log.truncate(self.log_bytes)
            log.seek(0, 2)
            yield log

    def _events(self) -> Any:
        if not self.job.tensorboard or rank() > 0:
            return nullcontext()
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(self.out / EVENTS), purge_step=self.tuning.done)

    @staticmethod
    def _write(log: TextIO | None, step: Step, rate: float) -> None:
        if log:
            line = {"step": step.number, "learning_rate": step.learning_rate, **step.scalars}
            log.write(json.dumps(line | {"texts_per_second": round(rate, 1)}) + "\n")

    def _close(self, seconds: float) -> dict[str, Any]:
        """Write the model with the best weights, its card and the curves; the summary is the last file."""
        if self.best is not None:
            weights, _ = load_checkpoint(self.out / BEST)
            load_trained(self.tuning.trained(), weights)
        after = estimates(self.best["figures"]) if self.best else None
        lines = [json.loads(line) for line in (self.out / LOG).read_text().splitlines()]
        write_curves(self.out / CURVES, lines)
        model = self.out / MODEL
        if model.exists():  # a run that was killed between its last two files
            shutil.rmtree(model)
        done, library = self.tuning.done, self.encoder.library
        card = card_of(self.job, self.policy, self.before, after, done, library)
        save_clip(model, self.encoder, base=self.preset.model, card=card)
        summary = {
            "model": str(model),
            "steps": self.tuning.done,
            "best_step": self.best["step"] if self.best else None,
            "before": numbers(self.before),
            "after": numbers(after),
            "fingerprint": self.encoder.fingerprint,
            "seconds": round(seconds, 1),
            "peak_memory_bytes": peak_memory(),
        }
        with atomic_file(self.out / METRICS) as temporary:
            temporary.write_text(json.dumps(summary, indent=2) + "\n")
        return summary


def _require_frozen_images(encoder: ClipEncoder) -> None:
    image_side = [encoder.model.get_submodule(name) for name in family_of(encoder.model).image_side]
    if any(parameter.requires_grad for part in image_side for parameter in part.parameters()):
        raise OmniNegClipError(
            "train computes image features once, so the image tower must be frozen: set image_layers=none."
        )


def _note(step: Step, rate: float) -> str:
    parts = [f"loss {step.scalars['loss']:.3f}"]
    parts += [
        f"{name.removesuffix('/loss')} {value:.3f}"
        for name, value in step.scalars.items()
        if name.endswith("/loss")
    ]
    return f"{'  '.join(parts)}  {rate:.0f} texts/s"
