import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from omninegclip.data.parquet import batches, open_parquet
from omninegclip.data.readers.table import read_captions
from omninegclip.data.record import read_records
from omninegclip.errors import OmniNegClipError


def repeated(text, rows):
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([text]))


def write(path, **columns):
    pq.write_table(pa.table(columns), path, compression="zstd", store_schema=False)
    return path


@pytest.fixture
def repeats(tmp_path):
    """Four gigabytes of caption in a file of under 10 KB."""
    rows, text = 4096, "x" * 1_000_000
    path = write(
        tmp_path / "bomb.parquet", image=repeated("a", rows), image_id=repeated("a", rows),
        caption=repeated(text, rows), presence_negated=repeated("b", rows),
        absence_negated=repeated("c", rows),
    )  # fmt: skip
    assert path.stat().st_size < 10_000
    return path


@pytest.mark.parametrize(
    "read",
    [
        lambda path: list(read_records(path)),
        lambda path: list(read_captions(path, "image", "caption")),
    ],
)
def test_repeated_texts_are_counted_before_they_are_unpacked(repeats, read):
    before = pa.total_allocated_bytes()
    with pytest.raises(OmniNegClipError, match="would take over 50 times its size in memory"):
        read(repeats)
    assert pa.default_memory_pool().max_memory() - before < 1 << 28


def test_nested_repeated_texts_are_counted_too(tmp_path):
    lists = pa.ListArray.from_arrays(pa.array(range(2001), pa.int32()), repeated("x" * 1_000_000, 2000))
    path = write(tmp_path / "bomb.parquet", objects=lists)
    with open_parquet(path) as file, pytest.raises(OmniNegClipError, match="50 times its size"):
        list(batches(file, path))


def test_repeated_texts_of_a_map_are_counted_too(tmp_path):
    texts = repeated("x" * 1_000_000, 2000)
    maps = pa.MapArray.from_arrays(pa.array(range(2001), pa.int32()), repeated("a", 2000), texts)
    path = write(tmp_path / "bomb.parquet", objects=maps)
    with open_parquet(path) as file, pytest.raises(OmniNegClipError, match="50 times its size"):
        list(batches(file, path))


def test_claims_of_the_footer_are_refused(tmp_path):
    zeros = write(tmp_path / "zeros.parquet", a=pa.array([b"\0" * (100 << 20)]))
    rows = write(tmp_path / "rows.parquet", a=repeated("a", 3_000_000))
    for path in (zeros, rows):
        with pytest.raises(OmniNegClipError, match="50 times its size"), open_parquet(path):
            pass


def test_lists_structs_bytes_and_nulls_come_out_as_they_went_in(tmp_path):
    rows = [
        {
            "text": "a",
            "objects": ["b", None],
            "picture": b"\0\1",
            "said": [{"text": "c", "of": ["d"]}],
            "n": 1,
        },
        {"text": None, "objects": None, "picture": None, "said": [], "n": None},
        {"text": "a", "objects": [], "picture": b"\0\1", "said": [{"text": None, "of": None}], "n": 3},
    ]
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, tmp_path / "a.parquet")
    with open_parquet(tmp_path / "a.parquet") as file:
        read = pa.Table.from_batches(batches(file, tmp_path / "a.parquet"))
    assert read.to_pylist() == rows
    assert read.schema.equals(table.schema)
