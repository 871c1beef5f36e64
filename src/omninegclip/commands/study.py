"""The verb `study` and what it compares."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from omninegclip.commands.options import (
    Count,
    Flag,
    JsonTable,
    LlmOptions,
    ModelOptions,
    Paths,
    PresetName,
    Seed,
    Smoke,
    StudyOptions,
    study_size,
)
from omninegclip.printable import say, say_json

if TYPE_CHECKING:
    from omninegclip.study.grid import StudyCell

study = App(
    name="study",
    help="Compare ways of training on the picture world, at the same budget.",
    help_format="markdown",
)
StudyFolder = Annotated[
    Path, Parameter(help="Folder for the study; what is finished there is not run again.")
]


@study.command
def objectives(
    *,
    preset: PresetName = "scenes-paper",
    out: StudyFolder = Path("runs/study-objectives"),
    options: StudyOptions = StudyOptions(),
    llm: LlmOptions = LlmOptions(),
) -> None:
    """Fine-tune with each objective on the same data at the same budget, and compare.

    With a language model, one more cell has sentences read by it.
    """
    from omninegclip.study import cells

    chosen = cells.objectives(llm.endpoint)
    _compare("Objectives, same data and budget", chosen, preset, out, options)


@study.command
def plus(*, out: StudyFolder = Path("runs/study-plus"), options: StudyOptions = StudyOptions()) -> None:
    """Fine-tune with omni-plus, without each of its parts and with other layers, and compare."""
    from omninegclip.study import cells

    _compare("omni-plus, part by part", cells.plus(), cells.PLUS, out, options)


@study.command
def groups(
    *,
    preset: PresetName = "scenes-paper",
    out: StudyFolder = Path("runs/study-groups"),
    each_block: Flag = False,
    options: StudyOptions = StudyOptions(),
) -> None:
    """Fine-tune each third of the text tower alone, the whole and the authors' front, and compare.

    Args:
        each_block: Fine-tune every single block alone as well.
    """
    from omninegclip.clip.io.load import load_clip
    from omninegclip.study import cells

    depth = load_clip(options.start).family.depth if each_block else 0
    chosen = cells.groups(depth, each=each_block)
    _compare("Layer groups of the text tower, same budget", chosen, preset, out, options)


@study.command
def margins(
    *,
    preset: PresetName = "scenes-paper",
    out: StudyFolder = Path("runs/study-margins"),
    options: StudyOptions = StudyOptions(),
) -> None:
    """Fine-tune with other margins of the hinge and other weights of the objective, and compare."""
    from omninegclip.study import cells

    _compare("The hinge and the weights, same budget", cells.margins(), preset, out, options)


@study.command
def layers(
    models: Annotated[list[str], Parameter(consume_multiple=True)],
    /,
    *,
    seed: Seed = 0,
    count: Count = 500,
    weights: ModelOptions = ModelOptions(),
    out: Path = Path("runs/study-layers"),
    json_: JsonTable = False,
) -> None:
    """Show at which layer a caption and its negated form diverge, for one or more models.

    Args:
        models: The CLIPs, such as one before and one after fine-tuning.
        seed: Decides the captions.
        count: Pairs of each kind.
        out: Folder for the CSV and the plots.
    """
    from omninegclip.files import hold
    from omninegclip.progress import show
    from omninegclip.report.layer_curves import as_dict, layer_table
    from omninegclip.study.layers import compare_layers
    from omninegclip.study.outputs import write_layers

    with hold(out):
        curves = compare_layers(weights.named(models), seed, count)
        write_layers(out, curves)
    if json_:
        say_json(as_dict(curves))
    else:
        show(layer_table(curves))


@study.command
def limits(
    *,
    model: str = "scenes-small",
    weights: ModelOptions = ModelOptions(),
    seed: Seed = 0,
    out: Path = Path("runs/study-limits"),
    smoke: Smoke = False,
    json_: JsonTable = False,
) -> None:
    """Measure the limits set by the frozen image tower and by one vector per sentence.

    Args:
        model: The CLIP before fine-tuning.
        seed: Decides the images and the questions.
        out: Folder for figures and plot.
    """
    from omninegclip.clip.io.load import load_clip
    from omninegclip.files import hold
    from omninegclip.progress import show
    from omninegclip.report.scenes import grid_table, limits_table
    from omninegclip.study.limits import measure_limits
    from omninegclip.study.outputs import write_limits
    from omninegclip.study.worlds import keep_world, read_world

    size = study_size(smoke)
    with hold(out):
        encoder = load_clip(*weights.named([model]))
        world = read_world(encoder, keep_world(encoder, out / "worlds", seed, size), seed, size)
        found = measure_limits(encoder, world)
        write_limits(out, found, seed)
    if json_:
        say_json(found.as_dict())
        return
    show(grid_table(found.by_weight(), "Vectors composed as a - w n, the halves given by the templates"))
    show(limits_table(found.generic, found.shares()))


@study.command
def plot(csv: Paths, /, *, out: Path = Path("runs/study-plots")) -> None:
    """Draw the plots of a study again from its CSV files.

    Args:
        csv: CSV files that a study wrote: figures of a grid, or cosines by layer.
        out: Folder for the plots, each as SVG under the name of its CSV.
    """
    from omninegclip.study.outputs import write_plots

    for path in write_plots(out, csv):
        say(path)


def _compare(title: str, cells: "Sequence[StudyCell]", preset: str, out: Path, options: StudyOptions) -> None:
    """Run the cells of a study, or those that were asked for, and print the table."""
    from omninegclip.files import hold
    from omninegclip.progress import show
    from omninegclip.report.figures import over_seeds
    from omninegclip.report.scenes import grid_table
    from omninegclip.study.cells import only
    from omninegclip.study.grid import run_grid, summary, with_presets
    from omninegclip.study.outputs import write_grid

    seeds, size = options.worlds, study_size(options.smoke)
    out = out / "validation" if options.validation else out
    chosen = with_presets(only(cells, options.only), preset, options.overrides)
    with hold(out):
        results = run_grid(options.start, chosen, seeds, size, out, options.workers)
        write_grid(out, results, seeds)
    if options.json_:
        say_json(summary(results))
        return
    by_cell = {name: over_seeds([each.figures for each in found]) for name, found in results.items()}
    show(grid_table(by_cell, f"{title}; {options.seeds} seed{'s' if options.seeds > 1 else ''}"))
