"""Curves as inline SVG: one small panel per series, legible on light and on dark ground."""

import io
import re
from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from omninegclip.errors import OmniNegClipError

# Matplotlib knows no CSS: it draws with these colours, which then become the page's own.
_LINE, _INK = "#010203", "#040506"
_CSS = {_LINE: "var(--accent, #3b6ea8)", _INK: "currentColor"}
_INCHES = (3.6, 2.3)
_STYLE: dict[Any, object] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 9,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": _INK,
    "grid.alpha": 0.12,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def drawn(scalars: Collection[str], curves: Collection[str]) -> list[str]:
    """Return which of a step's scalars are drawn: the loss, and those that its objective names as curves."""
    return [name for name in ("loss", *curves) if name in scalars]


def training_curves(steps: Sequence[Mapping[str, float]], curves: Collection[str], title: str) -> str:
    """Return the curves of what a log says of its steps: the loss, and what its objective names as curves."""
    names = drawn(steps[0], curves) if steps else []
    series = {name: [(line["step"], line[name]) for line in steps if name in line] for name in names}
    return curves_svg(series, "step", "loss", title)


def curves_svg(
    series: Mapping[str, Sequence[tuple[float, float]]], x_label: str, y_label: str, title: str
) -> str:
    """Return an HTML figure with one SVG per series of (x, y) points, each on its own scale.

    The points are drawn faintly and their running mean over a 25th of the series strongly.
    Raises OmniNegClipError when a series is empty or a point is not finite.
    """
    panels = [_panel(name, _points(name, values), x_label, y_label, title) for name, values in series.items()]
    return f'<figure class="curves"><figcaption>{escape(title)}</figcaption>{"".join(panels)}</figure>'


def _points(name: str, values: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    points = np.array(values, dtype=np.float64).reshape(-1, 2)
    if not len(points) or not np.isfinite(points).all():
        raise OmniNegClipError(f'The curve "{name}" needs at least one point and finite values only.')
    return points


def _panel(name: str, points: NDArray[np.float64], x_label: str, y_label: str, title: str) -> str:
    window = max(1, len(points) // 25)
    x, y = (np.convolve(axis, np.full(window, 1 / window), mode="valid") for axis in points.T)
    with mpl.rc_context({**_STYLE, "svg.hashsalt": f"{title}/{name}"}):
        figure = Figure(figsize=_INCHES, layout="constrained")
        axes = figure.add_subplot(xlabel=x_label, ylabel=y_label)
        axes.plot(*points.T, color=_LINE, alpha=0.3, linewidth=0.8)
        axes.plot(x, y, color=_LINE, linewidth=1.8)
        axes.set_title(name, loc="left", fontsize=10, fontweight="bold")
        axes.set_title(f"{y[0]:.3g} → {y[-1]:.3g}", loc="right", fontsize=9)
        return _inline(figure, f"{title}, {name}: {y_label} from {y[0]:.3g} to {y[-1]:.3g}")


def _inline(figure: Figure, description: str) -> str:
    """Return the SVG alone, scalable, named for screen readers, without ids that two figures would share."""
    buffer = io.StringIO()
    no_metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(buffer, format="svg", transparent=True, metadata=no_metadata)
    svg = buffer.getvalue()
    drawing = svg[svg.index(">", svg.index("<svg")) + 1 :]
    drawing = re.sub(r'<g id="[^"]*"', "<g", drawing)
    for colour, css in _CSS.items():
        drawing = drawing.replace(colour, css)
    width, height = (72 * inches for inches in _INCHES)
    frame = f'xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 {width:g} {height:g}"'
    return f'<svg {frame} role="img" aria-label="{escape(description)}">{drawing}'
