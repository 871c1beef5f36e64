"""Plots of a study's CSV, as SVG on white ground in colours that the colour-blind can tell apart."""

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.scenes import CHANCE, Figures
from omninegclip.report import figures, layer_curves
from omninegclip.report.scenes import GROUPS, TITLES, grid_metrics

# Of Okabe and Ito, with a marker each, so that colour is never all that differs.
_SERIES = (("#0072b2", "o"), ("#d55e00", "s"), ("#009e73", "^"), ("#cc79a7", "D"), ("#e69f00", "v"))
_STYLE: dict[Any, object] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "omninegclip",
    "text.parse_math": False,
    "font.size": 9,
    "font.sans-serif": ["DejaVu Sans"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "ytick.left": False,  # the grid says it
    "grid.alpha": 0.25,
}
_PANELS_IN_A_ROW = 4


def plot_csv(path: Path) -> str:
    """Return the plot, as SVG, of a CSV that a study wrote: `figures.csv` of a grid, or `layers.csv`.

    Raises OmniNegClipError when it is neither, or a row can't be read.
    """
    with path.open() as file:
        columns = tuple(file.readline().strip().split(","))
    if columns == figures.COLUMNS:
        return plot_grid(figures.read_csv(path))
    if columns == layer_curves.COLUMNS:
        return plot_layers(layer_curves.read_csv(path))
    raise OmniNegClipError(
        f"{path} is no CSV of a study: its first line must be {','.join(figures.COLUMNS)} "
        f"or {','.join(layer_curves.COLUMNS)}."
    )


def plot_grid(cells: Mapping[str, Sequence[Figures]]) -> str:
    """Return a panel per metric with a line per cell: figures and 95 % intervals, over seeds if several.

    Seen and held-out objects have a colour each; what guessing scores is a dashed line.
    """
    means = {name: figures.over_seeds(by_seed) for name, by_seed in cells.items()}
    seeds = max(map(len, cells.values()))
    metrics = grid_metrics(means)
    rows = -(-len(metrics) // _PANELS_IN_A_ROW)
    columns = min(len(metrics), _PANELS_IN_A_ROW)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(2.2 + 2.2 * columns, rows * (0.9 + 0.24 * len(cells))), layout="constrained")
        panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
        for metric, axes in zip(metrics, panels.flat, strict=False):
            _grid_panel(axes, metric, means)
        for axes in panels.flat[len(metrics) :]:
            axes.remove()
        over = f"mean of {seeds} seeds, 95 % interval" if seeds > 1 else "one seed, 95 % interval over items"
        _legend(figure, panels[0, 0], f"per cent, {over}; dashed: guessing")
        return _svg(figure)


def plot_layers(curves: Mapping[str, layer_curves.Curves]) -> str:
    """Return a panel per kind of pair with a line per model: the mean cosine after every layer."""
    names = {model: layer_curves.names(len(next(iter(kinds.values())))) for model, kinds in curves.items()}
    kinds = list(next(iter(curves.values())))
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(0.8 + 2.9 * len(kinds), 3.2), layout="constrained")
        panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
        for kind, axes in zip(kinds, panels, strict=True):
            for number, (model, by_kind) in enumerate(curves.items()):
                colour, marker = _SERIES[number % len(_SERIES)]
                depth = np.linspace(0, 1, len(by_kind[kind]))
                axes.plot(depth, by_kind[kind], color=colour, marker=marker, markersize=4, label=model)
            axes.set_title(kind, loc="left", fontsize=10)
            shown = next(iter(names.values()))
            if all(each == shown for each in names.values()):
                axes.set_xticks(np.linspace(0, 1, len(shown)), shown, rotation=90)
            else:  # towers of different depth share the two ends
                axes.set_xticks([0, 1], [shown[0], shown[-1]])
        _legend(figure, panels[0], "mean cosine of the two texts at the end-of-text token, after each layer")
        return _svg(figure)


def _grid_panel(axes: Axes, metric: str, means: Mapping[str, Figures]) -> None:
    lines = {name: line for line, name in enumerate(means) if metric in means[name]}
    has = means[next(iter(lines))][metric]
    groups = [group for group in ("seen", "held_out", "last_step") if group in has]
    for number, group in enumerate(groups):
        colour, marker = _SERIES[number]
        value, low, high = 100 * np.array([means[name][metric][group][:3] for name in lines]).T
        offset = 0.16 * (2 * number - 1) if len(groups) > 1 else 0.0
        axes.errorbar(
            value,
            np.array(list(lines.values())) + offset,
            xerr=np.maximum(0, [value - low, high - value]),
            color=colour,
            marker=marker,
            linestyle="none",
            markersize=4,
            elinewidth=1.4,
            label=GROUPS.get(group),
        )
    if metric in CHANCE:
        axes.axvline(100 * CHANCE[metric], color="#777777", linestyle="--", linewidth=1)
    axes.set_title(TITLES[metric], loc="left", fontsize=10)
    axes.set_yticks(range(len(means)), list(means))
    axes.set_ylim(len(means) - 0.5, -0.5)


def _legend(figure: Figure, axes: Axes, title: str) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, title=title)


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
    # half of matplotlib's SVG is indentation and comments, and much of the rest digits that nobody can see
    plain = re.sub(r"<!--.*?-->|(?<=\n)\s+", "", buffer.getvalue())
    return re.sub(r"(\d\.\d\d)\d+", r"\1", plain)
