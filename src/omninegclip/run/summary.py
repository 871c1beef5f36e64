"""What a finished run writes: figures, curves, model card."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from omninegclip.clip.policy import PolicyTable
from omninegclip.environment import versions
from omninegclip.evaluation.intervals import Estimate
from omninegclip.files import JsonObject, write_text
from omninegclip.report.card import ModelCard
from omninegclip.report.table import FigureRow
from omninegclip.run.folder import MODEL
from omninegclip.run.job import Job
from omninegclip.run.validation import Figures, Validation
from omninegclip.training.preset import Preset

COLUMNS = ("before", "after")
TITLES = {
    "presence_accuracy": "Presence accuracy",
    "absence_r1": "R@1 with absence-based captions",
    "retrieval_r1": "R@1 with plain captions",
}

SHOWN = ("omninegclip", "torch", "transformers")  # of what is installed


def rows(summary: JsonObject) -> list[FigureRow]:
    """Return the figures of a summary as rows of a table; none when nothing was held out."""
    return _rows(summary["before"], summary["after"])


def _rows(before: Figures | None, after: Figures | None) -> list[FigureRow]:
    if not before or not after:
        return []
    return [
        FigureRow(
            title,
            "held-out images",
            (Estimate(**before[name]), Estimate(**after[name])),
            None,
            0.5 if "presence" in name else None,
        )
        for name, title in TITLES.items()
    ]


def write_curves(path: Path, steps: Sequence[Mapping[str, float]], curves: Sequence[str]) -> None:
    """Draw the loss and the curves of its objective, where the extra that draws is installed."""
    with suppress(ModuleNotFoundError):
        from omninegclip.report.curves import training_curves

        write_text(path, training_curves(steps, curves, "Fine-tuning"))


def facts(preset: Preset, policy: PolicyTable, seed: int, steps: int, **more: str) -> dict[str, str]:
    """Return what a reader needs to judge or repeat a run, with `more` between settings and versions."""
    installed = versions()
    return {
        "objective": preset.objective,
        "seed": str(seed),
        "steps": f"{steps} of {preset.images}",
        "learning rate": f"{preset.learning_rate:g}",
        "trained parameters": f"{policy.trained:,} of {policy.total:,}",
        **more,
        **{name: installed[name] for name in SHOWN if name in installed},
    }


def card_of(job: Job, policy: PolicyTable, validation: Validation, steps: int, library: str) -> str:
    """Return the model card of a run, with all that was measured on the way."""
    preset = job.preset
    method = f" Method: {preset.minimises.source}." if preset.minimises.source else ""
    return ModelCard(
        name=job.out.name,
        place=job.out / MODEL,
        summary=f"{preset.model}, fine-tuned with the objective {preset.objective} by `omninegclip train`.",
        base_model=None if Path(preset.model).exists() or "/" not in preset.model else preset.model,
        rows=_rows(validation.before, validation.after),
        columns=COLUMNS,
        measured_on="Images of the training data that were held out; "
        "`omninegclip evaluate` measures on benchmarks."
        if validation.after
        else "Nothing was held out, so nothing was measured: run `omninegclip evaluate`.",
        metadata={"preset": job.preset_name, **facts(preset, policy, job.seed, steps)},
        limits=["Its licence is that of the base model and of the data: say which before you publish it."],
        attribution=f"Base model: {preset.model}.{method}",
        library=library,
    ).markdown()
