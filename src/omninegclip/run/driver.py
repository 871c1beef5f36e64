"""The verb `train`: from records to a fine-tuned model, in a run folder that describes itself.

A run can be stopped at any moment: what is in its folder is whole, and the same run taken up again ends with
the same weights.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import Any, BinaryIO

import torch

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip
from omninegclip.clip.io.save import save_clip
from omninegclip.clip.policy import PolicyTable
from omninegclip.data.features import ImageFeatureCache, contents_of
from omninegclip.environment import peak_memory
from omninegclip.errors import DamagedError, OmniNegClipError, StoppedError
from omninegclip.evaluation.validation import metric, validate
from omninegclip.files import append_to
from omninegclip.memory import keep_freed_memory
from omninegclip.progress import console, progress
from omninegclip.run.folder import (
    BEST,
    CURVES,
    EVENTS,
    LAST,
    LOG,
    MODEL,
    RunFolder,
    config_of,
    difference,
    run_folder,
)
from omninegclip.run.job import Job, read_data, triplets_of
from omninegclip.run.signals import Signals
from omninegclip.run.summary import (
    ValidationFigures,
    card_of,
    cut_log,
    estimates,
    numbers,
    read_log,
    write_curves,
)
from omninegclip.training.checkpoint import load_checkpoint, save_checkpoint
from omninegclip.training.cost import RunCost, estimate
from omninegclip.training.distributed import any_process, from_first, process_group, rank
from omninegclip.training.finetune import FineTuning, freeze, load_trained
from omninegclip.training.loop import Step
from omninegclip.training.methods.method import TrainingRecords
from omninegclip.training.methods.pairs import Triplets


def train(job: Job, *, resume: bool) -> dict[str, Any]:
    """Run a job, or what is left of it, and return what `--json` prints.

    Raises:
        OmniNegClipError: the data, the model or the preset don't fit, the folder is occupied or can't be
            written, it holds another run, or another process ended.
        StoppedError: a signal came; everything up to that step is kept.
    """
    with process_group() as device, run_folder(job.out, resume) as folder:
        console.quiet = rank() > 0
        if job.tensorboard:
            import_module("torch.utils.tensorboard")  # an extra: missed now, not after the first step
        keep_freed_memory()
        data = read_data(job)
        encoder = load_clip(job.preset.model, activation=job.activation, tokenizer=job.tokenizer)
        contents = from_first(lambda: contents_of(data.images))
        folder.same_run(config_of(job, encoder, data, contents))
        if done := from_first(folder.finished):
            console.print(f"This run is finished: {job.out / MODEL}.")
            return done
        policy = freeze(encoder, job.preset)
        console.print(str(policy))
        torch.nn.Module.to(encoder.model, device)
        _require_frozen_images(encoder)
        features = ImageFeatureCache(job.cache, encoder).features(data.images, contents)
        torch.manual_seed(job.seed)
        return _Run(job, folder, encoder, policy, *triplets_of(job, encoder, data, features)).finish()


def dry_run(job: Job, throughput: float) -> RunCost:
    """Count what a job will cost at `throughput` operations per second; nothing is written."""
    data = read_data(job)
    encoder = load_clip(job.preset.model, activation=job.activation, tokenizer=job.tokenizer)
    console.print(str(freeze(encoder, job.preset)))
    _require_frozen_images(encoder)
    nothing = torch.empty(len(data.images), 0)
    training, _ = triplets_of(job, encoder, data, nothing)
    return estimate(encoder, training, len(set(data.images)), job.preset, throughput)


class _Run:
    """A run between its first step and its last: log, validation, checkpoints."""

    def __init__(
        self,
        job: Job,
        folder: RunFolder,
        encoder: ClipEncoder,
        policy: PolicyTable,
        training: TrainingRecords,
        held_out: Triplets | None,
    ) -> None:
        self.job, self.preset, self.out, self.folder = job, job.preset, job.out, folder
        self.encoder, self.policy, self.held_out = encoder, policy, held_out
        self.tuning = FineTuning(encoder, training, job.preset, job.seed)
        self.before: ValidationFigures | None = None
        self.best: dict[str, Any] | None = None
        self.since_best = 0
        self.log_bytes = 0
        self._restore()

    def _restore(self) -> None:
        """Go on where the last checkpoint was taken; without one that is whole, from the first step."""
        if not from_first(self._can_go_on):
            return
        tensors, metadata = load_checkpoint(self.out / LAST)
        self.tuning.restore(tensors, metadata["tuning"])
        self.before = estimates(metadata["before"])
        self.best, self.since_best = metadata["best"], metadata["since_best"]
        self.log_bytes = metadata["log_bytes"]
        console.print(f"Going on after step {self.tuning.done} of {self.tuning.total}.")

    def _can_go_on(self) -> bool:
        """Tell whether there are checkpoints from which the end of this run can be reached.

        Raises OmniNegClipError when the last one is of another run.
        """
        path = self.out / LAST
        if not path.exists():
            return False
        try:
            metadata = load_checkpoint(path)[1]
            if difference(metadata.get("run", {}).get("config", {}), self.folder.run["config"]):
                raise OmniNegClipError(f"{path} is of another run: move it elsewhere to begin this run anew.")
            if metadata["best"] is not None:
                path = self.out / BEST
                best = load_checkpoint(path)[1]
                # one that was written after the last checkpoint will be written again on the way
                if best != metadata["best"] and best.get("step", -1) < metadata["tuning"]["done"]:
                    raise DamagedError(f"{path} is not the best of this run.")
        except DamagedError:
            console.print(f"{path} is lost or damaged: the run begins anew.")
            return False
        return True

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
                if log:
                    line = {"step": step.number, "learning_rate": step.learning_rate, **step.scalars}
                    _write_line(log, line | {"texts_per_second": round(rate, 1)})
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

    def _validated(self) -> ValidationFigures:
        assert self.held_out is not None  # noqa: S101 -- for the type checker: callers looked
        held_out = self.held_out
        return from_first(lambda: validate(self.encoder, held_out))

    def _keep_best(self, log: BinaryIO | None, step: int) -> None:
        """Validate, and keep the weights if they are the best so far."""
        figures = self._validated()
        reached = metric(figures, self.preset.validate_metric)
        if log:
            named = {name: figure.value for name, figure in figures.items()}
            _write_line(log, {"step": step, "validation": named | {"chosen_by": reached}})
        if self.best is not None and reached <= self.best["reached"]:
            self.since_best += 1
            return
        self.best = {"step": step, "reached": reached, "figures": numbers(figures)}
        self.since_best = 0
        if rank() == 0:
            save_checkpoint(self.out / BEST, self.tuning.trained(), self.best)

    def _checkpoint(self, log: BinaryIO | None) -> None:
        if log is None:
            return
        log.flush()
        tensors, tuning = self.tuning.state()
        metadata = {
            "tuning": tuning,
            "before": numbers(self.before),
            "best": self.best,
            "since_best": self.since_best,
            "log_bytes": log.tell(),
            "run": self.folder.run,
        }
        save_checkpoint(self.out / LAST, tensors, metadata)

    @contextmanager
    def _log(self) -> Iterator[BinaryIO | None]:
        """Open the log behind the last line that the checkpoint knows of; only the first process has one."""
        if rank() > 0:
            yield None
            return
        with append_to(self.out / LOG) as log:
            if cut_log(log, self.log_bytes):
                console.print(
                    f"{self.out / LOG} lacks some of the first {self.tuning.done} steps: "
                    "the weights don't depend on it, and the run goes on.",
                )
            yield log

    def _events(self) -> Any:
        if not self.job.tensorboard or rank() > 0:
            return nullcontext()
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(self.out / EVENTS), purge_step=self.tuning.done)

    def _close(self, seconds: float) -> dict[str, Any]:
        """Write the model with the best weights, its card and the curves; the summary is the last file."""
        if self.best is not None:
            weights, metadata = load_checkpoint(self.out / BEST)
            if metadata != self.best:
                raise OmniNegClipError(
                    f"{self.out / BEST} is not what was written: the same command with --resume begins anew."
                )
            load_trained(self.tuning.trained(), weights)
        after = estimates(self.best["figures"]) if self.best else None
        write_curves(self.out / CURVES, read_log(self.out / LOG), self.preset.minimises.curves)
        done, library = self.tuning.done, self.encoder.family.library
        card = card_of(self.job, self.policy, self.before, after, done, library)
        self._save(card)
        summary = {
            "model": str(self.out / MODEL),
            "steps": self.tuning.done,
            "best_step": self.best["step"] if self.best else None,
            "before": numbers(self.before),
            "after": numbers(after),
            "fingerprint": self.encoder.fingerprint,
            "seconds": round(seconds, 1),
            "peak_memory_bytes": peak_memory(),
        }
        self.folder.finish(summary)
        return summary

    def _save(self, card: str) -> None:
        """Write the model; one that a killed process wrote, or somebody changed, gives way to it whole."""
        model = self.out / MODEL
        taken = model.exists() or model.is_symlink()
        new = self.folder.free_name() if taken else model
        save_clip(new, self.encoder, base=self.preset.model, card=card)
        if taken:
            self.folder.put_model(new)


def _require_frozen_images(encoder: ClipEncoder) -> None:
    image_side = [encoder.model.get_submodule(path) for path in encoder.family.image_parts.values()]
    if any(parameter.requires_grad for part in image_side for parameter in part.parameters()):
        raise OmniNegClipError(
            "train computes image features once, so the image tower must be frozen: set image_layers=none."
        )


def _write_line(log: BinaryIO, values: dict[str, Any]) -> None:
    log.write(json.dumps(values).encode() + b"\n")


def _note(step: Step, rate: float) -> str:
    parts = [f"loss {step.scalars['loss']:.3f}"]
    parts += [
        f"{name.removesuffix('/loss')} {value:.3f}"
        for name, value in step.scalars.items()
        if name.endswith("/loss")
    ]
    return f"{'  '.join(parts)}  {rate:.0f} texts/s"
