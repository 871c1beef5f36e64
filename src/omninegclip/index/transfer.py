"""Vectors that were made elsewhere into an index, and an index out to Parquet."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from omninegclip.data.parquet import batches, open_parquet
from omninegclip.data.sources import check, readable, text_lines
from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_file
from omninegclip.index.names import id_of, text_of
from omninegclip.index.rows import schema, table_of
from omninegclip.index.store import Store
from omninegclip.index.update import Changes
from omninegclip.progress import track

COLUMNS = ("image_path", "path", "url", "key")  # that name an image in a Parquet file, the first one first
_BATCH = 20_000


class VectorFile(NamedTuple):
    """Vectors [n, d] that stay on the disk, the file they are in, and the n paths of their images."""

    array: Embeddings
    file: Path
    names: list[str]


def open_vectors(vectors: Path, paths: Path, dim: int) -> list[VectorFile]:
    """Open vectors that were made elsewhere, with the paths of their images.

    Both may be folders as clip-retrieval writes them, `img_emb` and `metadata`, whose files belong together
    by their order.

    Args:
        vectors: .npy, as float32 or float16, or a folder of such files.
        paths: a line each, or Parquet with a column `image_path`, `path`, `url` or `key`; or a folder.
        dim: size d of a vector.

    Raises:
        OmniNegClipError: they can't be read, don't fit together, or the vectors have another size.
    """
    opened = [VectorFile(_array(file, dim), file, _names(names)) for file, names in _pairs(vectors, paths)]
    for array, file, names in opened:
        if len(array) != len(names):
            raise OmniNegClipError(
                f"{file} holds {len(array):,} vectors, and there are {len(names):,} paths for them."
            )
    return opened


def import_vectors(store: Store, vectors: Sequence[VectorFile]) -> Changes:
    """Write vectors into an index; of rows with the same path the last one counts.

    Args:
        store: an index that this process may write, whose model made the vectors.
        vectors: of the size that those of the index have.

    Raises:
        OmniNegClipError: a vector is zero or not finite.
    """
    there = {each for batch in store.engine.read(["id"]) for each in batch["id"].to_pylist()}
    changes = Changes()
    steps = [(each, start) for each in vectors for start in range(0, len(each.array), _BATCH)]
    for (array, file, names), start in track(steps, "Importing", len(steps)):
        part = _unit(np.asarray(array[start : start + _BATCH], np.float32), file, start)
        last = {id_of(name): row for row, name in enumerate(names[start : start + _BATCH])}
        new = [row for key, row in last.items() if key not in there]
        old = [row for key, row in last.items() if key in there]
        for some, write in ((new, store.engine.add), (old, store.engine.replace)):
            if some:
                write(table_of([{"path": names[start + row]} for row in some], part[some]))
        there |= last.keys()
        changes.new, changes.changed = changes.new + len(new), changes.changed + len(old)
    store.engine.tidy()
    changes.total = store.engine.count()
    return changes


def export(store: Store, out: Path) -> int:
    """Write all rows of an index, with their vectors, to a Parquet file, and return how many there are."""
    ids = sorted(each for batch in store.engine.read(["id"]) for each in batch["id"].to_pylist())
    starts = range(0, len(ids), _BATCH)
    columns = schema(store.header.dim)
    with atomic_file(out) as partial, pq.ParquetWriter(partial, columns) as writer:
        for start in track(starts, "Exporting", len(starts)):
            rows = store.engine.get(ids[start : start + _BATCH]).select(columns.names)
            writer.write_table(pa.table(rows.columns, schema=columns))
    return len(ids)


def _pairs(vectors: Path, paths: Path) -> Iterator[tuple[Path, Path]]:
    arrays, names = _files(vectors, (".npy",)), _files(paths, (".txt", ".parquet"))
    if len(arrays) != len(names):
        raise OmniNegClipError(
            f"{vectors} has {len(arrays)} files of vectors, and {paths} has {len(names)} of paths: as "
            "many are needed."
        )
    return zip(arrays, names, strict=True)


def _files(path: Path, suffixes: Sequence[str]) -> list[Path]:
    if not path.is_dir():
        return [path]
    # clip-retrieval numbers its files: 2 comes before 10
    files = [each for each in path.iterdir() if each.suffix in suffixes]
    if not files:
        raise OmniNegClipError(f"{path} holds no file that ends on {' or '.join(suffixes)}.")
    return sorted(files, key=lambda each: (len(each.name), each.name))


def _array(file: Path, dim: int) -> Embeddings:
    try:
        with readable(file):
            # np.load would take a zip or a pickle for an array, if that is what the file is
            array: Embeddings = np.lib.format.open_memmap(file, "r")
    except OmniNegClipError:
        raise
    except Exception as error:  # on a broken header, numpy raises nearly anything
        raise OmniNegClipError(
            f"Can't read {file}: it is no .npy file of numbers, or it is cut off."
        ) from error
    if array.ndim != 2 or array.dtype.kind != "f":
        raise OmniNegClipError(
            f"{file} holds {array.dtype} of shape {array.shape}: a table of float vectors is needed."
        )
    if array.shape[1] != dim:
        raise OmniNegClipError(
            f"{file} holds vectors of {array.shape[1]} numbers, and those of the model have {dim}: name the "
            "model that made them."
        )
    return array


def _unit(part: Embeddings, file: Path, start: int) -> Embeddings:
    lengths = np.linalg.norm(part, axis=1)
    wrong = ~(np.isfinite(lengths) & (lengths > 0))
    if wrong.any():
        row = start + int(wrong.argmax())
        raise OmniNegClipError(f"Row {row:,} of {file} is no vector: it is zero, or not finite.")
    return np.asarray(part / lengths[:, None], np.float32)


def _names(file: Path) -> list[str]:
    if file.suffix != ".parquet":
        return [_name(line, f"Line {row:,} of {file}") for row, line in enumerate(text_lines(file), 1)]
    with open_parquet(file) as stored:
        column = next((name for name in COLUMNS if name in stored.schema_arrow.names), None)
        if column is None:
            raise OmniNegClipError(
                f"{file} has no column {', '.join(COLUMNS)} that says which image is meant."
            )
        values = (value for batch in batches(stored, file, [column]) for value in batch[column].to_pylist())
        return [_name(value, f"{column!r} of row {row:,} of {file}") for row, value in enumerate(values)]


def _name(value: object, what: str) -> str:
    text = text_of(check(str(value) if type(value) is int else value, str, what))
    if not text:
        raise OmniNegClipError(f"{what} is empty: the path of an image is needed.")
    return text
