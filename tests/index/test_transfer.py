"""Vectors from elsewhere are found as those of our own, and an index comes out as it went in."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command_line import call
from image_folders import Place

from omninegclip.errors import OmniNegClipError
from omninegclip.index.store import Store
from omninegclip.index.transfer import export, import_vectors, open_vectors


def as_files(place: Place, folder: Path, dtype: str = "float32") -> tuple[Path, Path]:
    """Write vectors and paths as clip-retrieval does, in 11 parts."""
    parts = np.array_split(place.vectors.astype(dtype) * 3, 11)  # lengths are ours to make
    first = 0
    for number, part in enumerate(parts):
        for name in ("img_emb", "metadata"):
            (folder / name).mkdir(exist_ok=True)
        np.save(folder / "img_emb" / f"img_emb_{number}.npy", part)
        names = [f"/photos/{row}.jpg" for row in range(first, first + len(part))]
        pq.write_table(pa.table({"image_path": names}), folder / "metadata" / f"metadata_{number}.parquet")
        first += len(part)
    return folder / "img_emb", folder / "metadata"


def vectors_in(store: Store) -> dict[str, list[float]]:
    ids = [each for batch in store.engine.read(["id"]) for each in batch["id"].to_pylist()]
    return {row["path"]: row["vector"] for row in store.engine.get(ids).to_pylist()}


@pytest.mark.parametrize("kind", ["lance", "qdrant"])
def test_in_and_out(kind: str, tmp_path: Path) -> None:
    place = Place(kind, tmp_path, 16)
    with place.writable() as store:
        files = as_files(place, tmp_path)
        changes = import_vectors(store, open_vectors(*files, 16))
        assert (changes.new, changes.changed, changes.total) == (600, 0, 600)
        again = import_vectors(store, open_vectors(*files, 16))
        assert (again.new, again.changed, again.total) == (0, 600, 600)
        found = vectors_in(store)
        for number, vector in enumerate(place.vectors):
            np.testing.assert_allclose(found[f"/photos/{number}.jpg"], vector, atol=1e-6)
        assert export(store, tmp_path / "out.parquet") == 600
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert {row["path"] for row in rows} == set(found)
    for row in rows:
        np.testing.assert_allclose(row["vector"], found[row["path"]], atol=1e-6)


def test_float16_and_lines(tmp_path: Path) -> None:
    place = Place("lance", tmp_path, 16)
    np.save(tmp_path / "v.npy", place.vectors.astype(np.float16))
    (tmp_path / "p.txt").write_text("".join(f"/{number}.jpg\n" for number in range(600)))
    with place.writable() as store:
        assert import_vectors(store, open_vectors(tmp_path / "v.npy", tmp_path / "p.txt", 16)).new == 600
        found = vectors_in(store)
    np.testing.assert_allclose(found["/7.jpg"], place.vectors[7], atol=1e-3)


@pytest.mark.parametrize(
    ("array", "lines", "says"),
    [
        (np.ones((3, 16), np.float32), 2, "3 vectors, and there are 2 paths"),
        (np.ones((3, 8), np.float32), 3, "vectors of 8 numbers, and those of the model have 16"),
        (np.zeros((3, 16), np.float32), 3, "Row 0 of .* is no vector"),
        (np.array([[1.0] * 16, [np.nan] * 16]), 2, "Row 1 of .* is no vector"),
        (np.ones((3, 16), np.int64), 3, "a table of float vectors"),
        (np.array([object()]), 1, "no .npy file of numbers"),
    ],
)
def test_what_does_not_fit(array: np.ndarray, lines: int, says: str, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", array, allow_pickle=True)
    (tmp_path / "p.txt").write_text("".join(f"/{number}.jpg\n" for number in range(lines)))
    with (
        Place("lance", tmp_path, 16).writable() as store,
        pytest.raises(OmniNegClipError, match=says),
    ):
        import_vectors(store, open_vectors(tmp_path / "v.npy", tmp_path / "p.txt", 16))


def header(shape: str) -> bytes:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    "content",
    [
        header(f"({10**9}, 16)"),
        header(f"({10**30}, 16)"),
        header("(-3, 16)"),
        header("3"),
        header("(" * 9000),
        header("(3, 16)") + bytes(191),
        b"PK\x05\x06" + bytes(18),  # an empty zip, which numpy takes for an .npz
        b"",
    ],
)
def test_what_is_no_array_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "v.npy").write_bytes(content)
    (tmp_path / "p.txt").write_text("a\nb\nc\n")
    with pytest.raises(OmniNegClipError, match=r"v\.npy: it is no \.npy file of numbers"):
        open_vectors(tmp_path / "v.npy", tmp_path / "p.txt", 16)


def test_a_pipe_of_vectors_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "v.npy")
    with pytest.raises(OmniNegClipError, match=r"v\.npy is a pipe or a device"):
        open_vectors(tmp_path / "v.npy", tmp_path / "v.npy", 16)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["a", None], "'path' of row 1 of .* is of type NoneType: str is needed"),
        ([["a"], ["b"]], "'path' of row 0 of .* is of type list: str is needed"),
        (["a", ""], "'path' of row 1 of .* is empty"),
        (["a", "b\0"], "holds a NUL"),
    ],
)
def test_what_is_no_path_is_told_by_row(names: list[object], says: str, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.ones((2, 16), np.float32))
    pq.write_table(pa.table({"path": names}), tmp_path / "p.parquet")
    with pytest.raises(OmniNegClipError, match=says):
        open_vectors(tmp_path / "v.npy", tmp_path / "p.parquet", 16)


def test_an_empty_line_is_no_path(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.ones((2, 16), np.float32))
    (tmp_path / "p.txt").write_text("a\n\n")
    with pytest.raises(OmniNegClipError, match=r"Line 2 of .*p\.txt is empty"):
        open_vectors(tmp_path / "v.npy", tmp_path / "p.txt", 16)


def test_vectors_that_do_not_fit_leave_no_index(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.ones((2, 16), np.float32))
    (tmp_path / "p.txt").write_text("a\nb\n")
    options = ["--db=db", "--model=scenes-small", "--vectors=v.npy", "--paths=p.txt", "--device=cpu"]
    code, _, errors = call("index", *options, cwd=tmp_path)
    assert code == 1
    assert "vectors of 16 numbers, and those of the model have 128" in " ".join(errors.split())
    assert not (tmp_path / "db").exists()
