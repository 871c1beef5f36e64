"""A study on very little data: finished cells are read, and one cell can be run again."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from endpoint import Server
from tiny_dual import tiny_own

from omninegclip.clip.io.load import load_clip
from omninegclip.clip.layer_groups import text_layers
from omninegclip.errors import OmniNegClipError
from omninegclip.llm import Endpoint
from omninegclip.report.figures import to_csv
from omninegclip.study import cells, grid, worlds
from omninegclip.study.grid import StudyCell, run_grid
from omninegclip.study.world import Size
from omninegclip.training.preset import load_preset

TINY = Size(64, 8)
OVERRIDES = ("steps=3", "warmup=1", "batch_size=8")
CELLS = [
    StudyCell("pretrained", None),
    StudyCell("clip", ("objective=clip",)),
    StudyCell("omni", ("objective=omni",)),
]


def run(out: Path, chosen: list[StudyCell], seeds: range = range(1), workers: int = 1) -> grid.Results:
    presets = grid.with_presets(chosen, "scenes-paper", OVERRIDES)
    return run_grid("scenes-small", presets, seeds, TINY, out, workers)


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
    monkeypatch.setattr(worlds, "write_scenes", fail)
    assert run(tmp_path, [CELLS[1]], range(2))["clip"] == study[1]["clip"]


@pytest.mark.parametrize("harm", ["flip", "cut", "empty"])
def test_a_cell_that_was_damaged_is_run_again(
    study: tuple[Path, grid.Results], tmp_path: Path, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "study"
    shutil.copytree(study[0], out)
    for path in (out / "cells").glob("*.json"):
        if '"pretrained"' in path.read_text():
            content = path.read_bytes()
            flipped = content.replace(b'"n": ', b'"n": 1', 1)
            path.write_bytes({"flip": flipped, "cut": content[:-50], "empty": b""}[harm])
    assert run(out, CELLS[:1], range(2)) == {"pretrained": study[1]["pretrained"]}
    assert "is damaged" in " ".join(capsys.readouterr().err.split())
    run(out, CELLS[:1], range(2))
    assert "is damaged" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["features/*.features", "seed-0-*/records.parquet", "seed-0-*/world.json"])
@pytest.mark.parametrize("lost", [True, False])
def test_a_world_that_was_damaged_is_made_again(
    study: tuple[Path, grid.Results], tmp_path: Path, name: str, lost: bool
) -> None:
    shutil.copytree(study[0] / "worlds", tmp_path / "worlds")
    (kept,) = (tmp_path / "worlds").glob("seed-0-*")
    expected = {path.name: path.read_bytes() for path in kept.iterdir()}
    encoder = load_clip("scenes-small")
    world = worlds.read_world(encoder, kept, 0, TINY)
    (path,) = (tmp_path / "worlds").glob(name)
    content = bytearray(path.read_bytes())
    content[len(content) // 4] ^= 1
    path.unlink() if lost else path.write_bytes(content)
    with pytest.raises((OmniNegClipError, FileNotFoundError)):
        worlds.read_world(encoder, kept, 0, TINY)
    assert worlds.keep_world(encoder, tmp_path / "worlds", 0, TINY) == kept
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == expected
    again = worlds.read_world(encoder, kept, 0, TINY)
    # an image that is embedded alone, and not in a batch, differs in its last bits
    close = 1e-6 if name.startswith("features") and not lost else 0
    assert np.allclose(again.images, world.images, rtol=0, atol=close)
    rows = torch.arange(TINY.scenes)
    assert torch.allclose(again.records.features[rows], world.records.features[rows], rtol=0, atol=close)


def test_two_workers_find_what_one_process_finds(
    study: tuple[Path, grid.Results], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("alone", "shared"):
        shutil.copytree(study[0] / "worlds", tmp_path / folder / "worlds")
    alone = run(tmp_path / "alone", CELLS[1:], range(1))
    monkeypatch.setattr(grid, "_run", None)  # this process trains nothing
    assert run(tmp_path / "shared", CELLS[1:], range(1), workers=2) == alone


def test_the_csv_holds_every_figure(study: tuple[Path, grid.Results]) -> None:
    by_cell = {name: [each.figures for each in outcomes] for name, outcomes in study[1].items()}
    rows = list(csv.DictReader(to_csv(by_cell, range(2)).splitlines()))
    figures = by_cell["omni"][1]
    expected = {(metric, group) for metric, groups in figures.items() for group in groups}
    mine = [row for row in rows if (row["cell"], row["seed"]) == ("omni", "1")]
    assert {(row["metric"], row["group"]) for row in mine} == expected
    first = next(row for row in mine if row["metric"] == "zero_shot_auc" and row["group"] == "seen")
    assert float(first["value"]) == pytest.approx(figures["zero_shot_auc"]["seen"].value, rel=1e-5)


def test_the_share_of_active_hinges_is_a_figure_of_the_objective_that_has_one(
    study: tuple[Path, grid.Results],
) -> None:
    outcome = study[1]["omni"][0]
    share = outcome.figures["hinge_active"]["last_step"]
    assert share.value == pytest.approx(outcome.last["absence/hinge_active"])
    assert share.n == 8  # pairs of the last step
    assert share.low < share.value <= share.high
    assert "hinge_active" not in study[1]["clip"][0].figures


def trained(depth: int) -> dict[str, tuple[int, ...]]:
    """Return the layers that each cell trains, as the policy reads them."""
    chosen = {}
    for cell in cells.groups(depth, each=True):
        if cell.overrides is not None:
            chosen[cell.name] = text_layers(load_preset("scenes-paper", cell.overrides).text_layers, depth)
    return chosen


@pytest.mark.parametrize(("depth", "sizes"), [(12, {4}), (24, {8}), (8, {2, 3})])
def test_thirds_are_a_partition_and_every_block_is_alone_once(depth: int, sizes: set[int]) -> None:
    named = trained(depth)
    thirds = [named[f"{third} third"] for third in ("front", "middle", "back")]
    assert thirds[0] + thirds[1] + thirds[2] == named["whole"] == tuple(range(depth))
    assert {len(third) for third in thirds} == sizes
    assert [named[f"block {number}"] for number in range(depth)] == [(number,) for number in range(depth)]


def test_the_authors_front_overlaps_the_middle() -> None:
    assert trained(12)["authors' front"] == (0, 1, 2, 3, 4, 5)
    assert len(cells.groups(12, each=False)) == 6


def test_margins_change_one_value_of_the_preset_each() -> None:
    plain = load_preset("scenes-paper").as_dict()
    for cell in cells.margins()[1:]:
        assert cell.overrides
        changed = load_preset("scenes-paper", cell.overrides).as_dict()
        differing = {key for key in plain if plain[key] != changed[key]}
        assert differing == {cell.overrides[0].partition("=")[0]} or cell.name == "margin 0.9"


def test_every_part_of_omni_plus_is_left_out_once() -> None:
    chosen = cells.plus()[1:]
    loaded = [load_preset(cell.preset or "", cell.overrides or ()) for cell in chosen]
    whole, *changed = [preset.as_dict() for preset in loaded]
    for cell, preset in zip(chosen[1:], changed, strict=True):
        differing = {key for key in whole if whole[key] != preset[key]}
        assert len(differing) == (0 if cell.blend < 1 else 1), cell.name
    parts = {
        "weight_supervised",
        "weight_distilled",
        "weight_composed",
        "weight_discriminated",
        "hard_images",
    }
    assert {key for preset in changed for key in whole if whole[key] != preset[key]} >= parts


def test_a_language_model_that_fails_leaves_the_figures_of_the_rules(tmp_path: Path) -> None:
    pytest.importorskip("httpx", reason="the llm extra is not installed")
    server = Server([(500, "")])
    endpoint = Endpoint(server.url, "tiny", 2.0, 1e9, tmp_path / "answers")
    chosen = cells.only(
        cells.objectives(endpoint), ["halves by rules, gate", "halves by a language model, gate"]
    )
    by_rules, by_model = run(tmp_path, chosen).values()
    server.http.shutdown()
    assert server.bodies
    assert by_model[0].figures == by_rules[0].figures
    assert len(chosen) == len(cells.only(cells.objectives(), ["halves by rules, gate"])) + 1


def test_a_cell_blended_with_nothing_of_the_tuned_is_the_pretrained_one(
    tmp_path: Path, study: tuple[Path, grid.Results]
) -> None:
    chosen = [
        StudyCell("none", ("objective=omni",), blend=0.0),
        StudyCell("a fifth", ("objective=omni",), blend=0.2),
    ]
    results = run(tmp_path, chosen)
    pretrained, tuned = (study[1][name][0].figures for name in ("pretrained", "omni"))
    none, fifth = (
        {metric: figures[metric] for metric in pretrained}
        for figures in (results["none"][0].figures, results["a fifth"][0].figures)
    )
    assert none == pretrained
    assert fifth not in (pretrained, {metric: tuned[metric] for metric in pretrained})


def test_rivals_train_beside_the_model_and_answer_the_same_benchmark(
    tmp_path: Path, study: tuple[Path, grid.Results]
) -> None:
    shutil.copytree(study[0] / "worlds", tmp_path / "worlds")
    chosen = cells.only(cells.objectives(), ["dense cosine maps", "corrections from middle layers"])
    maps, corrections = (outcomes[0] for outcomes in run(tmp_path, chosen).values())
    pretrained = study[1]["pretrained"][0].figures
    assert set(corrections.figures) == set(pretrained)
    assert set(maps.figures) == set(pretrained) - {"zero_shot_auc"}
    for outcome in (maps, corrections):
        assert outcome.figures != pretrained
        assert outcome.last["loss"] > 0


def test_a_rival_that_cannot_stand_beside_a_model_is_left_out_before_any_work(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chosen = [StudyCell("pretrained", None), StudyCell("maps", None, rival="dcsm")]
    other = tiny_own()
    monkeypatch.setattr(grid, "load_clip", lambda _: other)
    monkeypatch.setattr(grid, "keep_world", lambda *_: pytest.fail("a world was made"))
    with pytest.raises(OmniNegClipError, match="no patches beside its class token"):
        run(tmp_path, chosen[1:])
    with pytest.raises(pytest.fail.Exception, match="a world was made"):
        run(tmp_path, chosen)
    assert "maps is left out: A DualEncoderModel has no patches" in " ".join(capsys.readouterr().err.split())
    with pytest.raises(OmniNegClipError, match="no rival 'clipglasses': dcsm and peakpatch are known"):
        run(tmp_path, [StudyCell("x", None, rival="clipglasses")])
