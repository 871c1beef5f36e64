"""What a reproduction will fetch, keep and cost, computed before its first byte."""

import csv
import io
import math
import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from rich.table import Table

from omninegclip.reproduce.recipes import Recipe
from omninegclip.reproduce.sources import Backbone, FileSource, ManualSource, ReleasedModel, SourceTable

# Rows to train on: CC-Neg without its last 40,000, and the most that rules can make of COCO's captions.
CCNEG_ROWS, COCO_CAPTIONS = 188_246, 414_113
TRAIN_IMAGES, CCNEG_IMAGES = 82_783, 228_246
ASKED_IMAGES = 5_000 + 4_952 + 534 + 2 * 440 + 500  # val2017, VOC, VALSE, NegRefCOCOg's crops, POPE
MODEL_COPIES = 5  # a run keeps the model, the best weights, and the last with two moments of AdamW each
GB = 1e9


class TrainingCost(NamedTuple):
    """A training: its steps, and hours on one GPU as far as they are known.

    Attributes:
        recipe: its name.
        steps: at most.
        seconds_per_step: measured for this backbone, or `estimated` from another one; None where nobody
            measured a step of this recipe.
        estimated: whether it is an estimate.
        measured_on: what was measured and where, or what the estimate follows from.
    """

    recipe: str
    steps: int
    seconds_per_step: float | None
    estimated: bool
    measured_on: str

    @property
    def hours(self) -> float | None:
        """Return steps x seconds / 3,600; None where that is not known."""
        return None if self.seconds_per_step is None else self.steps * self.seconds_per_step / 3600


class ReproductionPlan(NamedTuple):
    """What will be done in `work`, and what it takes.

    Attributes:
        work: the folder.
        backbone: the pretrained model.
        files: the files that are fetched.
        there: names of files that are there already.
        manual: what a person has to fetch.
        missing: names of those that are not there.
        released: checkpoints that are evaluated beside.
        trainings: what is trained.
        free: bytes free where `work` will be.
        table: all sources.
    """

    work: Path
    backbone: Backbone
    files: Sequence[FileSource]
    there: frozenset[str]
    manual: Sequence[ManualSource]
    missing: frozenset[str]
    released: Sequence[ReleasedModel]
    trainings: Sequence[TrainingCost]
    free: int
    table: SourceTable

    @property
    def to_fetch(self) -> list[FileSource]:
        """Return the files that are not there yet."""
        return [each for each in self.files if each.name not in self.there]

    @property
    def download_bytes(self) -> int:
        """Return the bytes of all that is fetched and whose size is known, weights included."""
        weights = self.backbone.bytes + sum(
            self.table.backbone(each.base).bytes for each in self.released if each.hub
        )
        return sum(each.bytes for each in self.to_fetch) + weights

    @property
    def disk_bytes(self) -> int:
        """Return the most that lies on the disk at once: photos hardly compress, so an archive counts twice.

        The second time is while it is unpacked; then it is removed.
        """
        largest = max((each.bytes for each in self.to_fetch if each.unpack), default=0)
        runs = MODEL_COPIES * self.backbone.bytes * len(self.trainings)
        training = TRAIN_IMAGES + (0 if "cc-neg" in self.missing else CCNEG_IMAGES)
        features = training * (2 * self.backbone.dim + 64) + ASKED_IMAGES * (4 * self.backbone.dim + 64)
        return self.download_bytes + largest + runs + features

    @property
    def unknown(self) -> list[str]:
        """Return what is not in the totals, since nobody measured or published it."""
        sizes = [f"size of {each.name}" for each in self.to_fetch if not each.bytes]
        hours = [f"training of {each.recipe}" for each in self.trainings if each.hours is None]
        return [*sizes, *hours, "image pass, gate and evaluation on a GPU", "validation while training"]

    def as_dict(self) -> dict[str, object]:
        """Return plain values, ready for JSON."""
        return {
            "work": str(self.work),
            "model": self.backbone.name,
            "backbone": self.backbone.backbone,
            "files": [
                {
                    "name": each.name,
                    "bytes": each.bytes or None,
                    "url": each.url,
                    "sha256": each.sha256 or None,
                    "licence": each.licence,
                    "read": each.read,
                    "there": each.name in self.there,
                }
                for each in self.files
            ],
            "manual": [{**each._asdict(), "there": each.name not in self.missing} for each in self.manual],
            "absent": [each._asdict() for each in self.table.absent],
            "released": [each._asdict() for each in self.released],
            "trainings": [{**each._asdict(), "hours": each.hours} for each in self.trainings],
            "download_bytes": self.download_bytes,
            "disk_bytes": self.disk_bytes,
            "free_bytes": self.free,
            "gpu_hours": sum(each.hours or 0 for each in self.trainings),
            "not_measured": self.unknown,
        }


def make_plan(
    work: Path,
    backbone: Backbone,
    released: Sequence[ReleasedModel],
    recipes: Sequence[Recipe],
    *,
    table: SourceTable,
    there: frozenset[str],
) -> ReproductionPlan:
    """Return the plan; `there` names what lies in `work` already, manual sources included."""
    missing = frozenset(each.name for each in table.manual) - there
    existing = next(each for each in (work, *work.absolute().parents) if each.exists())
    costs = [_cost(recipe, backbone, table, "cc-neg" in missing) for recipe in recipes if backbone.trains]
    return ReproductionPlan(
        work,
        backbone,
        table.files,
        there,
        table.manual,
        missing,
        released,
        costs,
        shutil.disk_usage(existing).free,
        table,
    )


def plan_tables(plan: ReproductionPlan) -> list[Table | str]:
    """Return the plan for a terminal, licences first."""
    made_here = (
        ["CC-Neg is not there: presence-based rows are made by `negate` from COCO's captions and boxes."]
        if "cc-neg" in plan.missing
        else []
    )
    return [
        _files_table(plan),
        _models_table(plan),
        _manual_table(plan),
        *_trainings(plan),
        *made_here,
        f"To fetch {plan.download_bytes / GB:.1f} GB, at most {plan.disk_bytes / GB:.1f} GB on the disk "
        f"({plan.free / GB:.1f} GB are free at {plan.work}).",
        f"Not in these figures, since it is not known: {', '.join(plan.unknown)}.",
        *(f"Not to be had: {each.name}: {each.why}." for each in plan.table.absent),
    ]


def _table(title: str, *columns: str) -> Table:
    """Return an empty table that breaks addresses into lines instead of cutting them."""
    table = Table(title=title)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _files_table(plan: ReproductionPlan) -> Table:
    table = _table("Fetched, each under its licence", "file", "GB", "checksum", "licence", "holds", "from")
    for each in plan.files:
        size = "there" if each.name in plan.there else f"{each.bytes / GB:.3f}" if each.bytes else "?"
        checksum = "public" if each.sha256 else "git's" if each.git else "recorded when fetched"
        table.add_row(each.name, size, checksum, each.licence, each.what, each.url)
    return table


def _models_table(plan: ReproductionPlan) -> Table:
    table = _table("Weights", "model", "GB", "revision", "licence", "from")
    backbone = plan.backbone
    revision = backbone.revision[:8] or "newest, recorded"
    table.add_row(backbone.name, f"{backbone.bytes / GB:.1f}", revision, backbone.licence, "the hub")
    for each in plan.released:
        size = f"{plan.table.backbone(each.base).bytes / GB:.1f}"
        place = f"the hub, {each.hub}" if each.hub else f"by hand: {each.page} -> models/{each.put}"
        table.add_row(f"{each.name} ({each.what})", size, "newest, recorded", each.licence, place)
    return table


def _manual_table(plan: ReproductionPlan) -> Table:
    table = _table("Fetched by you, if you want it", "by hand", "put", "from", "licence", "holds")
    for each in plan.manual:
        name = each.name if each.name in plan.missing else f"{each.name} (there)"
        for place, address in each.files.items():
            table.add_row(name, f"data/{place}", address, each.licence, each.what)
    return table


def _trainings(plan: ReproductionPlan) -> list[Table | str]:
    if not plan.backbone.trains:
        return [f"{plan.backbone.name} is not trained here, but scored with and without the gate."]
    table = _table("Training", "training", "steps at most", "s a step", "GPU hours", "how that is known")
    for each in plan.trainings:
        about = "about " if each.estimated else ""
        seconds = "not known" if each.seconds_per_step is None else f"{about}{each.seconds_per_step:.3f}"
        hours = "not known" if each.hours is None else f"{about}{each.hours:.2f}"
        table.add_row(
            each.recipe, f"{each.steps:,}", seconds, hours, each.measured_on or "nobody measured it"
        )
    return [table]


def _cost(recipe: Recipe, backbone: Backbone, table: SourceTable, made_here: bool) -> TrainingCost:
    """Return what a training costs; of a backbone that nobody measured, by the FLOPs of its text tower.

    Images are embedded before, so a step is the text tower's: 12 blocks in every backbone here, whose
    products grow with the square of the width. The width is the size of an embedding in each of them.
    """
    rows = COCO_CAPTIONS if made_here or recipe.contrast_sets else CCNEG_ROWS
    preset = recipe.preset
    steps = preset.steps or math.floor(rows / preset.batch_size) * (preset.epochs or 0)
    text = (files(__package__) / "rates.csv").read_text("utf-8")
    for rate in csv.DictReader(io.StringIO(text)):
        if rate["recipe"] != recipe.name:
            continue
        seconds, how = float(rate["seconds_per_step"]), rate["measured_on"]
        if rate["backbone"] == backbone.backbone:
            return TrainingCost(recipe.name, steps, seconds, False, how)
        width = next(each.dim for each in table.backbones if each.backbone == rate["backbone"])
        ratio = (backbone.dim / width) ** 2
        basis = (
            f"estimate: {ratio:g} x {seconds:g} s of {rate['backbone']}, by the FLOPs of the text tower, "
            f"{backbone.dim} wide to {width}; that was {how}"
        )
        return TrainingCost(recipe.name, steps, ratio * seconds, True, basis)
    return TrainingCost(recipe.name, steps, None, False, "")
