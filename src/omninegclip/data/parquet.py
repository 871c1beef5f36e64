"""Untrusted Parquet: a few bytes may unpack to many, so sizes are checked before anything is unpacked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from omninegclip.data.sources import readable
from omninegclip.errors import OmniNegClipError

BATCH = 1024  # rows: images of 1 MB in them stay below the 2 GB that an array holds
_RATIO = 50  # how many bytes a byte on the disk may become; texts become about 10
_FLOOR = 64 << 20  # bytes that any file may become
_ROWS = 100_000  # that any file may have, and
_ROWS_PER_BYTE = 20  # of a larger one
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


@contextmanager
def open_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """Yield a Parquet file whose footer claims no more than its size can hold; texts stay dictionaries in it.

    Raises OmniNegClipError for a file that is no Parquet, or claims more.
    """
    with readable(path):
        try:
            file = pq.ParquetFile(path)
            _refuse_claims(file.metadata, path)
            texts = [
                column.path
                for column in (file.schema.column(index) for index in range(len(file.schema)))
                if column.physical_type == "BYTE_ARRAY" and column.logical_type.type in ("STRING", "NONE")
            ]
            with file, pq.ParquetFile(path, read_dictionary=texts, page_checksum_verification=True) as small:
                yield small
        except pa.ArrowException as error:
            raise OmniNegClipError(f"{path} is not a readable Parquet file: {error}.") from error


def batches(
    file: pq.ParquetFile, path: Path, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file that `open_parquet` gave, batch by batch, their texts unpacked.

    Raises OmniNegClipError when they would take more than the file's size can hold.
    """
    allowed = _allowed(path)
    for batch in file.iter_batches(BATCH, columns=columns):
        allowed -= sum(_unpacked(column) for column in batch.columns)
        if allowed < 0:
            raise _bomb(path)
        yield batch.cast(_plain_schema(batch.schema))


def _plain_schema(schema: pa.Schema) -> pa.Schema:
    """Return a schema with the types of the values in place of dictionaries."""
    return pa.schema([field.with_type(_plain(field.type)) for field in schema])


def _refuse_claims(footer: pq.FileMetaData, path: Path) -> None:
    claimed = sum(
        footer.row_group(group).column(column).total_uncompressed_size
        for group in range(footer.num_row_groups)
        for column in range(footer.num_columns)
    )
    rows = max(_ROWS, _ROWS_PER_BYTE * path.stat().st_size)
    if claimed > _allowed(path) or footer.num_rows > rows:
        raise _bomb(path)


def _allowed(path: Path) -> int:
    return max(_FLOOR, _RATIO * path.stat().st_size)


def _bomb(path: Path) -> OmniNegClipError:
    return OmniNegClipError(
        f"{path} would take over {_RATIO} times its size in memory: it is damaged or malicious."
    )


def _unpacked(column: pa.Array) -> int:
    """Return the bytes of the texts that a column's dictionaries stand for."""
    if pa.types.is_struct(column.type):
        return sum(_unpacked(part) for part in column.flatten())
    if pa.types.is_map(column.type):
        return _unpacked(column.keys) + _unpacked(column.items)
    if any(test(column.type) for test in _LISTS):
        return _unpacked(column.flatten())
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pc.fill_null(pc.binary_length(column.dictionary), 0).cast(pa.int64())
    return int(pc.sum(lengths.take(column.indices)).as_py() or 0)


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    return kind
