"""A study on very little data: finished cells are read, one cell can be run again, seeds give intervals."""

import csv
import json
import math
import shutil
from pathlib import Path
from statistics import mean, stdev

import pytest
import torch

from omninegclip.evaluation.intervals import Estimate
from omninegclip.study import cells, grid, worlds
from omninegclip.study.grid import Cell, Outcome, over_seeds, run_grid, to_csv
from omninegclip.study.world import Size

TINY = Size(64, 8)
OVERRIDES = ("steps=3", "warmup=1", "batch_size=8")
CELLS = [Cell("pretrained", None), Cell("clip", ("objective=clip",)), Cell("omni", ("objective=omni",))]


def run(out: Path, chosen: list[Cell], seeds: range = range(1), workers: int = 1) -> grid.Results:
    return run_grid("scenes-tiny", "scenes-paper", OVERRIDES, chosen, seeds, TINY, out, workers)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, grid.Results]:
    out = tmp_path_factory.mktemp("study")
    return out, run(out, CELLS, range(2))


def test_every_cell_has_an_outcome_per_seed_and_they_differ(study: tuple[Path, grid.Results]) -> None:
    out, results = study
    assert list(results) == ["pretrained", "clip", "omni"]
    assert [len(outcomes) for outcomes in results.values()] == [2, 2, 2]
    assert len(list((out / "cells").glob("*.json"))) == 6
    assert results["pretrained"][0].last == {}
    assert {"loss", "absence/hinge_active"} <= set(results["omni"][0].last)
    assert set(results["clip"][0].last) == {"loss"}
    assert results["omni"][0].last["loss"] != results["omni"][1].last["loss"]


def test_one_cell_run_again_elsewhere_finds_the_same_figures(
    study: tuple[Path, grid.Results], tmp_path: Path
) -> None:
    again = run(tmp_path, [CELLS[2]])
    assert again["omni"][0] == study[1]["omni"][0]


def test_finished_cells_are_read_and_no_world_is_made(
    study: tuple[Path, grid.Results], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(grid, "keep_world", fail)
    assert run(study[0], CELLS, range(2)) == study[1]


def test_a_cell_that_is_missing_is_run_on_the_world_that_is_kept(
    study: tuple[Path, grid.Results], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError

    shutil.copytree(study[0] / "worlds", tmp_path / "worlds")
    monkeypatch.setattr(worlds, "make_world", fail)
    assert run(tmp_path, [CELLS[1]], range(2))["clip"] == study[1]["clip"]


def test_two_workers_find_what_one_process_finds(
    study: tuple[Path, grid.Results], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("alone", "shared"):
        shutil.copytree(study[0] / "worlds", tmp_path / folder / "worlds")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # each worker has one, and with another number sums are rounded differently
    try:
        alone = run(tmp_path / "alone", CELLS[1:], range(1))
        monkeypatch.setattr(grid, "_run", None)  # this process trains nothing
        assert run(tmp_path / "shared", CELLS[1:], range(1), workers=2) == alone
    finally:
        torch.set_num_threads(threads)


def test_the_csv_holds_every_figure(study: tuple[Path, grid.Results]) -> None:
    rows = list(csv.DictReader(to_csv(study[1], range(2)).splitlines()))
    figures = study[1]["omni"][1].figures
    expected = {(metric, group) for metric, groups in figures.items() for group in groups}
    mine = [row for row in rows if (row["cell"], row["seed"]) == ("omni", "1")]
    assert {(row["metric"], row["group"]) for row in mine} == expected
    first = next(row for row in mine if row["metric"] == "zero_shot_auc" and row["group"] == "seen")
    assert float(first["value"]) == pytest.approx(figures["zero_shot_auc"]["seen"].value, rel=1e-5)


def test_means_over_seeds_have_students_interval() -> None:
    values = [0.5, 0.6, 0.55]
    outcomes = [Outcome({"m": {"seen": Estimate(value, 0, 1, 10)}}, {}) for value in values]
    found = over_seeds(outcomes)["m"]["seen"]
    spread = 4.303 * stdev(values) / math.sqrt(3)  # t of 2 degrees of freedom
    assert found == pytest.approx(Estimate(mean(values), mean(values) - spread, mean(values) + spread, 30))
    assert over_seeds(outcomes[:1])["m"]["seen"] == Estimate(0.5, 0, 1, 10)


def test_thirds_are_a_partition_and_blocks_can_be_alone() -> None:
    named = {cell.name: cell.overrides for cell in cells.groups(12, each=True)}
    assert [named[f"{third} third"] for third in ("front", "middle", "back")] == [
        ("text_layers='front-third'",),
        ("text_layers='middle-third'",),
        ("text_layers='back-third'",),
    ]
    assert named["block 11"] == ("text_layers='11'",)
    assert len(cells.groups(12, each=False)) == 6
    assert json.dumps(cells.margins())
