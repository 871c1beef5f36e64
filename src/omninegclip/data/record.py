"""The record: the one Parquet schema between a captioned collection and the trainer."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from omninegclip.data.parquet import batches, open_parquet
from omninegclip.data.sources import Row
from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_file

REQUIRED = pa.schema(
    [
        pa.field("image", pa.string()),
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("caption", pa.string(), nullable=False),
        pa.field("presence_negated", pa.string()),
        pa.field("absence_negated", pa.string()),
    ]
)
ASSERTION = pa.struct(
    [
        pa.field("text", pa.string()),
        pa.field("affirms", pa.list_(pa.string())),
        pa.field("negates", pa.list_(pa.string())),
        pa.field("holds", pa.bool_()),
        pa.field("affirmed", pa.string()),
        pa.field("denied", pa.list_(pa.string())),
    ]
)
OPTIONAL = pa.schema(
    [
        pa.field("image_bytes", pa.binary()),
        pa.field("objects_present", pa.list_(pa.string())),
        pa.field("objects_absent", pa.list_(pa.string())),
        pa.field("objects_unsure", pa.list_(pa.string())),
        pa.field("contrast_set", pa.list_(ASSERTION)),
    ]
)
ROW_GROUP = 4096


def write_records(path: Path, rows: Iterable[Row]) -> int:
    """Stream `rows` into a Parquet file, whole or not at all, and return how many there were.

    Columns:
        image: path of the image, relative to the file's folder; null in a collection of captions alone.
        image_id: what the captions of one image have in common.
        caption: what is true of the image.
        presence_negated: false, for it negates something that is there; null where there is none.
        absence_negated: true, for it negates something that is not there; null where there is none.
        image_bytes, objects_present, objects_absent: optional, written when the first row has them.
        objects_unsure: optional, what the image may or may not show.
        contrast_set: optional, sentences about the image whose truth is known: each with its `text`, the
            objects that it `affirms`, those that it `negates`, whether it `holds`, and its halves in words,
            what it `affirmed` without its denials (null where nobody can say it) and what is `denied` (null
            for the names of what it negates, which leaves out places).
        any other: provenance, of the type of its value in the first row (text where that is null).

    Raises OmniNegClipError for a row without caption or image_id, with a column that the first row
    lacks, or with a value of another type; and when there is no row at all.
    """
    stream = iter(rows)
    first = next(stream, None)
    if first is None:
        raise OmniNegClipError(f"There is no record to write to {path}: at least one caption is needed.")
    schema, written = _schema_of(first), 0
    stream = chain([first], stream)
    with atomic_file(path) as temporary, _writer(temporary, schema) as writer:
        while group := list(islice(stream, ROW_GROUP)):
            writer.write_table(_to_table(group, schema, path, written))
            written += len(group)
    return written


def read_records(path: Path) -> Iterator[Row]:
    """Yield the rows of a Parquet file, or of all Parquet files of a folder in the order of their names.

    The types are the schema's, whatever the writer's were.

    Raises OmniNegClipError for a file that is no Parquet, lacks a required column, or has one of a
    type that can't be read as the schema's; and for a row whose caption or image_id is null.
    """
    for shard in _shards(path):
        with _open(shard) as parquet:
            start = 0
            for batch in batches(parquet, shard):
                yield from _conform(pa.Table.from_batches([batch]), shard, start).to_pylist()
                start += batch.num_rows


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema, write_page_checksum=True)  # so that a flipped byte is noticed


def _schema_of(first: Row) -> pa.Schema:
    fields = list(REQUIRED)
    for name, value in first.items():
        if name in OPTIONAL.names:
            fields.append(OPTIONAL.field(name))
        elif name not in REQUIRED.names:
            fields.append(pa.field(name, pa.string() if value is None else pa.scalar(value).type))
    return pa.schema(fields)


def _to_table(group: list[Row], schema: pa.Schema, path: Path, start: int) -> pa.Table:
    names = set(schema.names)
    for number, row in enumerate(group, start + 1):
        if strange := sorted(set(row) - names):
            raise OmniNegClipError(
                f"Row {number} for {path} has a column {strange[0]!r} that the first row lacks."
            )
    try:
        table = pa.Table.from_pylist([dict(row) for row in group], schema=schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError) as error:
        raise OmniNegClipError(
            f"Rows {start + 1} to {start + len(group)} don't fit {path}: {error}."
        ) from error
    _refuse_nulls(table, path, start)
    return table


def _shards(path: Path) -> list[Path]:
    shards = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not shards:
        raise OmniNegClipError(f"{path} holds no .parquet file: name a folder or file of records.")
    return shards


@contextmanager
def _open(path: Path) -> Iterator[pq.ParquetFile]:
    if not path.exists():
        raise OmniNegClipError(f"{path} does not exist: name a Parquet file of records.")
    with open_parquet(path) as parquet:
        yield parquet


def _conform(table: pa.Table, path: Path, start: int) -> pa.Table:
    for field in REQUIRED:
        if field.name not in table.column_names:
            raise OmniNegClipError(
                f"{path} has no column {field.name!r}: a record has {', '.join(REQUIRED.names)}."
            )
    for field in [*REQUIRED, *(field for field in OPTIONAL if field.name in table.column_names)]:
        table = _cast(table, field, path)
    _refuse_nulls(table, path, start)
    return table


def _cast(table: pa.Table, field: pa.Field, path: Path) -> pa.Table:
    index = table.column_names.index(field.name)
    found = table.schema.field(index).type
    numbered = field.name == "image_id" and pa.types.is_integer(found)  # pandas keeps COCO's ids as numbers
    textual = pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_dictionary(found)
    if field.type == pa.string() and not (textual or numbered or pa.types.is_null(found)):
        raise OmniNegClipError(f"The column {field.name!r} of {path} is {found}: text is needed.")
    try:
        column = _with_lists(table.column(index)) if field.name == "contrast_set" else table.column(index)
        return table.set_column(index, pa.field(field.name, field.type), column.cast(field.type))
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise OmniNegClipError(
            f"The column {field.name!r} of {path} is {found}: {field.type} is needed."
        ) from error


def _with_lists(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return contrast sets whose sentences negate a list, also from older files, which name one or null."""
    said = column.type.value_type if pa.types.is_list(column.type) else pa.null()
    if not pa.types.is_struct(said) or pa.field("negates", pa.string()) not in list(said):
        return column
    rows = column.to_pylist()
    for each in (each for row in rows for each in row or () if each is not None):
        each["negates"] = [] if each["negates"] is None else [each["negates"]]
    return pa.chunked_array([pa.array(rows, OPTIONAL.field("contrast_set").type)])


def _refuse_nulls(table: pa.Table, path: Path, start: int) -> None:
    for field in REQUIRED:
        column = table.column(field.name)
        if not field.nullable and column.null_count:
            row = start + column.is_null().index(True).as_py() + 1
            raise OmniNegClipError(f"Row {row} of {path} has no {field.name}: every record needs one.")
