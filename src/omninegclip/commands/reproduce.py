"""The verb `reproduce`."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from omninegclip.commands.options import DeviceOptions, Flag, Json, Overrides, Processes, Seed
from omninegclip.printable import say, say_json

if TYPE_CHECKING:
    from omninegclip.reproduce.plan import ReproductionPlan
    from omninegclip.reproduce.recipes import Recipe
    from omninegclip.reproduce.sources import SourceTable


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """Which public files, and from where.

    Attributes:
        mirror: YAML file with other addresses, as in coco-val2017: {url: http://here/val2017.zip}.
        skip: Name of a file to do without; may be repeated.
        released: Score released checkpoints that were fine-tuned from the model beside it: all, or none.
    """

    mirror: Path | None = None
    skip: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    released: Literal["all", "none"] = "all"

    @property
    def table(self) -> "SourceTable":
        """Return the sources that are left."""
        from omninegclip.reproduce.sources import load_sources

        table = load_sources() if self.mirror is None else load_sources().mirrored(self.mirror)
        return table.without(self.skip)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RecipeOptions:
    """What is trained.

    Attributes:
        objectives: Trainings, with commas between: paper (its recipe as its code runs it), any objective
            (omni, omni-plus, negclip, ...) under the preset omni-vitb32, or none.
        seed: Decides the order of the data, and the images that calibrate the gate.
        processes: Worker processes that write negations; one per core when not given.
    """

    objectives: str = "paper,omni"
    set_: Overrides = ()
    seed: Seed = 0
    processes: Processes | None = None

    def recipes(self, model: str) -> "list[Recipe]":
        """Return the trainings that start from `model`."""
        from omninegclip.reproduce.recipes import make_recipes

        return make_recipes([name.strip() for name in self.objectives.split(",")], model, self.set_)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ReproduceOptions:
    """How far to go.

    Attributes:
        stage: Do this stage alone; all of them, in this order, when not given.
        work: Folder for everything; what is done there is not done again.
        dry_run: Print licences, downloads, disk and GPU hours, and do nothing else.
    """

    stage: Literal["data", "features", "train", "evaluate", "report"] | None = None
    work: Path = Path("reproduction")
    dry_run: Flag = False


def reproduce(
    *,
    model: str = "openai/clip-vit-base-patch32",
    options: ReproduceOptions = ReproduceOptions(),
    recipes: RecipeOptions = RecipeOptions(),
    sources: SourceOptions = SourceOptions(),
    device: DeviceOptions = DeviceOptions(),
    json_: Json = False,
) -> None:
    """Reproduce the paper on a real CLIP: fetch, train, evaluate, and report beside published figures.

    Licences are shown first. A stopped run is continued by the same command (docs/reproduce.md).

    Args:
        model: A pretrained model of the hub, as openai/clip-vit-large-patch14.
    """
    from omninegclip.files import hold, refuse_no_folder
    from omninegclip.progress import console, show
    from omninegclip.reproduce.plan import plan_tables

    refuse_no_folder(options.work)
    chosen = recipes.recipes(model)
    plan = _plan(model, options.work, sources, chosen)
    if options.dry_run:
        if json_:
            say_json(plan.as_dict(), indent=2)
        else:
            show(*plan_tables(plan))
        return
    from omninegclip.reproduce.download import require_space
    from omninegclip.reproduce.stages import Reproduction, Stages

    with hold(options.work):
        if plan.to_fetch:
            for part in plan_tables(plan):
                console.print(part)
            require_space(plan.download_bytes, options.work)
        processes = recipes.processes or os.cpu_count() or 1
        asked = Reproduction(plan, chosen, device.place, recipes.seed, processes)
        report = Stages(asked).run(options.stage)
    if json_:
        say_json({"work": str(options.work), "report": str(report) if report else None})
    elif report:
        say(report)


def _plan(model: str, work: Path, sources: SourceOptions, recipes: "list[Recipe]") -> "ReproductionPlan":
    from omninegclip.reproduce.download import is_put, is_there
    from omninegclip.reproduce.plan import make_plan

    table = sources.table
    backbone = table.backbone(model)
    beside = table.released if sources.released == "all" else ()
    released = [each for each in beside if each.base == backbone.name]
    there = {each.name for each in table.files if is_there(each, work)}
    there |= {each.name for each in table.manual if is_put(each, work)}
    return make_plan(work, backbone, released, recipes, table=table, there=frozenset(there))
