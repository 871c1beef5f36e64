"""What `omninegclip study` does: a table on standard output, everything else in a folder."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_file
from omninegclip.report.curves import curves_svg
from omninegclip.report.scenes import grid_table
from omninegclip.study.grid import Cell, over_seeds, run_grid, summary, to_csv
from omninegclip.study.layers import compare_layers
from omninegclip.study.world import Size


def run_cells(
    title: str,
    cells: Sequence[Cell],
    model: str,
    preset: str,
    overrides: Sequence[str],
    seeds: int,
    size: Size,
    out: Path,
    workers: int,
    *,
    as_json: bool,
) -> None:
    """Run a grid, write `figures.csv` and `figures.json` into `out`, and print the table.

    Raises OmniNegClipError as `run_grid` does, and for less than one seed.
    """
    if seeds < 1:
        raise OmniNegClipError(f"--seeds must be 1 or more, not {seeds}.")
    results = run_grid(model, preset, overrides, cells, range(seeds), size, out, workers)
    found = summary(results)
    with atomic_file(out / "figures.csv") as temporary:
        temporary.write_text(to_csv(results, range(seeds)))
    with atomic_file(out / "figures.json") as temporary:
        temporary.write_text(json.dumps(found, indent=1) + "\n")
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    by_cell = {name: over_seeds(outcomes) for name, outcomes in results.items()}
    _print(grid_table(by_cell, f"{title}; {seeds} seed{'s' if seeds > 1 else ''}"))


def run_layers(models: Sequence[str], seed: int, count: int, out: Path, *, as_json: bool) -> None:
    """Compare models layer by layer: a CSV and a plot per model in `out`, and a table printed."""
    curves = compare_layers(models, seed, count)
    lines = ["model,pair,layer,cosine"]
    table = Table("layer", *(f"{model}: {kind}" for model in models for kind in curves[model]))
    columns = [values for model in models for values in curves[model].values()]
    depth = len(columns[0])
    names = ["embeddings", *(f"block {number}" for number in range(depth - 2)), "output"]
    for model in models:
        for kind, values in curves[model].items():
            lines += [f"{model},{kind},{name},{value:.6f}" for name, value in zip(names, values, strict=True)]
    for row, name in enumerate(names):
        table.add_row(name, *(f"{values[row]:.3f}" for values in columns))
    with atomic_file(out / "layers.csv") as temporary:
        temporary.write_text("\n".join(lines) + "\n")
    for number, model in enumerate(models, 1):
        series = {kind: list(enumerate(values)) for kind, values in curves[model].items()}
        with atomic_file(out / f"layers-{number}.svg") as temporary:
            temporary.write_text(curves_svg(series, "blocks", "cosine", model))
    if as_json:
        sys.stdout.write(json.dumps({"layers": names, "cosines": curves}) + "\n")
    else:
        _print(table)


def _print(table: Table) -> None:
    Console(width=None if sys.stdout.isatty() else 160).print(table)
