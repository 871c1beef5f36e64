"""The run folder: nothing of anybody else's is removed, one process writes it, a run is what it says."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from run_place import Place, make_place
from tiny_clip import tiny_encoder

from omninegclip.clip.io.save import save_clip
from omninegclip.data.record import read_records, write_records
from omninegclip.files import LOCK, PARTIAL, read_sealed
from omninegclip.run import driver as verb
from omninegclip.run.folder import MARKER
from omninegclip.training.checkpoint import load_checkpoint, save_checkpoint

FEW = {"steps": 4, "validate_every": 2, "checkpoint_every": 2}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def said(errors: str) -> str:
    assert "Traceback" not in errors
    return " ".join(errors.split())


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place whose data the tests of this file may change."""
    return make_place(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def finished(own: Place) -> Path:
    code, _, errors = own.call("--out=finished", **FEW)
    assert code == 0, errors
    return own.folder / "finished"


@pytest.fixture
def run(own: Place, finished: Path) -> Iterator[Path]:
    """A copy of a finished run, as `run` in the place."""
    folder = own.folder / "run"
    shutil.copytree(finished, folder)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def nothing_larger_than(size: int) -> Iterator[None]:
    """Stand for a full disk: writing fails in the same way."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("resume", [(), ("--resume",)])
@pytest.mark.parametrize(
    "files",
    [
        ("config.yaml", "thesis.txt"),
        (".git/HEAD", "notes.md"),
        ("checkpoints/last.safetensors",),
        ("metrics.json",),
        ("log.jsonl", "model/README.md"),
        (f".mine{PARTIAL}", "other.txt"),
    ],
)
def test_a_folder_of_somebody_elses_survives(
    place: Place, tmp_path: Path, files: tuple[str, ...], resume: tuple[str, ...]
) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("mine")
    before = contents(tmp_path)
    code, _, errors = place.call(f"--out={tmp_path}", *resume)
    assert code == 1
    assert "name " in said(errors)
    assert contents(tmp_path) == before


def test_the_working_folder_survives(place: Place) -> None:
    before = contents(place.folder)
    for resume in ((), ("--resume",)):
        code, _, errors = place.call("--out=.", *resume)
        assert code == 1
        assert re.search(r"holds \S+, (and|but) no run", said(errors))
    assert contents(place.folder) == before


def test_a_typo_removes_nothing_of_a_run(run: Path, own: Place) -> None:
    (run / "log.jsonl").unlink()
    (run / "metrics.json").unlink()
    (run / "notes.txt").write_text("mine")
    before = contents(run)
    for wrong in ("--images=nowhere", "--set=stepz=3", "--set=learning_rate=2", "--set=model=clap"):
        code, _, errors = own.call("--out=run", "--resume", wrong, **FEW)
        assert code == 1, wrong
        said(errors)
        assert contents(run) == before


def test_a_failed_start_leaves_what_was_there(place: Place, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for out, kept in (("empty", True), ("new/deep", False)):
        code, _, errors = place.call(f"--out={tmp_path / out}", batch_size=600)
        assert code == 1
        assert "don't fill a batch of 600" in said(errors)
        assert (tmp_path / out).exists() == kept
    assert [each.name for each in tmp_path.iterdir()] == ["empty"]
    assert not list((tmp_path / "empty").iterdir())


def test_a_run_that_another_process_writes_is_refused(run: Path, own: Place) -> None:
    code = "import sys; from pathlib import Path; from omninegclip.files import hold\n"
    code += "with hold(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(run)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    other.stdout.readline()
    before = contents(run)
    for wrong in ((), ("--images=nowhere",)):
        status, _, errors = own.call("--out=run", "--resume", *wrong, **FEW)
        assert status == 1
        assert "Another process is writing run" in said(errors)
    assert contents(run) == before
    other.kill()
    other.communicate()
    assert own.call("--out=run", "--resume", **FEW)[0] == 0


def test_the_marker_comes_first_and_a_run_that_has_nothing_else_is_begun(
    own: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"

    def look(*_: object) -> None:
        assert (out / MARKER).exists()
        raise SystemError

    with monkeypatch.context() as patch:
        patch.setattr(verb.ImageFeatureCache, "features", look)
        with pytest.raises(SystemError):
            own.call(f"--out={out}", **FEW)
    assert not out.exists()
    out.mkdir()
    (out / LOCK).touch()
    (out / f".{MARKER}.xyz{PARTIAL}").touch()
    assert own.call(f"--out={out}", "--resume", **FEW)[0] == 0
    assert not list(out.glob(".*"))


def test_leftovers_of_killed_processes_are_swept_and_nothing_else(run: Path, own: Place) -> None:
    (run / f".model.abc{PARTIAL}").mkdir()
    (run / f".model.abc{PARTIAL}" / "half").touch()
    (run / "checkpoints" / f".last.safetensors.abc{PARTIAL}").touch()
    (run / ".mine.partial").touch()
    (run / "metrics.json").unlink()
    assert own.call("--out=run", "--resume", **FEW)[0] == 0
    assert [path.name for path in run.rglob(".*")] == [".mine.partial"]


@contextmanager
def changed(path: Path) -> Iterator[Path]:
    """Put a file or folder away while the block may write another one."""
    away = path.with_name(f"{path.name}-away")
    path.rename(away)
    try:
        yield away
    finally:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        away.rename(path)


def refused(run: Path, own: Place, *arguments: str, **options: object) -> str:
    """Return what is said when a run is taken up, which must change nothing."""
    before = contents(run)
    code, _, errors = own.call("--out=run", "--resume", *arguments, **FEW | options)
    assert code == 1
    assert contents(run) == before
    return said(errors)


@pytest.fixture(params=["metrics.json", "curves.svg"])
def unfinished_or_finished(run: Path, request: pytest.FixtureRequest) -> Path:
    """A run that lacks its end, and one that doesn't."""
    (run / request.param).unlink()
    return run


def test_other_options_are_another_run(unfinished_or_finished: Path, own: Place) -> None:
    assert "began with seed=0, not 9" in refused(unfinished_or_finished, own, "--seed=9")
    assert "began with steps=4, not 25" in refused(unfinished_or_finished, own, steps=25)


def test_other_images_are_another_run(unfinished_or_finished: Path, own: Place, tmp_path: Path) -> None:
    for number in range(18):
        shutil.copy(own.folder / f"{number}.png", tmp_path)
    time = (tmp_path / "5.png").stat().st_mtime_ns
    Image.new("RGB", (40, 32), "red").save(tmp_path / "5.png")
    os.utime(tmp_path / "5.png", ns=(time, time))
    assert "(other images)" in refused(unfinished_or_finished, own, f"--images={tmp_path}")


def test_other_records_are_another_run(unfinished_or_finished: Path, own: Place) -> None:
    with changed(own.folder / "records.parquet") as away:
        records = list(read_records(away))
        records[0]["caption"] = "another one"
        write_records(own.folder / "records.parquet", records)
        assert "(other records)" in refused(unfinished_or_finished, own)


def test_other_base_weights_are_another_run(unfinished_or_finished: Path, own: Place) -> None:
    with changed(own.folder / "clip"):
        save_clip(own.folder / "clip", tiny_encoder(text_layers=4, seed=1), base="random weights")
        assert "(other base weights)" in refused(unfinished_or_finished, own)


def test_a_checkpoint_of_another_run_is_refused(run: Path, own: Place) -> None:
    (run / "metrics.json").unlink()
    tensors, metadata = load_checkpoint(run / "checkpoints/last.safetensors")
    for run_of in ({}, {"run": metadata["run"] | {"config": metadata["run"]["config"] | {"seed": 3}}}):
        others = {name: value for name, value in metadata.items() if name != "run"} | run_of
        save_checkpoint(run / "checkpoints/last.safetensors", tensors, others)
        assert "belongs to another run: move it away" in refused(run, own)


@pytest.mark.parametrize("name", ["last", "best"])
def test_a_damaged_checkpoint_begins_the_run_anew(run: Path, own: Place, finished: Path, name: str) -> None:
    (run / "metrics.json").unlink()
    path = run / "checkpoints" / f"{name}.safetensors"
    content = bytearray(path.read_bytes())
    content[-9] ^= 4
    path.write_bytes(content)
    code, _, errors = own.call("--out=run", "--resume", **FEW)
    assert code == 0
    assert f"checkpoints/{name}.safetensors is missing or damaged: the run starts again" in said(errors)
    weights = "model/model.safetensors"
    assert (run / weights).read_bytes() == (finished / weights).read_bytes()


@pytest.mark.parametrize("keep", [0, 100])
def test_a_log_that_lost_lines_stays_short(run: Path, own: Place, keep: int) -> None:
    (run / "metrics.json").unlink()
    lines = (run / "log.jsonl").read_bytes()
    (run / "log.jsonl").write_bytes(lines[:keep])
    code, _, errors = own.call("--out=run", "--resume", **FEW)
    assert code == 0
    assert "lacks some of the first 4 steps" in said(errors)
    assert lines.startswith((run / "log.jsonl").read_bytes())


def test_accounts_that_were_damaged_are_written_again(run: Path, own: Place, finished: Path) -> None:
    (run / "config.yaml").write_text("a: [")
    (run / "versions.json").unlink()
    (run / "metrics.json").write_bytes((run / "metrics.json").read_bytes()[:100])
    code, output, errors = own.call("--out=run", "--resume", "--json", **FEW)
    assert code == 0
    assert "metrics.json is damaged" in said(errors)
    for name in ("config.yaml", "versions.json"):
        assert (run / name).read_bytes() == (finished / name).read_bytes()
    summary, before = json.loads(output), read_sealed(finished / "metrics.json")
    changing = {"model", "seconds", "peak_memory_bytes"}
    assert all(before[name] == value for name, value in summary.items() if name not in changing)


def test_a_damaged_marker_is_written_again_from_the_last_checkpoint(run: Path, own: Place) -> None:
    whole = (run / MARKER).read_bytes()
    (run / MARKER).write_bytes(whole[:-30])
    assert own.call("--out=run", "--resume", **FEW)[0] == 0
    assert (run / MARKER).read_bytes() == whole
    (run / MARKER).write_bytes(whole[:-30])
    (run / "checkpoints/last.safetensors").unlink()
    assert "name another folder, or remove run first" in refused(run, own)


def test_a_model_that_somebody_changed_is_kept_beside_the_new_one(run: Path, own: Place) -> None:
    (run / "metrics.json").unlink()
    (run / "model" / "mine.txt").write_text("mine")
    code, _, errors = own.call("--out=run", "--resume", **FEW)
    assert code == 0
    assert "is renamed to" in said(errors)
    assert [path.read_text() for path in run.glob("model-*/mine.txt")] == ["mine"]
    assert not (run / "model" / "mine.txt").exists()


def test_a_card_that_somebody_wrote_on_is_left_alone(run: Path, own: Place) -> None:
    (run / "model" / "README.md").write_text("mine")
    assert own.call("--out=run", "--resume", **FEW)[0] == 0
    assert (run / "model" / "README.md").read_text() == "mine"


@pytest.mark.parametrize("size", [0, 20_000])
def test_a_full_disk_at_the_end_is_one_sentence_and_the_second_try_goes_on(
    run: Path, own: Place, finished: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("metrics.json", "curves.svg"):
        (run / name).unlink()
    shutil.rmtree(run / "model")
    before = contents(run)
    close = verb.Run.close

    def full(*arguments: Any) -> Any:
        with nothing_larger_than(size):
            return close(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(verb.Run, "close", full)
        code, _, errors = own.call("--out=run", "--resume", **FEW)
    assert code == 1
    assert "Can't write" in said(errors)
    left = contents(run)
    left.pop("curves.svg", None)
    assert left == before
    assert own.call("--out=run", "--resume", **FEW)[0] == 0
    assert (run / "model/model.safetensors").read_bytes() == (
        finished / "model/model.safetensors"
    ).read_bytes()


def test_the_metrics_are_whole(finished: Path) -> None:
    values = read_sealed(finished / "metrics.json")
    assert values["steps"] == 4
    assert "model.safetensors" in values["files"]


def test_images_that_can_not_be_read_are_left_out_where_missing_ones_are(
    place: Place, tmp_path: Path
) -> None:
    for number in range(9):
        shutil.copy(place.folder / f"{number}.png", tmp_path)
    (tmp_path / "3.png").write_bytes((tmp_path / "3.png").read_bytes()[:50])
    arguments = (f"--images={tmp_path}", "--allow-missing", "--json")
    code, output, errors = place.call("--out=broken", *arguments, **FEW | {"batch_size": 2})
    assert code == 0, errors
    assert "1 images can't be read, so 2 records are left out" in said(errors)
    assert "3.png" in said(errors)
    assert json.loads(output)["steps"] == 4


def test_without_any_image_the_folder_that_was_searched_is_named(place: Place, tmp_path: Path) -> None:
    code, _, errors = place.call("--out=none", f"--images={tmp_path}", "--allow-missing")
    assert code == 1
    assert f"none of their images is below {tmp_path}" in errors.replace("\n", "")
    assert not (place.folder / "none").exists()
