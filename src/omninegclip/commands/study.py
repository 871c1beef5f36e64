"""What `omninegclip study` does: a table on standard output, everything else in a folder."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from omninegclip.clip.io.load import load_clip
from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.scenes import Figures, as_dict
from omninegclip.files import atomic_file, hold
from omninegclip.progress import show
from omninegclip.report import layer_curves
from omninegclip.report.figures import over_seeds, to_csv
from omninegclip.report.plots import plot_csv, plot_grid, plot_layers
from omninegclip.report.scenes import grid_table
from omninegclip.study.grid import StudyCell, run_grid, summary
from omninegclip.study.layers import compare_layers
from omninegclip.study.limits import measure_limits
from omninegclip.study.world import Size
from omninegclip.study.worlds import keep_world, read_world

_OTHERS = (
    "absence choice by a linear probe",
    "absence choice by the plain name",
    "false affirmations above generic",
)


def run_cells(
    title: str,
    cells: Sequence[StudyCell],
    model: str,
    preset: str,
    overrides: Sequence[str],
    seeds: int,
    size: Size,
    out: Path,
    workers: int,
    only: Sequence[str],
    *,
    as_json: bool,
) -> None:
    """Run a grid, write `figures.csv`, `.json` and `.svg` into `out`, and print the table.

    `only` names the cells to run; empty for all. Raises OmniNegClipError as `run_grid` does, for less than
    one seed, and for a cell that the study has not.
    """
    names = [cell.name for cell in cells]
    if unknown := [name for name in only if name not in names]:
        raise OmniNegClipError(f"This study has no cell {unknown[0]!r}: its cells are {', '.join(names)}.")
    cells = [cell for cell in cells if not only or cell.name in only]
    if seeds < 1:
        raise OmniNegClipError(f"--seeds must be 1 or more, not {seeds}.")
    with hold(out):
        results = run_grid(model, preset, overrides, cells, range(seeds), size, out, workers)
        found = summary(results)
        figures = {name: [each.figures for each in outcomes] for name, outcomes in results.items()}
        _write(out / "figures.csv", to_csv(figures, range(seeds)))
        _write(out / "figures.json", json.dumps(found, indent=1) + "\n")
        _write(out / "figures.svg", plot_grid(figures))
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    by_cell = {name: over_seeds(by_seed) for name, by_seed in figures.items()}
    show(grid_table(by_cell, f"{title}; {seeds} seed{'s' if seeds > 1 else ''}"))


def run_limits(model: str, seed: int, size: Size, out: Path, *, as_json: bool) -> None:
    """Measure what no fine-tuning of the text tower can lift: `figures.csv` and `.svg` in `out`, and a table.

    Raises OmniNegClipError when the model is unknown, or `out` can't be written.
    """
    with hold(out):
        summary, by_weight = _limits(model, seed, size, out)
    if as_json:
        sys.stdout.write(json.dumps(summary) + "\n")
        return
    show(grid_table(by_weight, "Composed of two halves, a - w n, told by the templates"))
    table = Table("what the image tower leaves possible", "", box=SIMPLE_HEAD, pad_edge=False)
    table.add_row("largest mean cosine of one vector with the pictures", f"{summary['generic']:.3f}")
    for name in _OTHERS:
        each = summary[name]
        interval = f"[{100 * each['low']:.1f}, {100 * each['high']:.1f}]"
        table.add_row(name, f"{100 * each['value']:.1f} % {interval}")
    show(table)


def _limits(model: str, seed: int, size: Size, out: Path) -> tuple[dict[str, Any], dict[str, Figures]]:
    """Measure, write the files, and return what `--json` prints and the figures of the table."""
    encoder = load_clip(model)
    world = read_world(encoder, keep_world(encoder, out / "worlds", seed, size), seed, size)
    found = measure_limits(encoder, world)
    by_weight = {f"w = {weight:g}": figures for weight, figures in found.composed.items()}
    _write(out / "figures.csv", to_csv({name: [each] for name, each in by_weight.items()}, [seed]))
    _write(out / "figures.svg", plot_grid({name: [each] for name, each in by_weight.items()}))
    others = dict(zip(_OTHERS, (found.probe, found.concept, found.false_affirmation), strict=True))
    summary = {
        "composed": {name: as_dict(figures) for name, figures in by_weight.items()},
        "generic": found.generic,
        **{name: each.as_dict() for name, each in others.items()},
    }
    _write(out / "limits.json", json.dumps(summary, indent=1) + "\n")
    return summary, by_weight


def run_layers(models: Sequence[str], seed: int, count: int, out: Path, *, as_json: bool) -> None:
    """Compare models layer by layer: `layers.csv` and `layers.svg` in `out`, and a table printed."""
    with hold(out):
        curves = compare_layers(models, seed, count)
        _write(out / "layers.csv", layer_curves.to_csv(curves))
        _write(out / "layers.svg", plot_layers(curves))
    depth = {model: len(next(iter(kinds.values()))) for model, kinds in curves.items()}
    if as_json:
        named = {model: layer_curves.names(count) for model, count in depth.items()}
        sys.stdout.write(json.dumps({"layers": named, "cosines": curves}) + "\n")
        return
    table = Table("layer", *(f"{model}: {kind}" for model in curves for kind in curves[model]))
    # by the deepest tower; the output stands last for all
    for row, name in enumerate(layer_curves.names(max(depth.values()))):
        place = dict.fromkeys(curves, -1 if name == "output" else row)
        shown = {model: name == "output" or row < depth[model] - 1 for model in curves}
        table.add_row(
            name,
            *(
                f"{values[place[model]]:.3f}" if shown[model] else ""
                for model, kinds in curves.items()
                for values in kinds.values()
            ),
        )
    show(table)


def run_plot(sources: Sequence[Path], out: Path) -> list[Path]:
    """Write a plot into `out` for every CSV of a study, under its name, and return the paths.

    Raises OmniNegClipError when a file is no CSV of a study, or two have the same name.
    """
    drawn = {out / f"{source.stem}.svg": plot_csv(source) for source in sources}
    if len(drawn) < len(sources):
        raise OmniNegClipError("Two of the CSV files have the same name: plot them into different folders.")
    for path, svg in drawn.items():
        _write(path, svg)
    return list(drawn)


def _write(path: Path, text: str) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(text)
