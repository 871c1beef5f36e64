"""What the plots show is what the CSV says."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.intervals import Estimate
from omninegclip.evaluation.scenes import Figures
from omninegclip.report import figures, layer_curves, plots
from omninegclip.report.scenes import SUMMARY
from omninegclip.study.outputs import write_plots

RETRIEVAL = ("retrieval_text_to_image_r1", "retrieval_image_to_text_r1")


def made(value: float, *, hinge: bool) -> Figures:
    seen = {"seen": Estimate(value, value - 0.1, value + 0.2, 50)}
    both = seen | {"held_out": Estimate(value / 2, value / 2 - 0.05, value / 2 + 0.05, 50)}
    last: Figures = {"hinge_active": {"last_step": Estimate(value, 0.0, 1.0, 16)}} if hinge else {}
    return {metric: seen if metric in RETRIEVAL else both for metric in SUMMARY} | last


def grid(cells: int, seeds: int) -> dict[str, list[Figures]]:
    return {
        f"cell {cell}": [made(0.2 + 0.01 * cell + 0.02 * seed, hinge=cell > 0) for seed in range(seeds)]
        for cell in range(cells)
    }


CURVES = {
    "before": {"presence": [0.9, 0.8, 0.7, 0.6], "paraphrase": [1.0, 0.99, 0.98, 0.97]},
    "after": {"presence": [0.9, 0.5, 0.4, 0.3], "paraphrase": [1.0, 0.96, 0.95, 0.94]},
}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the plots return matplotlib's figure in place of the SVG."""
    monkeypatch.setattr(plots, "_svg", lambda figure: figure)


@pytest.mark.usefixtures("drawn")
def test_every_metric_has_a_panel_with_a_mark_and_an_interval_per_cell(tmp_path: Path) -> None:
    path = tmp_path / "figures.csv"
    path.write_text(figures.to_csv(grid(5, 3), range(3)))
    figure: Any = plots.plot_csv(path)
    assert len(figure.axes) == len(SUMMARY) + 1
    means = [figures.over_seeds(by_seed) for by_seed in grid(5, 3).values()]
    seen, held_out = figure.axes[0].containers
    for bars, group in ((seen, "seen"), (held_out, "held_out")):
        expected = [each["presence_accuracy"][group] for each in means]
        assert bars.lines[0].get_xdata() == pytest.approx([100 * each.value for each in expected], abs=1e-3)
        ends = [segment[:, 0].tolist() for segment in bars.lines[2][0].get_segments()]
        for interval, each in zip(ends, expected, strict=True):
            assert interval == pytest.approx([100 * each.low, 100 * each.high], abs=1e-3)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(grid(5, 3))
    (hinge,) = figure.axes[-1].containers
    assert hinge.lines[0].get_ydata().tolist() == [1, 2, 3, 4]  # cell 0 has none


@pytest.mark.usefixtures("drawn")
def test_every_pair_has_a_panel_with_a_line_per_model(tmp_path: Path) -> None:
    path = tmp_path / "layers.csv"
    path.write_text(layer_curves.to_csv(CURVES))
    figure: Any = plots.plot_csv(path)
    for axes, kind in zip(figure.axes, ("presence", "paraphrase"), strict=True):
        assert axes.get_title(loc="left") == kind
        assert [line.get_ydata().tolist() for line in axes.lines] == [CURVES[m][kind] for m in CURVES]
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert labels == ["embeddings", "block 0", "block 1", "output"]


@pytest.mark.usefixtures("drawn")
def test_towers_of_different_depth_share_the_ends() -> None:
    figure: Any = plots.plot_layers(
        {"deep": CURVES["before"], "flat": {k: [1.0, 0.9, 0.8] for k in CURVES["after"]}}
    )
    assert [line.get_xdata()[-1] for line in figure.axes[0].lines] == [1, 1]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["embeddings", "output"]


def test_the_svg_is_small_white_and_the_same_each_time(tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_text(figures.to_csv(grid(18, 3), range(3)))
    (tmp_path / "layers.csv").write_text(layer_curves.to_csv(CURVES))
    paths = write_plots(tmp_path / "plots", [tmp_path / "groups.csv", tmp_path / "layers.csv"])
    assert [path.name for path in paths] == ["groups.svg", "layers.svg"]
    for path in paths:
        svg = path.read_text()
        assert len(svg) < 150_000
        assert ET.fromstring(svg).tag.endswith("svg")  # noqa: S314 -- our own
        assert "fill: #ffffff" in svg.partition("axes_1")[0]
        assert svg == plots.plot_csv(tmp_path / f"{path.stem}.csv")


def test_what_is_no_csv_of_a_study_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(
        OmniNegClipError, match=r"other\.csv is no CSV of a study: its first line must be cell,"
    ):
        write_plots(tmp_path / "plots", [path])
    assert not (tmp_path / "plots").exists()
