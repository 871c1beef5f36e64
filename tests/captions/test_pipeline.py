import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("spacy", reason="the negate extra is not installed")
from omninegclip.captions import pipeline as negate
from omninegclip.captions.negate import NegationOptions
from omninegclip.captions.negate import negate as negate_images
from omninegclip.captions.pipeline import Engine, Shard, local, negate_file
from omninegclip.captions.shards import MARKER
from omninegclip.data.record import read_records
from omninegclip.data.sources import Row
from omninegclip.errors import OmniNegClipError
from omninegclip.files import LOCK, hold

LINES = [
    f"{image}.jpg#{turn}\tA {thing} on a red sofa."
    for image, thing in enumerate(["dog", "cat", "horse", "cow"] * 3)
    for turn in (0, 1)
]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(negate, "SHARD", 6)  # captions: four shards of three images
    path = tmp_path / "tokens.txt"
    path.write_text("\n".join([*LINES, "x.jpg#0\t🐴"]))
    return path


def rows(path: Path) -> list[Row]:
    return list(read_records(path))


def test_a_file_a_folder_and_two_processes_hold_the_same_rows(data: Path, tmp_path: Path) -> None:
    summary = negate_file(data, tmp_path / "one.parquet", None, NegationOptions(), local(1))
    assert (summary.captions, summary.rows, summary.presence) == (25, 25, 24)
    written = [row["absence_negated"] for row in rows(tmp_path / "one.parquet")]
    assert summary.absence == sum(text is not None for text in written)
    negate_file(data, tmp_path / "two", None, NegationOptions(), local(2))
    assert rows(tmp_path / "one.parquet") == rows(tmp_path / "two")
    assert len(list((tmp_path / "two").glob("*.parquet"))) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.parquet", "tokens.txt", "two"]


def test_an_interrupted_run_goes_on_where_it_stopped(data: Path, tmp_path: Path) -> None:
    done: list[int] = []

    def breaking_after(count: int) -> Engine:
        def run(shards, statistics, options):  # type: ignore[no-untyped-def]
            for number, images in shards[:count]:
                done.append(number)
                yield number, list(negate_images(images, statistics, options))
            if count < len(shards):
                raise KeyboardInterrupt

        return run

    with pytest.raises(KeyboardInterrupt):
        negate_file(data, tmp_path / "out.parquet", None, NegationOptions(), breaking_after(2))
    assert not (tmp_path / "out.parquet").exists()
    negate_file(data, tmp_path / "out.parquet", None, NegationOptions(), breaking_after(99))
    assert done == [0, 1, 2, 3, 4]
    negate_file(data, tmp_path / "whole.parquet", None, NegationOptions(), local(1))
    assert rows(tmp_path / "out.parquet") == rows(tmp_path / "whole.parquet")


def test_a_finished_folder_is_left_and_another_wish_is_refused(data: Path, tmp_path: Path) -> None:
    negate_file(data, tmp_path / "out", None, NegationOptions(), local(1))

    def never(shards: list[Shard], *_: object) -> None:
        raise AssertionError

    assert negate_file(data, tmp_path / "out", None, NegationOptions(), never).rows == 25  # type: ignore[arg-type]
    with pytest.raises(OmniNegClipError, match="holds a run with other captions or options"):
        negate_file(data, tmp_path / "out", None, NegationOptions(seed=1), local(1))


def test_what_is_there_is_not_overwritten(data: Path, tmp_path: Path) -> None:
    (tmp_path / "out.parquet").write_text("mine")
    with pytest.raises(OmniNegClipError, match="already exists"):
        negate_file(data, tmp_path / "out.parquet", None, NegationOptions(), local(1))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/mine.txt").write_text("mine")
    with pytest.raises(OmniNegClipError, match="already exists"):
        negate_file(data, tmp_path / "folder", None, NegationOptions(), local(1))


@pytest.mark.parametrize("name", ["plan.json", "part-00000.parquet", "notes.txt"])
def test_a_folder_of_somebody_with_a_common_name_in_it_is_never_touched(
    data: Path, tmp_path: Path, name: str
) -> None:
    for folder, out in (("x", "x"), (".y.parquet.shards", "y.parquet")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text("{}")
        with pytest.raises(OmniNegClipError, match="already exists"):
            negate_file(data, tmp_path / out, None, NegationOptions(), local(1))
        assert [path.name for path in (tmp_path / folder).iterdir()] == [name]
        assert (tmp_path / folder / name).read_text() == "{}"


def test_what_is_not_ours_in_a_working_folder_outlives_the_run(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / ".out.parquet.shards"

    def noting(shards, statistics, options):  # type: ignore[no-untyped-def]
        (folder / "part-of-my-thesis.txt").write_text("mine")
        yield from local(1)(shards, statistics, options)

    negate_file(data, tmp_path / "out.parquet", None, NegationOptions(), noting)
    assert [path.name for path in folder.iterdir()] == ["part-of-my-thesis.txt"]


def test_a_link_as_output_is_refused_and_one_as_working_folder_not_followed(
    data: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("mine")
    (tmp_path / "one.parquet").symlink_to(tmp_path / "nowhere")
    (tmp_path / "two").symlink_to(tmp_path / "nowhere")
    (tmp_path / ".three.parquet.shards").symlink_to(tmp_path / "mine")
    for name in ("one.parquet", "two", "three.parquet"):
        with pytest.raises(OmniNegClipError, match=r"already exists|link to what isn't there"):
            negate_file(data, tmp_path / name, None, NegationOptions(), local(1))
    assert not (tmp_path / "nowhere").exists()
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_the_captions_are_never_written_over_and_an_output_below_a_file_is_one_sentence(
    data: Path, tmp_path: Path
) -> None:
    negate_file(data, tmp_path / "deep/er/in.parquet", None, NegationOptions(), local(1))
    before = (tmp_path / "deep/er/in.parquet").read_bytes()
    with pytest.raises(OmniNegClipError, match="already exists"):
        negate_file(
            tmp_path / "deep/er/in.parquet",
            tmp_path / "deep/er/in.parquet",
            None,
            NegationOptions(),
            local(1),
        )
    assert (tmp_path / "deep/er/in.parquet").read_bytes() == before
    for out in (data, data / "out", data / "out.parquet"):
        with pytest.raises(OmniNegClipError, match=r"already exists|Can't write"):
            negate_file(data, out, None, NegationOptions(), local(1))


def test_one_process_at_a_time_writes_an_output(data: Path, tmp_path: Path) -> None:
    for folder, out in (("x", "x"), (".y.parquet.shards", "y.parquet")):
        with hold(tmp_path / folder), pytest.raises(OmniNegClipError, match="Another process is writing"):
            negate_file(data, tmp_path / out, None, NegationOptions(), local(1))
        assert negate_file(data, tmp_path / out, None, NegationOptions(), local(1)).rows == 25


def test_what_the_rows_depend_on_is_the_identity_of_a_run(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, labels = tmp_path / "out", tmp_path / "labels.jsonl"
    negate_file(data, out, None, NegationOptions(), local(1))
    labels.write_text('{"image_id": "0.jpg", "objects": ["dog"]}')

    def refused(differing: str, labels: Path | None = None, options: NegationOptions | None = None) -> None:
        with pytest.raises(OmniNegClipError, match=rf"other captions or options \({differing}\)"):
            negate_file(data, out, labels, options or NegationOptions(), local(1))

    refused("captions, labels", labels)
    refused("per_caption, hard", options=NegationOptions(per_caption=2, hard=True))
    with monkeypatch.context() as patch:
        patch.setattr(negate, "version", lambda _: "0")
        refused("parser")
    with monkeypatch.context() as patch:
        patch.setattr(negate, "LEXICON", labels)
        refused("lexicon")
    data.write_text(data.read_text().replace("red", "blue", 1))
    refused("captions")


def test_labels_of_other_images_are_refused_before_the_work(data: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text('{"image_id": 7, "objects": ["dog"]}')
    with pytest.raises(OmniNegClipError, match=r"labels no image of .* like '7', .* like '0.jpg'"):
        negate_file(data, tmp_path / "out", tmp_path / "labels.jsonl", NegationOptions(), local(1))
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_one_sentence_and_the_next_try_goes_on(data: Path, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for out in (tmp_path / "out.parquet", tmp_path / "out"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
        try:
            with pytest.raises(OmniNegClipError, match="Can't write"):
                negate_file(data, out, None, NegationOptions(), local(1))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert negate_file(data, out, None, NegationOptions(), local(1)).rows == 25
    assert rows(tmp_path / "out.parquet") == rows(tmp_path / "out")


def test_captions_that_clip_would_cut_are_counted(data: Path, tmp_path: Path) -> None:
    data.write_text("\n".join(["A dog on a sofa.", " ".join(["word"] * 75), " ".join(["word"] * 76)]))
    with negate.console.capture() as said:
        negate_file(data, tmp_path / "out", None, NegationOptions(), local(1))
    assert "1 of 3 rows hold a caption so long that CLIP (77 tokens)" in " ".join(said.get().split())


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """A worker that outlives its parent would hold the pipe open, and this test would not end."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import multiprocessing, os, signal\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from omninegclip.captions.pipeline import _remember\n"
        "if __name__ == '__main__':\n"
        "    spawn = multiprocessing.get_context('spawn')\n"
        "    pool = ProcessPoolExecutor(1, spawn, _remember, (None, None))\n"
        "    pool.submit(print, 'ready', flush=True).result()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "ready\n")


def killed(data: Path, out: Path, step: int) -> None:
    """Run the command in a process that is killed at its `step`-th change of the disk, if it comes so far."""
    child = os.fork()
    if child == 0:
        left = step

        def dying(change: Callable[..., object]) -> Callable[..., object]:
            def count(*args: object, **options: object) -> object:
                nonlocal left
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return change(*args, **options)

            return count

        for name in ("replace", "rename", "unlink", "fsync", "mkdir", "chmod"):
            setattr(os, name, dying(getattr(os, name)))
        try:
            negate_file(data, out, None, NegationOptions(), local(1))
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def damage(path: Path, rng: Random) -> None:
    """Flip a bit, cut a file off, empty or remove it."""
    content = bytearray(path.read_bytes())
    what = rng.choice(["flip", "cut", "empty", "lose"])
    if path.name == MARKER and what == "lose":  # without it the folder may be anybody's, and is left alone
        what = "empty"
    if what == "lose":
        path.unlink()
    elif what == "empty" or not content:
        path.write_bytes(b"")
    elif what == "cut":
        path.write_bytes(content[: rng.randrange(len(content))])
    else:
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)


def try_again(data: Path, out: Path) -> None:
    """Give the same command again; after one that ends in a sentence, once more."""
    try:
        negate_file(data, out, None, NegationOptions(), local(1))
    except OmniNegClipError:
        negate_file(data, out, None, NegationOptions(), local(1))


@pytest.mark.parametrize("case", range(int(os.environ.get("OMNINEGCLIP_CASES", "20"))))
def test_after_any_kill_and_any_damage_the_rows_are_the_same(
    data: Path, tmp_path: Path, whole: list[Row], case: int
) -> None:
    rng = Random(case)
    one_file = bool(case % 2)
    out = tmp_path / "out.parquet" if one_file else tmp_path / "out"
    work = tmp_path / ".out.parquet.shards" if one_file else out
    for _ in range(rng.randint(1, 2)):
        killed(data, out, rng.randint(1, 90))
        written = sorted(path for path in work.rglob("*") if path.is_file() and path.name != LOCK)
        for path in rng.sample(written, min(len(written), rng.randint(0, 2))):
            damage(path, rng)
    if one_file and out.exists():  # done, or killed while it tidied up: it may be refused, and is left whole
        with suppress(OmniNegClipError):
            negate_file(data, out, None, NegationOptions(), local(1))
    else:
        try_again(data, out)
        assert [path.name for path in tmp_path.rglob("*") if "partial" in path.name] == []
    assert rows(out) == whole


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    folder = tmp_path_factory.mktemp("whole")
    (folder / "tokens.txt").write_text("\n".join([*LINES, "x.jpg#0\t🐴"]))
    negate_file(folder / "tokens.txt", folder / "out", None, NegationOptions(), local(1))
    return rows(folder / "out")
