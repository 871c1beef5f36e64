import hashlib
from pathlib import Path

import pytest
from PIL import Image

from omninegclip.data.record import read_records
from omninegclip.errors import OmniNegClipError
from omninegclip.scenes import records
from omninegclip.scenes.objects import KINDS
from omninegclip.scenes.records import RECORDS, write_scenes

KIND = {kind.singular: kind for kind in KINDS}


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_workers(tmp_path: Path) -> None:
    write_scenes(tmp_path / "a", 70, seed=3)
    write_scenes(tmp_path / "b", 70, seed=3, workers=2)
    write_scenes(tmp_path / "c", 70, seed=4)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert digest(tmp_path / "a") != digest(tmp_path / "c")


def test_records_point_to_images_and_say_what_is_in_them(tmp_path: Path) -> None:
    write_scenes(tmp_path / "data", 50, seed=0)
    rows = list(read_records(tmp_path / "data" / RECORDS))
    assert len(rows) == 50
    assert len({row["image_id"] for row in rows}) == 50
    for row in rows:
        with Image.open(tmp_path / "data" / row["image"]) as image:
            assert image.size == (96, 96)
        assert not set(row["objects_present"]) & set(row["objects_absent"])
        assert all(not KIND[name].held_out for name in row["objects_absent"])
        assert row["absence_negated"]
    assert any(row["presence_negated"] for row in rows)


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_below_one_is_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(OmniNegClipError, match=r"--count must be 1 or more, not"):
        write_scenes(tmp_path / "data", count, seed=0)
    assert list(tmp_path.iterdir()) == []


def test_an_occupied_folder_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OmniNegClipError, match="already exists"):
        write_scenes(tmp_path, 5, seed=0)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_interruption_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = records.make_record

    def stop_at_ten(seed: int, index: int) -> tuple[dict[str, object], bytes]:
        if index == 10:
            raise KeyboardInterrupt
        return draw(seed, index)

    monkeypatch.setattr(records, "make_record", stop_at_ten)
    with pytest.raises(KeyboardInterrupt):
        write_scenes(tmp_path / "data", 20, seed=0)
    assert list(tmp_path.iterdir()) == []
