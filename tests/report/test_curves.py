import math
import re
from xml.etree import ElementTree

import pytest

from omninegclip.errors import OmniNegClipError
from omninegclip.report.curves import curves_svg


def test_one_panel_per_series_with_its_name_and_ends() -> None:
    line = [(step, 4.0 - step / 10) for step in range(11)]
    html = curves_svg({"L1 <$>": line, "L2": line[:3]}, "step", "loss", "Parts & whole")
    figure = ElementTree.fromstring(html)  # noqa: S314 - our own
    panels = figure.findall("svg")
    assert [panel.get("aria-label") for panel in panels] == [
        "Parts & whole, L1 <$>: loss from 4 to 3",
        "Parts & whole, L2: loss from 4 to 3.8",
    ]
    texts = {text.text for text in panels[0].iter("text")}
    assert {"L1 <$>", "4 → 3", "step", "loss"} <= texts


def test_the_drawing_takes_its_colours_from_the_page() -> None:
    svg = curves_svg({"loss": [(0, 1), (1, 0)]}, "step", "loss", "Loss")
    assert "var(--accent" in svg
    assert "currentColor" in svg
    assert not re.search(
        r"#0[0-9a-f]{5}\b", svg
    )  # no colour of the drawing itself is left, dark grounds would hide it


def test_a_long_series_is_smoothed_to_its_running_mean() -> None:
    noisy = [(step, 1.0 + (-1) ** step) for step in range(1000)]  # mean 1
    assert "from 1 to 1" in curves_svg({"loss": noisy}, "step", "loss", "Loss")


def test_ids_are_unique_across_figures_and_drawings_deterministic() -> None:
    series = {"a": [(0.0, 1.0), (1.0, 2.0)], "b": [(0.0, 1.0), (1.0, 2.0)]}
    first, second = (curves_svg(series, "x", "y", title) for title in ("One", "Two"))
    ids = re.findall(r'\bid="([^"]+)"', first + second)
    assert ids
    assert len(ids) == len(set(ids))
    assert first == curves_svg(series, "x", "y", "One")


@pytest.mark.parametrize("points", [[], [(0.0, math.nan)], [(0.0, math.inf)]])
def test_empty_and_not_finite_series_are_refused(points: list[tuple[float, float]]) -> None:
    with pytest.raises(OmniNegClipError, match='curve "hinge"'):
        curves_svg({"hinge": points}, "step", "loss", "Loss")
