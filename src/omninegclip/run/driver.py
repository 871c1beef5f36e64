"""The one training driver: in memory (`tune`), or in a run folder that describes itself (`train`).

A run in a folder can be stopped at any moment: no file is half-written, and when resumed it ends with the
same weights.
"""

import time
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import torch

from omninegclip.clip.device import ComputePlace, choose_device, settle
from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip
from omninegclip.clip.policy import PolicyTable
from omninegclip.data.features import ImageFeatureCache, contents_of
from omninegclip.environment import peak_memory
from omninegclip.errors import DamagedError, OmniNegClipError
from omninegclip.files import JsonObject, free_name
from omninegclip.memory import keep_freed_memory
from omninegclip.progress import console
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
from omninegclip.run.log import open_log, read_log
from omninegclip.run.loop import ResumableTraining, with_bar
from omninegclip.run.summary import card_of, write_curves
from omninegclip.run.validation import Validation
from omninegclip.training.checkpoint import load_checkpoint
from omninegclip.training.cost import RunCost, estimate
from omninegclip.training.distributed import from_first, process_group, rank
from omninegclip.training.finetune import FineTuning, freeze
from omninegclip.training.loop import Step
from omninegclip.training.methods.method import FeatureRows, Trained, TrainingRecords
from omninegclip.training.methods.pairs import Triplets
from omninegclip.training.preset import Preset


class Tuning(NamedTuple):
    """What trained, and every step."""

    policy: PolicyTable
    steps: list[Step]


def tune(
    encoder: ClipEncoder,
    records: TrainingRecords,
    preset: Preset,
    seed: int,
    description: str,
    log: Path | None = None,
) -> Tuning:
    """Fine-tune `encoder` in place on records in memory, with a bar.

    With `log`, where every step is written, the policy is printed; without, as for one run of many, it isn't.

    Raises OmniNegClipError when the preset doesn't fit the model or the data, or the log can't be written.
    """
    torch.manual_seed(seed)
    policy = freeze_texts(encoder, preset)
    if log:
        console.print(f"{description}:", str(policy), sep="\n")
    steps = []
    with open_log(log) if log else nullcontext() as lines:
        for step, _ in with_bar(FineTuning(encoder, records, preset, seed), description):
            steps.append(step)
            if lines:
                lines.write_step(step)
    return Tuning(policy, steps)


def train(job: Job, *, resume: bool) -> JsonObject:
    """Run a job, or what is left of it, and return what `--json` prints.

    Raises:
        OmniNegClipError: the data, the model or the preset don't fit, the folder is occupied or can't be
            written, it holds another run, or another process ended.
        StoppedError: a signal came; everything up to that step is kept.
    """
    place = ComputePlace(choose_device(job.device), job.preset.precision)
    with process_group(place.device), run_folder(job.out, resume) as folder:
        console.quiet = rank() > 0
        settle(place)
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
        policy = freeze_texts(encoder, job.preset)
        console.print(str(policy))
        torch.nn.Module.to(encoder.model, place.device)
        features: FeatureRows = torch.empty(len(data.images), 0)
        if job.preset.method.needs_images or data.held_out:  # which a run validates on
            features = ImageFeatureCache(job.cache, encoder).features(data.images, contents)
        torch.manual_seed(job.seed)
        return Run(job, folder, encoder, policy, *triplets_of(job, encoder, data, features)).finish()


def dry_run(job: Job, throughput: float) -> RunCost:
    """Count what a job will cost at `throughput` operations per second; nothing is written."""
    data = read_data(job)
    encoder = load_clip(job.preset.model, activation=job.activation, tokenizer=job.tokenizer)
    console.print(str(freeze_texts(encoder, job.preset)))
    nothing = torch.empty(len(data.images), 0)
    training, _ = triplets_of(job, encoder, data, nothing)
    return estimate(encoder, training, len(set(data.images)), job.preset, throughput)


class Run:
    """A run in its folder, from its first step or where it was stopped to its model."""

    def __init__(
        self,
        job: Job,
        folder: RunFolder,
        encoder: ClipEncoder,
        policy: PolicyTable,
        training: TrainingRecords,
        held_out: Triplets | None,
    ) -> None:
        """Resume from the last checkpoint, or begin at the first step when there is none or it is damaged.

        Raises OmniNegClipError when the last one is of another run.
        """
        self.job, self.folder, self.encoder, self.policy = job, folder, encoder, policy
        self.tuning = FineTuning(encoder, training, job.preset, job.seed)
        self.validation = Validation(encoder, held_out, job.preset, job.out / BEST)
        self.resumable = ResumableTraining(
            self.tuning,
            job.out / LOG,
            job.out / LAST,
            every=job.preset.checkpoint_every,
            command="the same command with --resume",
            metadata=lambda: self.validation.state() | {"run": folder.run},
        )
        if from_first(self._can_go_on):
            self.validation.restore(self.resumable.restore())

    def finish(self) -> JsonObject:
        """Take the steps that are left, write the model, and say what came of it."""
        started = time.perf_counter()
        self.validation.begin()
        self._take_steps()
        return from_first(lambda: self.close(time.perf_counter() - started))

    def close(self, seconds: float) -> JsonObject:
        """Write the model with the best weights, its card and the curves; the summary is the last file."""
        best, out = self.validation.best, self.job.out
        self.validation.load_best(self.tuning.trained())
        write_curves(out / CURVES, read_log(out / LOG), self.job.preset.minimises.curves)
        library = self.job.preset.method.library or self.encoder.family.library
        card = card_of(self.job, self.policy, self.validation, self.tuning.done, library)
        self._save(card)
        summary = {
            "model": str(out / MODEL),
            "steps": self.tuning.done,
            "best_step": best["step"] if best else None,
            "before": self.validation.before,
            "after": self.validation.after,
            "fingerprint": self.encoder.fingerprint,
            "seconds": round(seconds, 1),
            "peak_memory_bytes": peak_memory(),
        }
        self.folder.finish(summary)
        return summary

    def _can_go_on(self) -> bool:
        """Tell whether there are checkpoints from which the end of this run can be reached."""
        path = self.job.out / LAST
        if not path.exists():
            return False
        try:
            metadata = load_checkpoint(path)[1]
            if difference(metadata.get("run", {}).get("config", {}), self.folder.run["config"]):
                raise OmniNegClipError(
                    f"{path} belongs to another run: move it away to start this run again."
                )
            path = self.validation.path
            self.validation.require_best(metadata["best"], metadata["tuning"]["done"])
        except DamagedError:
            console.print(f"{path} is missing or damaged: the run starts again from its first step.")
            return False
        return True

    def _take_steps(self) -> None:
        every = self.job.preset.validate_every or self.tuning.epoch
        with self._events() as events:
            for step in self.resumable.steps("Fine-tuning", ended=self.validation.gave_up):
                if events:
                    for name, value in step.scalars.items():
                        events.add_scalar(name, value, step.number)
                if not self.resumable.is_due(every):
                    continue
                if figures := self.validation.after_step(step.number, self.tuning.trained()):
                    self.resumable.log.write({"step": step.number, "validation": figures})
                self.resumable.save()
                if self.validation.gave_up:
                    console.print(
                        f"The last {self.validation.since_best} validations were no better: stopping early."
                    )
                    return

    def _events(self) -> Any:
        if not self.job.tensorboard or rank() > 0:
            return nullcontext()
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(self.job.out / EVENTS), purge_step=self.tuning.done)

    def _save(self, card: str) -> None:
        """Write the result; one that a killed process wrote, or somebody changed, gives way to it whole."""
        model = self.job.out / MODEL
        taken = model.exists() or model.is_symlink()
        new = free_name(model) if taken else model
        preset, config = self.job.preset, self.folder.run["config"]
        trained = self.tuning.trained()
        preset.method.save(
            new, Trained(self.encoder, trained, preset.model, config["model_fingerprint"], card)
        )
        if taken:
            self.folder.put_model(new)


def freeze_texts(encoder: ClipEncoder, preset: Preset) -> PolicyTable:
    """Set which parts of the text side train; the image side stays frozen, its features are computed once.

    Raises OmniNegClipError when the preset doesn't fit the model, or lets some of the image tower train.
    """
    policy = freeze(encoder, preset)
    image_side = [encoder.model.get_submodule(path) for path in encoder.family.image_parts.values()]
    if any(parameter.requires_grad for part in image_side for parameter in part.parameters()):
        raise OmniNegClipError(
            "Image features are computed once, so the image tower must be frozen: set image_layers=none."
        )
    return policy
