"""Over Ray, folders, Parquet files and tars become the rows of a local run, whatever dies meanwhile."""

import io
import os
import signal
import sys
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from image_folders import bring_up_to_date, draw_photos, stored

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.errors import OmniNegClipError
from omninegclip.index import ray_engine
from omninegclip.index.embed import embedded
from omninegclip.index.ray_engine import over_ray, rows_over_ray
from omninegclip.index.shards import Shards
from omninegclip.index.store import Header, writable_store
from omninegclip.index.transfer import import_vectors, open_vectors
from omninegclip.index.update import Changes, add_rows, update

COUNT, NAN = 12, float("nan")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return draw_photos(tmp_path / "photos", COUNT)


def over(db: Path, photos: Path | str, encoder: ClipEncoder) -> Changes:
    with writable_store(str(db), Header.of(encoder, "tiny")) as store:
        return update(store, [photos], over_ray(encoder, 1))


def vectors(db: Path) -> dict[str, np.ndarray]:
    return {Path(path).name: np.array(row["vector"]) for path, row in stored(db).items()}


def same(db: Path, local: Path) -> None:
    found, expected = vectors(db), vectors(local)
    assert set(found) == set(expected)
    for name, vector in expected.items():
        np.testing.assert_allclose(found[name], vector, atol=1e-6)


class Dying(ray_engine._Embed):
    """Is killed as it embeds its first batch, once."""

    marker = Path()

    def __call__(self, batch: pa.Table) -> pa.Table:
        if not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(batch)


@pytest.mark.parametrize(
    ("row", "image"),
    [
        (
            {"__url__": "x.tar", "__key__": "a/1", "jpg": NAN, "png": b"p", "txt": b"c"},
            ("x.tar/a/1.png", b"p"),
        ),
        ({"__url__": "x.tar", "__key__": "2", "jpg": NAN, "txt": b"c"}, ("x.tar/2.", b"")),
        ({"image": {"bytes": b"i", "path": "a.jpg"}, "label": 3}, ("a.jpg", b"i")),
        ({"bytes": b"i", "url": "https://a/b.jpg", "image_path": None}, ("https://a/b.jpg", b"i")),
    ],
)
def test_the_image_of_a_row(row: dict[str, object], image: tuple[str, bytes]) -> None:
    assert ray_engine._image_of(row) == image


@pytest.mark.parametrize(
    "row", [{"path": "a"}, {"image": {"bytes": b"i", "path": None}}, {"image": None, "path": "a"}]
)
def test_a_row_without_an_image_is_one_sentence(row: dict[str, object]) -> None:
    with pytest.raises(OmniNegClipError, match=r"one of image, bytes with the bytes of an image"):
        ray_engine._image_of(row)


def test_rows_keep_every_byte_on_their_way(photos: Path, encoder: ClipEncoder) -> None:
    files = sorted(photos.iterdir())
    columns = {"path": [each.name for each in files], "image": [each.read_bytes() for each in files]}
    rows = ray_engine._decode_rows(encoder.transform, frozenset({"00.png"}), pa.table(columns))
    done = embedded(ray_engine._unpacked(rows, encoder.transform.size), encoder)
    found = {each.path: each for each in ray_engine._unpacked(ray_engine._packed(done))}
    assert set(found) == {each.name for each in files[1:]}
    assert "not an image file" in found["broken.jpg"].problem
    for file in files[1:-1]:
        np.testing.assert_allclose(found[file.name].vector, encoder.embed_image(file)[0], atol=1e-6)
        assert found[file.name].facts["width"] == 40


@pytest.mark.optional
def test_a_folder_and_a_killed_worker(
    photos: Path, tmp_path: Path, encoder: ClipEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers can't import tests
    bring_up_to_date(tmp_path / "local", [photos], encoder)
    monkeypatch.setattr(ray_engine, "BLOCK", 4)
    dying = type("Dying", (Dying,), {"marker": tmp_path / "died"})
    monkeypatch.setattr(ray_engine, "_Embed", dying)
    assert over(tmp_path / "ray", photos, encoder) == Changes(new=COUNT, unreadable=1, total=COUNT)
    assert (tmp_path / "died").exists()
    same(tmp_path / "ray", tmp_path / "local")
    rows, expected = stored(tmp_path / "ray"), stored(tmp_path / "local")
    for path, row in rows.items():
        assert {**row, "vector": None} == {**expected[path], "vector": None}
    monkeypatch.undo()
    (photos / "00.png").rename(photos / "moved.png")
    again = over(tmp_path / "ray", photos, encoder)
    assert again == Changes(moved=1, unchanged=COUNT - 1, unreadable=1, total=COUNT)


@pytest.mark.optional
def test_parquet_and_tars(photos: Path, tmp_path: Path, encoder: ClipEncoder) -> None:
    bring_up_to_date(tmp_path / "local", [photos], encoder)
    files = sorted(photos.iterdir())
    for number, some in enumerate((files[:5], files[5:])):
        table = pa.table(
            {"image": [each.read_bytes() for each in some], "path": [str(each) for each in some]}
        )
        pq.write_table(table, tmp_path / f"part-{number}.parquet")
        with tarfile.open(tmp_path / f"part-{number}.tar", "w") as tar:
            for each in some:
                for name, content in ((each.name, each.read_bytes()), (f"{each.stem}.txt", b"a photo")):
                    member = tarfile.TarInfo(name)
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
    for kind in ("parquet", "tar"):
        db, source = tmp_path / kind, f"file://{tmp_path}/part-*.{kind}"
        with writable_store(str(db), Header.of(encoder, "tiny")) as store:
            made = add_rows(store, rows_over_ray(source, store.paths(), encoder, 1))
            assert made == Changes(new=COUNT, unreadable=1, total=COUNT)
            again = add_rows(store, rows_over_ray(source, store.paths(), encoder, 1))
            assert again == Changes(unreadable=1, total=COUNT)
        same(db, tmp_path / "local")
    place, header = str(tmp_path / "shards"), Header.of(encoder, "tiny")
    assert Shards(place, header).write(rows_over_ray(source, frozenset(), encoder, 1)).new == COUNT
    again = Shards(place, header)
    assert again.write(rows_over_ray(source, frozenset(again.known), encoder, 1)).new == 0
    with writable_store(str(tmp_path / "db"), header) as store:
        import_vectors(store, open_vectors(Path(place), None, encoder.dim))
    same(tmp_path / "db", tmp_path / "local")


@pytest.mark.optional
def test_parquet_without_images_is_one_sentence(tmp_path: Path, encoder: ClipEncoder) -> None:
    pq.write_table(pa.table({"path": ["a"], "caption": ["b"]}), tmp_path / "a.parquet")
    with (
        writable_store(str(tmp_path / "db"), Header.of(encoder, "tiny")) as store,
        pytest.raises(OmniNegClipError, match=r"^A row has the columns path, caption: one of image, bytes"),
    ):
        add_rows(store, rows_over_ray(str(tmp_path / "a.parquet"), frozenset(), encoder))


@pytest.mark.optional
def test_a_source_that_is_not_there_is_one_sentence(tmp_path: Path, encoder: ClipEncoder) -> None:
    with (
        writable_store(str(tmp_path / "db"), Header.of(encoder, "tiny")) as store,
        pytest.raises(OmniNegClipError, match=r"no-\*\.tar does not exist"),
    ):
        add_rows(store, rows_over_ray(f"file://{tmp_path}/no-*.tar", frozenset(), encoder))
