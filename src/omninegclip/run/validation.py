"""What the held-out part of the data says of a run: before it, and of the best weights so far."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.errors import DamagedError, OmniNegClipError
from omninegclip.evaluation.intervals import Estimate
from omninegclip.evaluation.validation import metric, validate
from omninegclip.files import JsonObject
from omninegclip.training.checkpoint import load_checkpoint, load_trained, save_checkpoint
from omninegclip.training.distributed import from_first, rank
from omninegclip.training.methods.pairs import Triplets
from omninegclip.training.preset import Preset

Figures = dict[str, JsonObject]  # as JSON has them


class Validation:
    """The figures of a run on data that it doesn't learn from; none where nothing is held out.

    Attributes:
        before: figures of the base model.
        best: `step`, `reached` and `figures` of the best weights, which lie in a file of their own.
        since_best: how often the weights were no better than those.
    """

    def __init__(self, encoder: ClipEncoder, held_out: Triplets | None, preset: Preset, path: Path) -> None:
        """Keep the best weights in `path`."""
        self.before: Figures | None = None
        self.best: JsonObject | None = None
        self.since_best = 0
        self.path = path
        self._encoder, self._held_out, self._preset = encoder, held_out, preset

    @property
    def after(self) -> Figures | None:
        """The figures of the best weights."""
        return self.best["figures"] if self.best else None

    @property
    def gave_up(self) -> bool:
        """Whether the weights got no better for as long as the preset has patience."""
        return self._preset.patience is not None and self.since_best >= self._preset.patience

    def begin(self) -> None:
        """Measure the base model, unless that is done."""
        if self.before is None and self._held_out is not None:
            self.before = numbers(self._measure(self._held_out))

    def after_step(self, step: int, trained: Mapping[str, Tensor]) -> dict[str, float]:
        """Measure, keep the weights if they are the best so far, and return what the log says of it."""
        if self._held_out is None:
            return {}
        figures = self._measure(self._held_out)
        reached = metric(figures, self._preset.validate_metric)
        self.since_best += 1
        if self.best is None or reached > self.best["reached"]:
            self.best = {"step": step, "reached": reached, "figures": numbers(figures)}
            self.since_best = 0
            if rank() == 0:
                save_checkpoint(self.path, trained, self.best)
        return {name: figure.value for name, figure in figures.items()} | {"chosen_by": reached}

    def state(self) -> JsonObject:
        """Return what the checkpoint of a step keeps."""
        return {"before": self.before, "best": self.best, "since_best": self.since_best}

    def restore(self, metadata: JsonObject) -> None:
        """Continue from where `state` was taken."""
        self.before, self.best = metadata["before"], metadata["best"]
        self.since_best = metadata["since_best"]

    def require_best(self, best: JsonObject | None, done: int) -> None:
        """Raise DamagedError unless the best weights of a checkpoint after `done` steps are there."""
        if best is None:
            return
        kept = load_checkpoint(self.path)[1]
        # one that was written after the checkpoint will be written again on the way
        if kept != best and kept.get("step", -1) < done:
            raise DamagedError(f"{self.path} does not hold the best weights of this run.")

    def load_best(self, into: Mapping[str, Tensor]) -> None:
        """Put the best weights into the model, if there are any.

        Raises OmniNegClipError when they are not what was written.
        """
        if self.best is None:
            return
        weights, metadata = load_checkpoint(self.path)
        if metadata != self.best:
            raise OmniNegClipError(
                f"{self.path} was changed: the same command with --resume starts the run again."
            )
        load_trained(into, weights)

    def _measure(self, held_out: Triplets) -> dict[str, Estimate]:
        return from_first(lambda: validate(self._encoder, held_out))


def numbers(figures: Mapping[str, Estimate]) -> Figures:
    """Return figures as plain numbers, ready for JSON."""
    return {name: figure.as_dict() for name, figure in figures.items()}
