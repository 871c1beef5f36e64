"""What a run says of itself when it is done: figures, curves, model card."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from omninegclip.clip.policy import PolicyTable
from omninegclip.environment import versions
from omninegclip.evaluation.intervals import Estimate
from omninegclip.files import atomic_file
from omninegclip.report.card import model_card
from omninegclip.report.table import FigureRow
from omninegclip.run.job import Job

COLUMNS = ("before", "after")
TITLES = {
    "presence_accuracy": "Presence accuracy",
    "absence_r1": "R@1 with captions negated by absence",
    "retrieval_r1": "R@1 with plain captions",
}

SHOWN = ("omninegclip", "torch", "transformers")  # of what is installed

ValidationFigures = dict[str, Estimate]


def numbers(figures: ValidationFigures | None) -> dict[str, dict[str, float | int]] | None:
    """Return figures as plain numbers, ready for JSON."""
    return {name: figure.as_dict() for name, figure in figures.items()} if figures else None


def estimates(values: dict[str, dict[str, Any]] | None) -> ValidationFigures | None:
    """Return what `numbers` was made from."""
    return {name: Estimate(**each) for name, each in values.items()} if values else None


def rows(summary: dict[str, Any]) -> list[FigureRow]:
    """Return the figures of a summary as rows of a table; none when nothing was held out."""
    return _rows(estimates(summary["before"]), estimates(summary["after"]))


def _rows(before: ValidationFigures | None, after: ValidationFigures | None) -> list[FigureRow]:
    if not before or not after:
        return []
    return [
        FigureRow(
            title, "held-out pictures", (before[name], after[name]), None, 0.5 if "presence" in name else None
        )
        for name, title in TITLES.items()
    ]


def cut_log(log: BinaryIO, size: int) -> bool:
    """Cut off what a log holds behind `size` bytes, and tell whether it lacked some of them."""
    there = log.seek(0, os.SEEK_END)
    if there < size:  # by some lines, and the last one may be half
        log.seek(0)
        size = log.read().rfind(b"\n") + 1
        there = -1
    log.truncate(size)
    log.seek(0, os.SEEK_END)
    return there < 0


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return the steps in a log, without lines that are no step's."""
    steps = []
    for text in path.read_bytes().splitlines():
        with suppress(ValueError, RecursionError):
            line = json.loads(text)
            if isinstance(line, dict) and {"step", "loss"} <= line.keys():
                steps.append({k: v for k, v in line.items() if isinstance(v, int | float)})
    return steps


def write_curves(path: Path, steps: Sequence[dict[str, Any]], curves: Sequence[str]) -> None:
    """Draw the loss and the curves of its objective, where the extra that draws is installed."""
    with suppress(ModuleNotFoundError):
        from omninegclip.report.curves import curves_svg, drawn

        names = drawn(steps[0], curves) if steps else []
        series = {
            name: [(line["step"], line[name]) for line in steps if name in line and "step" in line]
            for name in names
        }
        with atomic_file(path) as temporary:
            temporary.write_text(curves_svg(series, "step", "loss", "Fine-tuning"))


def card_of(
    job: Job,
    policy: PolicyTable,
    before: ValidationFigures | None,
    after: ValidationFigures | None,
    steps: int,
    library: str,
) -> str:
    """Return the model card of a run, with all that was measured on the way."""
    preset = job.preset
    method = f" Method: {preset.minimises.source}." if preset.minimises.source else ""
    installed = versions()
    return model_card(
        name=job.out.name,
        summary=f"{preset.model}, fine-tuned with the objective {preset.objective} by `omninegclip train`.",
        licence="other",
        base_model=None if Path(preset.model).exists() or "/" not in preset.model else preset.model,
        tags=["omninegclip"],
        rows=_rows(before, after),
        columns=COLUMNS,
        measured_on="Pictures of the training data that were held out; "
        "`omninegclip evaluate` measures on benchmarks."
        if after
        else "Nothing was held out, so nothing was measured: run `omninegclip evaluate`.",
        metadata={
            "preset": job.preset_name,
            "objective": preset.objective,
            "seed": str(job.seed),
            "steps": f"{steps} of {preset.images}",
            "learning rate": f"{preset.learning_rate:g}",
            "parameters that train": f"{policy.trained:,} of {policy.total:,}",
            **{
                name: installed[name]
                for name in ("omninegclip", "torch", "transformers")
                if name in installed
            },
        },
        limits=["Its licence is that of the base model and of the data: say which before you publish it."],
        attribution=f"Base model: {preset.model}.{method}",
        library=library,
    )
