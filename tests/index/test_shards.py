"""Vectors in Parquet shards become the rows of an index that was made directly."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command_line import call
from image_folders import bring_up_to_date, draw, draw_photos, stored

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.save import save_clip
from omninegclip.errors import OmniNegClipError
from omninegclip.index import shards
from omninegclip.index.decode import Decoded, Task
from omninegclip.index.embed import on_this_machine
from omninegclip.index.shards import Shards
from omninegclip.index.store import Header, writable_store
from omninegclip.index.transfer import import_vectors, open_vectors
from omninegclip.index.update import Changes, update

COUNT = 5


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return draw_photos(tmp_path / "photos", COUNT)


def header(encoder: ClipEncoder) -> Header:
    return Header.of(encoder, "tiny")


def parts(place: Path) -> list[Path]:
    return sorted(place.iterdir())


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_folder_through_shards_is_a_folder_in_an_index(
    photos: Path, tmp_path: Path, encoder: ClipEncoder, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "ROWS", 2)
    place, embed = tmp_path / "shards", on_this_machine(encoder, 1)
    made = Shards(f"{scheme}{place}", header(encoder)).update([photos], embed)
    assert made == Changes(new=COUNT, unreadable=1, total=COUNT)
    assert [len(pq.read_table(part)) for part in parts(place)] == [2, 2, 1]
    again = Shards(f"{scheme}{place}", header(encoder)).update([photos], embed)
    assert again == Changes(unchanged=COUNT, unreadable=1, total=COUNT)
    draw(photos / "00.png", 77)
    draw(photos / "new.png", 8)
    third = Shards(f"{scheme}{place}", header(encoder)).update([photos], embed)
    assert third == Changes(new=1, changed=1, unchanged=COUNT - 1, unreadable=1, total=COUNT + 1)

    bring_up_to_date(tmp_path / "local", [photos], encoder)
    with writable_store(str(tmp_path / "db"), header(encoder)) as store:
        changes = import_vectors(store, open_vectors(place, None, encoder.dim))
        assert changes.total == COUNT + 1
    found, expected = stored(tmp_path / "db"), stored(tmp_path / "local")
    assert found.keys() == expected.keys()
    for path, row in expected.items():
        np.testing.assert_allclose(found[path]["vector"], row["vector"], atol=1e-6)
        assert {**found[path], "vector": None} == {**row, "vector": None}
    with writable_store(str(tmp_path / "db"), header(encoder)) as store:  # the index goes on from there
        assert update(store, [photos], embed).unchanged == COUNT + 1


def test_a_stopped_run_keeps_what_is_done(photos: Path, tmp_path: Path, encoder: ClipEncoder) -> None:
    embed = on_this_machine(encoder, 1)

    def stopped(tasks: list[Task]) -> Iterator[Decoded]:
        for done, each in enumerate(embed(tasks)):
            if done == 3:
                raise KeyboardInterrupt
            yield each

    with pytest.raises(KeyboardInterrupt):
        Shards(str(tmp_path / "s"), header(encoder)).update([photos], stopped)  # type: ignore[arg-type]
    assert sum(len(pq.read_table(part)) for part in parts(tmp_path / "s")) == 2  # and one unreadable file
    assert Shards(str(tmp_path / "s"), header(encoder)).update([photos], embed).new == COUNT - 2


def test_a_full_disk_leaves_no_half_shard(
    photos: Path, tmp_path: Path, encoder: ClipEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(table: pa.Table, file: object, **_: object) -> None:
        file.write(b"PAR1 and no more")  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shards.pq, "write_table", full)
    with pytest.raises(OmniNegClipError, match="No space left on device"):
        Shards(str(tmp_path / "s"), header(encoder)).update([photos], on_this_machine(encoder, 1))
    assert parts(tmp_path / "s") == []


def test_what_lies_there_already_is_not_mixed(photos: Path, tmp_path: Path, encoder: ClipEncoder) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    for place, says in (
        (tmp_path / "mine", "letter.txt, which is no shard"),
        (photos / "00.png", "is a file"),
    ):
        with pytest.raises(OmniNegClipError, match=says):
            Shards(str(place), header(encoder))
    Shards(str(tmp_path / "s"), header(encoder)).update([photos], on_this_machine(encoder, 1))
    other = Header("other", 16, "x", "y", {})
    with pytest.raises(
        OmniNegClipError, match="does not hold vectors of other as it is now: name a new folder"
    ):
        Shards(str(tmp_path / "s"), other)
    parts(tmp_path / "s")[0].write_bytes(b"PAR1")
    with pytest.raises(OmniNegClipError, match="is damaged, or no shard"):
        Shards(str(tmp_path / "s"), header(encoder))


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"path": ["a"]}, "has no column vector"),
        ({"vector": [[1.0] * 16]}, "has no column path"),
        ({"path": ["a"], "vector": [[1.0] * 8]}, "vectors that are not 16 numbers each"),
        ({"path": ["a", "b"], "vector": [[1.0] * 16, None]}, "vectors that are not 16 numbers each"),
        ({"path": ["a"], "vector": [[1.0] * 15 + [None]]}, "vectors that are not 16 numbers each"),
        ({"path": ["a"], "vector": [[0.0] * 16]}, "Row 0 of .* is no vector"),
        ({"path": ["a"], "vector": [[1] * 16]}, "The column vector of .* holds list<element: int64>"),
        ({"path": ["a"], "vector": ["x"]}, "The column vector of .* holds string"),
        ({"path": [None, "a"], "vector": [[1.0] * 16] * 2, "camera": [None] * 2}, "'path' of row 0 of"),
        ({"path": ["a"], "width": [1.5], "vector": [[1.0] * 16]}, "holds numbers that an index can't"),
        ({"path": [3], "vector": [[1.0] * 16]}, "The column path of .* holds int64: string is needed"),
        ({"path": ["a"], "size": ["big"], "vector": [[1.0] * 16]}, "The column size of .* holds string"),
    ],
)
def test_parquet_that_does_not_fit(columns: dict[str, list[object]], says: str, tmp_path: Path) -> None:
    pq.write_table(pa.table(columns), tmp_path / "v.parquet")
    with (
        writable_store(str(tmp_path / "db"), Header("tiny", 16, "", "", {})) as store,
        pytest.raises(OmniNegClipError, match=says),
    ):
        import_vectors(store, open_vectors(tmp_path / "v.parquet", None, 16))


@pytest.mark.parametrize("said", [b"no json", b"[]", b"{}", b'{"model": 3}', b"[" * 100_000, b"\xff"])
def test_a_damaged_header_is_one_sentence(said: bytes, tmp_path: Path) -> None:
    columns = pa.table({"path": ["a"], "vector": [[1.0] * 16]})
    pq.write_table(columns.replace_schema_metadata({b"omninegclip": said}), tmp_path / "v.parquet")
    with pytest.raises(OmniNegClipError, match=r"is damaged|has the header of another version"):
        open_vectors(tmp_path / "v.parquet", None, 16)


def test_what_was_not_written_to_its_end_is_no_shard(
    photos: Path, tmp_path: Path, encoder: ClipEncoder
) -> None:
    Shards(str(tmp_path / "s"), header(encoder)).update([photos], on_this_machine(encoder, 1))
    (tmp_path / "s" / ".000001-00000000.parquet").write_bytes(b"")  # as kill -9 leaves it
    assert sum(each.count for each in open_vectors(tmp_path / "s", None, encoder.dim)) == COUNT


def test_the_later_row_counts_whatever_shards_are_there(
    photos: Path, tmp_path: Path, encoder: ClipEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "ROWS", 2)
    place, embed = tmp_path / "s", on_this_machine(encoder, 1)
    Shards(str(place), header(encoder)).update([photos], embed)
    first, second, _ = parts(place)
    first.unlink()
    second.rename(place / "of last year.parquet")
    draw(photos / "02.png", 50)
    draw(photos / "04.png", 51)
    again = Shards(str(place), header(encoder)).update([photos], embed)
    assert (again.new, again.changed, again.unchanged) == (2, 2, 1)
    assert Shards(str(place), header(encoder)).update([photos], embed).unchanged == COUNT
    with writable_store(str(tmp_path / "db"), header(encoder)) as store:
        import_vectors(store, open_vectors(place, None, encoder.dim))
        assert update(store, [photos], embed).unchanged == COUNT


def test_a_flipped_byte_is_told(photos: Path, tmp_path: Path, encoder: ClipEncoder) -> None:
    Shards(str(tmp_path / "s"), header(encoder)).update([photos], on_this_machine(encoder, 1))
    (part,) = parts(tmp_path / "s")
    whole = part.read_bytes()
    place = pq.ParquetFile(part).metadata.row_group(0).column(14).data_page_offset + 60  # among the vectors
    part.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    with (
        writable_store(str(tmp_path / "db"), header(encoder)) as store,
        pytest.raises(OmniNegClipError, match=part.name),
    ):
        import_vectors(store, open_vectors(part, None, encoder.dim))


def test_names_that_are_no_utf_8_keep_their_bytes(photos: Path, tmp_path: Path, encoder: ClipEncoder) -> None:
    (photos / "00.png").rename(photos / os.fsdecode(b"bad\xff\xfe.png"))
    bring_up_to_date(tmp_path / "local", [photos], encoder)
    Shards(str(tmp_path / "s"), header(encoder)).update([photos], on_this_machine(encoder, 1))
    with writable_store(str(tmp_path / "db"), header(encoder)) as store:
        import_vectors(store, open_vectors(tmp_path / "s", None, encoder.dim))
    assert stored(tmp_path / "db").keys() == stored(tmp_path / "local").keys()


def test_parquet_of_others_is_taken_as_far_as_it_fits(tmp_path: Path) -> None:
    columns = {
        "path": pa.array(["a", "b"], pa.large_string()),
        "size": pa.array([3, None], pa.int32()),
        "width": pa.array([40.0, None]),
        "latitude": pa.array([float("nan"), 1.0]),
        "vector": pa.array([[1.0] * 16, [2.0] * 16], pa.large_list(pa.float64())),
    }
    pq.write_table(pa.table(columns), tmp_path / "v.parquet")
    with writable_store(str(tmp_path / "db"), Header("tiny", 16, "", "", {})) as store:
        assert import_vectors(store, open_vectors(tmp_path / "v.parquet", None, 16)).new == 2
    rows = stored(tmp_path / "db")
    assert [rows["a"][name] for name in ("size", "width", "latitude")] == [3, 40, None]
    twice = pa.Table.from_arrays([pa.array(["a"])] * 2, names=["path", "path"])
    pq.write_table(twice, tmp_path / "twice.parquet")
    with pytest.raises(OmniNegClipError, match="two columns of one name"):
        open_vectors(tmp_path / "twice.parquet", None, 16)


def test_a_place_that_takes_nothing_is_said_before_the_work(
    photos: Path, tmp_path: Path, encoder: ClipEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.implementations.local import LocalFileSystem

    def refused(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(LocalFileSystem, "pipe_file", refused)
    with pytest.raises(OmniNegClipError, match="Read-only file system"):
        Shards(str(tmp_path / "s"), header(encoder))


def test_arrays_without_paths_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.ones((2, 16), np.float32))
    with pytest.raises(OmniNegClipError, match=r"v\.npy holds vectors alone: name the --paths"):
        open_vectors(tmp_path / "v.npy", None, 16)


def test_the_verb(photos: Path, tmp_path: Path, encoder: ClipEncoder) -> None:
    save_clip(tmp_path / "clip", encoder, base="tiny")
    make = ("index", "photos", "--model", "clip", "--json")
    code, out, _ = call(*make, "--shards", "s", cwd=tmp_path)
    assert (code, json.loads(out)["new"]) == (0, COUNT)
    code, out, _ = call("index", "--vectors", "s", "--db", "db", "--model", "clip", "--json", cwd=tmp_path)
    assert (code, json.loads(out)["new"]) == (0, COUNT)
    code, out, _ = call(*make, "--db", "db", cwd=tmp_path)  # it is an index like any other
    assert (code, json.loads(out)["unchanged"]) == (0, COUNT)
    assert call("export", "--db", "db", "--to", "out.parquet", cwd=tmp_path)[0] == 0
    code, out, _ = call(
        "index", "--vectors", "out.parquet", "--db", "db2", "--model", "clip", "--json", cwd=tmp_path
    )
    assert (code, json.loads(out)["new"]) == (0, COUNT)
    code, _, errors = call("index", "--vectors", "s", "--db", "db3", cwd=tmp_path)  # scenes-small
    assert code == 2 or code == 1
    assert "name the model" in " ".join(errors.split())
    for wrong in ((), ("--shards", "s", "--db", "db")):
        code, _, errors = call(*make, *wrong, cwd=tmp_path)
        assert code != 0
        assert "needs --db, or --shards instead" in " ".join(errors.split())
