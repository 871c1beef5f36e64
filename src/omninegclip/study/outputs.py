"""The files of a study: every figure as CSV and JSON, and its plot."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from omninegclip.errors import OmniNegClipError
from omninegclip.files import write_text
from omninegclip.report import layer_curves
from omninegclip.report.figures import to_csv
from omninegclip.report.plots import plot_csv, plot_grid, plot_layers
from omninegclip.study.grid import Results, summary
from omninegclip.study.limits import Limits


def write_grid(out: Path, results: Results, seeds: Sequence[int]) -> None:
    """Write `figures.csv`, `.json` and `.svg` of a grid into `out`."""
    figures = {name: [each.figures for each in outcomes] for name, outcomes in results.items()}
    write_text(out / "figures.csv", to_csv(figures, seeds))
    write_text(out / "figures.json", json.dumps(summary(results), indent=1) + "\n")
    write_text(out / "figures.svg", plot_grid(figures))


def write_limits(out: Path, limits: Limits, seed: int) -> None:
    """Write `figures.csv` and `.svg` of the composed vectors, and all limits as `limits.json`."""
    figures = {name: [each] for name, each in limits.by_weight().items()}
    write_text(out / "figures.csv", to_csv(figures, [seed]))
    write_text(out / "figures.svg", plot_grid(figures))
    write_text(out / "limits.json", json.dumps(limits.as_dict(), indent=1) + "\n")


def write_layers(out: Path, curves: Mapping[str, layer_curves.Curves]) -> None:
    """Write `layers.csv` and `layers.svg` into `out`."""
    write_text(out / "layers.csv", layer_curves.to_csv(curves))
    write_text(out / "layers.svg", plot_layers(curves))


def write_plots(out: Path, sources: Sequence[Path]) -> list[Path]:
    """Write a plot into `out` for every CSV of a study, under its name, and return the paths.

    Raises OmniNegClipError when a file is no CSV of a study, or two have the same name.
    """
    drawn = {out / f"{source.stem}.svg": plot_csv(source) for source in sources}
    if len(drawn) < len(sources):
        raise OmniNegClipError("Two of the CSV files have the same name: plot them into different folders.")
    for path, svg in drawn.items():
        write_text(path, svg)
    return list(drawn)
