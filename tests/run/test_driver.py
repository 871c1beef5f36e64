"""The verb `train` as its users run it: whole, killed, interrupted, in two processes, with wrong options."""

import json
import random
import re
import shutil
import signal
import socket
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
import yaml
from run_place import Place
from safetensors.torch import load_file
from torch import Tensor
from transformers import CLIPModel

from omninegclip.clip.io.load import load_clip


@pytest.fixture(scope="module")
def whole(place: Place) -> Path:
    code, output, errors = place.call("--out=whole", "--json")
    assert code == 0, errors
    summary = json.loads(output)
    assert summary["steps"] == 12
    assert summary["model"] == "whole/model"
    return place.folder / "whole"


def weights(run: Path) -> dict[str, Tensor]:
    return load_file(run / "model" / "model.safetensors")


def losses(run: Path) -> list[tuple[int, float]]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [(line["step"], line["loss"]) for line in lines if "loss" in line]


def assert_same(run: Path, other: Path) -> None:
    mine, its = weights(run), weights(other)
    assert mine.keys() == its.keys()
    assert all(torch.equal(mine[name], its[name]) for name in mine)
    assert losses(run) == losses(other)


def test_a_run_folder_says_what_was_run(whole: Path) -> None:
    config = yaml.safe_load((whole / "config.yaml").read_text())
    assert (config["steps"], config["batch_size"], config["seed"]) == (12, 6, 0)
    assert config["records"] + config["records_held_out"] == 36
    assert config["records_held_out"] > 0
    versions = json.loads((whole / "versions.json").read_text())
    assert {"python", "torch", "omninegclip", "threads", "git"} <= set(versions)
    lines = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "loss" in line] == list(range(12))
    assert [line["step"] for line in lines if "validation" in line] == [4, 9, 11]
    assert "<svg" in (whole / "curves.svg").read_text()
    card = (whole / "model" / "README.md").read_text()
    assert "R@1 with plain captions" in card
    assert 'CLIPModel.from_pretrained("whole/model")' in card
    CLIPModel.from_pretrained(whole / "model")


def test_the_best_validated_weights_become_the_model(whole: Path) -> None:
    best = load_file(whole / "checkpoints/best.safetensors")
    model = weights(whole)
    assert best
    assert all(torch.equal(model[name], weight) for name, weight in best.items())
    last = load_file(whole / "checkpoints/last.safetensors")
    lines = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    reached = {line["step"]: line["validation"]["chosen_by"] for line in lines if "validation" in line}
    summary = json.loads((whole / "metrics.json").read_text())
    assert summary["best_step"] == max(reached, key=lambda step: (reached[step], -step))
    same = all(torch.equal(last[f"weights/{name}"], weight) for name, weight in best.items())
    assert same == (summary["best_step"] == 11)


def test_only_what_the_policy_names_has_changed(whole: Path, place: Place) -> None:
    before, after = load_clip(place.folder / "clip").model.state_dict(), weights(whole)
    changed = {name for name, weight in before.items() if not torch.equal(weight, after[name])}
    assert {name.split(".")[3] for name in changed if ".layers." in name} == {"0", "1"}
    assert not any(name.startswith(("vision_model", "visual_projection")) for name in changed)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_run_killed_anywhere_and_resumed_ends_with_the_same_weights(
    whole: Path, place: Place, seed: int
) -> None:
    out = f"killed-{seed}"
    log, generator = place.folder / out / "log.jsonl", random.Random(seed)
    command = place.command(f"--out={out}", "--resume")
    for lines in sorted(generator.sample(range(13), 2)):
        process = place.start(command)
        while process.poll() is None and not (log.exists() and len(log.read_text().splitlines()) >= lines):
            time.sleep(0.001)
        time.sleep(generator.random() * 0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    code, _, errors = place.call(f"--out={out}", "--resume")
    assert code == 0, errors
    assert_same(place.folder / out, whole)
    assert not list((place.folder / out).rglob(".*partial*"))


def test_an_interrupted_run_says_how_to_go_on_and_does(whole: Path, place: Place) -> None:
    process = place.start(place.command("--out=interrupted", "--set=checkpoint_every=100"))
    log = place.folder / "interrupted" / "log.jsonl"
    while process.poll() is None and not log.exists():
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=180)
    assert process.returncode == 130
    assert re.search(r"Stopped after step \d+ of 12; the same command with --resume continues", errors)
    assert "Traceback" not in errors
    assert place.call("--out=interrupted", "--resume", "--set=checkpoint_every=100")[0] == 0
    assert_same(place.folder / "interrupted", whole)


def test_a_finished_run_is_left_alone(whole: Path, place: Place) -> None:
    written = (whole / "metrics.json").stat().st_mtime_ns
    code, output, errors = place.call("--out=whole", "--resume", "--json")
    assert code == 0
    assert "finished" in errors
    assert json.loads(output)["steps"] == 12
    assert (whole / "metrics.json").stat().st_mtime_ns == written


def test_chunks_of_the_batch_train_the_same(whole: Path, place: Place) -> None:
    assert place.call("--out=chunks", chunk_size=2)[0] == 0
    for (step, mine), (_, its) in zip(losses(place.folder / "chunks"), losses(whole), strict=True):
        assert mine == pytest.approx(its, rel=1e-4), step


def test_two_processes_train_what_one_trains(whole: Path, place: Place) -> None:
    command = place.command("--out=two", "--json")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    process = place.start([*launcher, *command[1:]])
    output, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    assert json.loads(output.strip().splitlines()[-1])["steps"] == 12
    for (step, mine), (_, its) in zip(losses(place.folder / "two"), losses(whole), strict=True):
        assert mine == pytest.approx(its, rel=1e-4), step


@pytest.mark.slow
def test_statements_train_the_same_in_chunks_in_processes_and_after_a_stop(place: Place) -> None:
    plus = {"objective": "omni-plus"}
    assert place.call("--out=plus", **plus)[0] == 0
    assert place.call("--out=plus-chunks", chunk_size=2, **plus)[0] == 0
    command = place.command("--out=plus-two", **plus)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    process = place.start([*launcher, *command[1:]])
    _, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    for name in ("plus-chunks", "plus-two"):
        for (step, mine), (_, its) in zip(
            losses(place.folder / name), losses(place.folder / "plus"), strict=True
        ):
            assert mine == pytest.approx(its, rel=1e-4), (name, step)
    killed = place.start(place.command("--out=plus-killed", **plus))
    log = place.folder / "plus-killed" / "log.jsonl"
    while killed.poll() is None and not (log.exists() and len(log.read_text().splitlines()) >= 5):
        time.sleep(0.001)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert place.call("--out=plus-killed", "--resume", **plus)[0] == 0
    assert_same(place.folder / "plus-killed", place.folder / "plus")


def test_a_process_that_dies_ends_the_run_with_a_sentence(place: Place) -> None:
    """The two are started by hand: torchrun may end the survivor before that one notices."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    group = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    command = place.command("--out=dying", steps=100000)
    survivor, victim = (
        place.start(command, RANK=str(rank), LOCAL_RANK=str(rank), **group) for rank in (0, 1)
    )
    log = place.folder / "dying" / "log.jsonl"
    while survivor.poll() is None and not log.exists():
        time.sleep(0.01)
    victim.kill()
    victim.communicate()
    _, errors = survivor.communicate(timeout=120)
    assert survivor.returncode == 1
    assert "Another process of this run ended, so this one stops: its own message says why." in errors


def test_the_run_stops_when_validation_gets_no_better(place: Place) -> None:
    options = {"steps": 400, "validate_every": 1, "patience": 2, "learning_rate": 0, "weight_decay": 0}
    code, output, errors = place.call("--out=early", "--json", **options)
    assert code == 0
    assert "stopping early" in errors
    assert json.loads(output)["steps"] == 3


def test_a_dry_run_counts_and_writes_nothing(place: Place) -> None:
    code, output, _ = place.call(
        "--out=dry", "--dry-run", "--json", "--teraflops=0.1", epochs=2, steps="null"
    )
    assert code == 0
    cost = json.loads(output)
    assert cost["steps"] == 2 * cost["steps_per_epoch"]
    assert cost["cache_bytes"] == 2 * 18 * 16
    assert cost["hours"] == pytest.approx((cost["text_flops"] + cost["image_flops"]) / 1e11 / 3600)
    assert not (place.folder / "dry").exists()


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (["--out=whole"], {}, "whole already exists: add --resume"),
        (["--out=whole2"], {"steps": 2}, "2 steps and a warm-up of 2"),
        (["--out=whole2", "--set=stepz=3"], {}, "did you mean 'steps'"),
        (
            ["--out=whole2", "--images=clip"],
            {},
            "Images missing below clip (18 in all): 0.png, 1.png, 2.png and more. Name their",
        ),
        (["--out=whole2"], {"batch_size": 600}, "don't fill a batch of 600"),
        (["--out=whole2"], {"image_layers": "last-1"}, "set image_layers=none"),
        (["--out=whole2"], {"epochs": 3}, "set one of them and the other to null"),
        (["--out=records.parquet"], {}, "records.parquet is a file"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    whole: Path, place: Place, arguments: list[str], options: dict[str, object], message: str
) -> None:
    code, _, errors = place.call(*arguments, **options)
    assert code == 1
    assert message in " ".join(errors.split())
    assert "Traceback" not in errors
    assert not (place.folder / "whole2").exists()


def test_missing_images_are_left_out_when_that_is_allowed(place: Place, tmp_path: Path) -> None:
    for number in range(9):
        shutil.copy(place.folder / f"{number}.png", tmp_path)
    arguments = ("--out=half", f"--images={tmp_path}", "--allow-missing", "--dry-run", "--json")
    code, output, errors = place.call(*arguments, batch_size=2)
    assert code == 0
    assert "9 in all" in " ".join(errors.split())
    assert json.loads(output)["pictures"] == 9


@pytest.mark.skipif(find_spec("tensorboard") is not None, reason="tensorboard is installed")
def test_tensorboard_that_is_not_installed_is_missed_at_once(place: Place) -> None:
    code, _, errors = place.call("--out=events", "--tensorboard")
    assert code == 1
    assert "omninegclip[tensorboard]" in errors
    assert not (place.folder / "events").exists()


def test_a_folder_of_somebody_else_is_neither_used_nor_removed(place: Place) -> None:
    (place.folder / "mine").mkdir()
    (place.folder / "mine" / ".notes").write_text("dear")
    code, _, errors = place.call("--out=mine", "--resume")
    assert code == 1
    assert "holds .notes, and no run to resume" in " ".join(errors.split())
    assert (place.folder / "mine" / ".notes").read_text() == "dear"


def test_an_objective_that_fails_at_its_first_step_keeps_no_name(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = "FAILS = True\ndef my_loss(presence):\n    loss = presence.captions.sum()\n"
    (place.folder / "own.py").write_text(f"{own}    return loss if FAILS else {{'loss': loss}}\n")
    monkeypatch.syspath_prepend(str(place.folder))
    code, _, errors = place.call("--out=run-failing", objective="own:my_loss")
    assert code == 1
    assert "must return a dict of scalar tensors" in " ".join(errors.split())
    assert not (place.folder / "run-failing").exists()
    monkeypatch.setattr("own.FAILS", False)
    code, _, errors = place.call("--out=run-failing", objective="own:my_loss")
    assert code == 0, errors
    assert len(losses(place.folder / "run-failing")) == 12
    del sys.modules["own"]


def test_a_run_that_fails_after_its_first_step_stays(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omninegclip.run.driver.ResumableTraining.is_due", None)
    with pytest.raises(TypeError):
        place.call("--out=begun")
    assert losses(place.folder / "begun")


def test_another_run_is_not_taken_up(whole: Path, place: Place) -> None:
    assert place.call("--out=other", "--set=checkpoint_every=3")[0] == 0
    (place.folder / "other" / "metrics.json").unlink()
    code, _, errors = place.call("--out=other", "--resume", learning_rate=1e-2)
    assert code == 1
    assert "began with learning_rate=0.001, not 0.01" in " ".join(errors.split())
