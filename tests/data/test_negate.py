from pathlib import Path

import pytest

pytest.importorskip("spacy", reason="the negate extra is not installed")
from omninegclip.captions.negate import Row, Wish
from omninegclip.captions.negate import negate as negate_images
from omninegclip.data import negate
from omninegclip.data.negate import Engine, Shard, local, negate_file
from omninegclip.data.record import read_records
from omninegclip.errors import OmniNegClipError

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
    summary = negate_file(data, tmp_path / "one.parquet", None, Wish(), local(1))
    assert (summary.captions, summary.rows, summary.presence, summary.absence) == (25, 25, 24, 24)
    negate_file(data, tmp_path / "two", None, Wish(), local(2))
    assert rows(tmp_path / "one.parquet") == rows(tmp_path / "two")
    assert len(list((tmp_path / "two").glob("*.parquet"))) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.parquet", "tokens.txt", "two"]


def test_an_interrupted_run_goes_on_where_it_stopped(data: Path, tmp_path: Path) -> None:
    done: list[int] = []

    def breaking_after(count: int) -> Engine:
        def run(shards, knowledge, wish):  # type: ignore[no-untyped-def]
            for number, images in shards[:count]:
                done.append(number)
                yield number, list(negate_images(images, knowledge, wish))
            if count < len(shards):
                raise KeyboardInterrupt

        return run

    with pytest.raises(KeyboardInterrupt):
        negate_file(data, tmp_path / "out.parquet", None, Wish(), breaking_after(2))
    assert not (tmp_path / "out.parquet").exists()
    negate_file(data, tmp_path / "out.parquet", None, Wish(), breaking_after(99))
    assert done == [0, 1, 2, 3, 4]
    negate_file(data, tmp_path / "whole.parquet", None, Wish(), local(1))
    assert rows(tmp_path / "out.parquet") == rows(tmp_path / "whole.parquet")


def test_a_finished_folder_is_left_and_another_wish_is_refused(data: Path, tmp_path: Path) -> None:
    negate_file(data, tmp_path / "out", None, Wish(), local(1))

    def never(shards: list[Shard], *_: object) -> None:
        raise AssertionError

    assert negate_file(data, tmp_path / "out", None, Wish(), never).rows == 25  # type: ignore[arg-type]
    with pytest.raises(OmniNegClipError, match="holds a run with other captions or options"):
        negate_file(data, tmp_path / "out", None, Wish(seed=1), local(1))


def test_what_is_there_is_not_overwritten(data: Path, tmp_path: Path) -> None:
    (tmp_path / "out.parquet").write_text("mine")
    with pytest.raises(OmniNegClipError, match="already exists"):
        negate_file(data, tmp_path / "out.parquet", None, Wish(), local(1))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/mine.txt").write_text("mine")
    with pytest.raises(OmniNegClipError, match="already exists"):
        negate_file(data, tmp_path / "folder", None, Wish(), local(1))
