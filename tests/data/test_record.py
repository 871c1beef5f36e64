from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from omninegclip.data.record import ROW_GROUP, read_records, write_records
from omninegclip.errors import OmniNegClipError

RECORD = {
    "image": "photos/1.jpg",
    "image_id": "1",
    "caption": "a cat on a mat",
    "presence_negated": "a mat with no cat on it",
    "absence_negated": None,
}


def test_what_is_written_is_read_with_objects_bytes_and_provenance(tmp_path: Path) -> None:
    full = RECORD | {
        "objects_present": ["cat"],
        "objects_absent": [],
        "image_bytes": b"\xff",
        "rule": "object",
        "pmi": 1.5,
    }
    second = full | {"image_id": "2", "absence_negated": "a cat on a mat, no dog in sight", "rule": None}
    assert write_records(tmp_path / "records.parquet", [full, second]) == 2
    assert list(read_records(tmp_path / "records.parquet")) == [full, second]


def test_rows_stream_in_row_groups_and_keep_their_order(tmp_path: Path) -> None:
    path, count = tmp_path / "records.parquet", ROW_GROUP + 5
    write_records(path, (RECORD | {"image_id": str(i)} for i in range(count)))
    assert pq.ParquetFile(path).num_row_groups == 2
    assert [row["image_id"] for row in read_records(path)] == [str(i) for i in range(count)]


def test_a_folder_of_shards_reads_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write_records(tmp_path / f"{name}.parquet", [RECORD | {"image_id": name}])
    assert [row["image_id"] for row in read_records(tmp_path)] == ["a", "b"]


def test_types_that_other_writers_choose_are_brought_to_the_schema(tmp_path: Path) -> None:
    columns = {name: pa.array([value], pa.large_string()) for name, value in RECORD.items()}
    columns |= {"image_id": pa.array([397133]), "absence_negated": pa.nulls(1)}
    columns["caption"] = columns["caption"].cast(pa.string()).dictionary_encode()
    pq.write_table(pa.table(columns), tmp_path / "pandas.parquet")
    assert list(read_records(tmp_path / "pandas.parquet")) == [RECORD | {"image_id": "397133"}]


def test_a_failure_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "records.parquet"
    write_records(path, [RECORD])
    with pytest.raises(OmniNegClipError, match=r"Row 2 of .* has no caption"):
        write_records(path, [RECORD, RECORD | {"caption": None}])
    assert list(read_records(path)) == [RECORD]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no record to write"),
        ([RECORD, RECORD | {"rule": "object"}], "Row 2 .* has a column 'rule'"),
        ([RECORD, RECORD | {"caption": 7}], "Rows 1 to 2 don't fit"),
        ([RECORD | {"caption": "\ud800"}], "Rows 1 to 1 don't fit"),
        ([RECORD | {"image_id": None}], "Row 1 of .* has no image_id"),
    ],
)
def test_rows_that_are_no_records_are_refused(
    tmp_path: Path, rows: list[dict[str, object]], message: str
) -> None:
    with pytest.raises(OmniNegClipError, match=message):
        write_records(tmp_path / "records.parquet", rows)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"caption": None}, "has no column 'caption'"),
        ({"caption": pa.array([1.5])}, "'caption' of .* is double: text is needed"),
        ({"caption": pa.array([None], pa.string())}, "Row 1 of .* has no caption"),
        ({"objects_absent": pa.array([3])}, "'objects_absent' of .* is int64: list"),
    ],
)
def test_a_file_of_another_schema_is_refused(
    tmp_path: Path, change: dict[str, pa.Array | None], message: str
) -> None:
    columns = {name: pa.array([value], pa.string()) for name, value in RECORD.items()} | change
    pq.write_table(pa.table({k: v for k, v in columns.items() if v is not None}), tmp_path / "other.parquet")
    with pytest.raises(OmniNegClipError, match=message):
        list(read_records(tmp_path / "other.parquet"))


def test_what_is_no_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("caption\n")
    with pytest.raises(OmniNegClipError, match="not a readable Parquet file"):
        list(read_records(tmp_path / "text.parquet"))
    with pytest.raises(OmniNegClipError, match="does not exist"):
        list(read_records(tmp_path / "missing.parquet"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(OmniNegClipError, match=r"holds no \.parquet file"):
        list(read_records(tmp_path / "empty"))


def test_a_flipped_byte_in_the_rows_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_records(
        path, [RECORD | {"image_id": str(number), "caption": f"a cat {number}"} for number in range(20)]
    )
    content = bytearray(path.read_bytes())
    content[content.index(b"photos/1")] ^= 1
    path.write_bytes(content)
    with pytest.raises(OmniNegClipError, match="CRC checksum verification failed"):
        list(read_records(path))


def test_contrast_sets_of_older_files_name_one_thing_or_null_and_are_read_as_lists(tmp_path: Path) -> None:
    said = {"text": "a cat but no dog", "affirms": ["cat"], "holds": True, "affirmed": "a cat"}
    rows = [
        RECORD | {"contrast_set": [said | {"negates": "dog"}, said | {"negates": None}]},
        RECORD | {"contrast_set": None},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "old.parquet")
    now = [said | {"negates": ["dog"], "denied": None}, said | {"negates": [], "denied": None}]
    assert [row["contrast_set"] for row in read_records(tmp_path / "old.parquet")] == [now, None]
    several = [said | {"negates": ["dog", "owl"], "denied": ["a dog", "an owl", "on a beach"]}]
    write_records(tmp_path / "new.parquet", [RECORD | {"contrast_set": several}])
    assert next(read_records(tmp_path / "new.parquet"))["contrast_set"] == several


@pytest.mark.parametrize("said", ["a cat", ["a cat"], [{"text": "a cat", "negates": "dog", "holds": "yes"}]])
def test_a_column_that_is_no_contrast_sets_is_refused(tmp_path: Path, said: object) -> None:
    pq.write_table(pa.Table.from_pylist([RECORD | {"contrast_set": said}]), tmp_path / "odd.parquet")
    with pytest.raises(OmniNegClipError, match=r"The column 'contrast_set' of .* is needed"):
        list(read_records(tmp_path / "odd.parquet"))
