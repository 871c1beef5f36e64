"""Vectors that were made elsewhere into an index, and an index out to Parquet."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from omninegclip.data.parquet import batches, open_parquet
from omninegclip.data.sources import text_lines
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


def import_vectors(store: Store, vectors: Path, paths: Path) -> Changes:
    """Write vectors [n, d] of an .npy file into an index; of rows with the same path the last one counts.

    `vectors` and `paths` may be folders as clip-retrieval writes them, `img_emb` and `metadata`, whose files
    belong together by their order.

    Args:
        store: an index that this process may write, whose model made the vectors.
        vectors: .npy, as float32 or float16, or a folder of such files.
        paths: a line each, or Parquet with a column `image_path`, `path`, `url` or `key`; or a folder.

    Raises:
        OmniNegClipError: they don't fit together, or the vectors have another size or are not finite.
    """
    pairs = _pairs(vectors, paths)
    arrays = [(_opened(file, store), file, _names(names)) for file, names in pairs]
    for array, file, names in arrays:
        if len(array) != len(names):
            raise OmniNegClipError(
                f"{file} holds {len(array):,} vectors, and there are {len(names):,} paths for them."
            )
    there = {each for batch in store.engine.read(["id"]) for each in batch["id"].to_pylist()}
    changes = Changes()
    steps = [(each, start) for each in arrays for start in range(0, len(each[0]), _BATCH)]
    for (array, file, names), start in track(steps, "Importing", len(steps)):
        part = _unit(np.asarray(array[start : start + _BATCH], np.float32), file, start)
        rows = dict(zip(names[start : start + _BATCH], part, strict=True))
        new = [name for name in rows if id_of(name) not in there]
        old = [name for name in rows if id_of(name) in there]
        for some, write in ((new, store.engine.add), (old, store.engine.replace)):
            if some:
                write(table_of([{"path": name} for name in some], np.stack([rows[name] for name in some])))
        there |= {id_of(name) for name in new}
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


def _opened(file: Path, store: Store) -> Embeddings:
    array = _array(file)
    if array.shape[1] != store.header.dim:
        raise OmniNegClipError(
            f"{file} holds vectors of {array.shape[1]} numbers, and {store.where} those of "
            f"{store.header.dim}: name the model that made them."
        )
    return array


def _array(file: Path) -> Embeddings:
    try:
        array: Embeddings = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise OmniNegClipError(f"Can't read {file}: it is no .npy file of numbers.") from error
    if array.ndim != 2 or array.dtype.kind != "f":
        raise OmniNegClipError(
            f"{file} holds {array.dtype} of shape {array.shape}: a table of float vectors is needed."
        )
    return array  # stays on the disk


def _unit(part: Embeddings, file: Path, start: int) -> Embeddings:
    lengths = np.linalg.norm(part, axis=1)
    wrong = ~(np.isfinite(lengths) & (lengths > 0))
    if wrong.any():
        row = start + int(wrong.argmax())
        raise OmniNegClipError(f"Row {row:,} of {file} is no vector: it is zero, or not finite.")
    return np.asarray(part / lengths[:, None], np.float32)


def _names(file: Path) -> list[str]:
    if file.suffix != ".parquet":
        return [text_of(line) for line in text_lines(file)]
    with open_parquet(file) as stored:
        column = next((name for name in COLUMNS if name in stored.schema_arrow.names), None)
        if column is None:
            raise OmniNegClipError(
                f"{file} has no column {', '.join(COLUMNS)} that says which image is meant."
            )
        read = batches(stored, file, [column])
        return [text_of(str(name)) for batch in read for name in batch[column].to_pylist()]
