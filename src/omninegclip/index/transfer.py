"""Vectors that were made elsewhere into an index, and an index out to Parquet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from omninegclip.data.parquet import batches, open_parquet
from omninegclip.data.sources import check, readable, text_lines
from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_file
from omninegclip.index.names import id_of, text_of
from omninegclip.index.rows import schema, table_of
from omninegclip.index.shards import columns_of, header_in, order
from omninegclip.index.store import Header, Store
from omninegclip.index.update import Changes
from omninegclip.progress import progress, track

if TYPE_CHECKING:
    from omninegclip.clip.encoder import ClipEncoder

COLUMNS = ("image_path", "path", "url", "key")  # that name an image in a Parquet file, the first one first
_BATCH = 20_000


# What is known of n images, their paths at least, and their vectors [n, d].
Part = tuple[list[dict[str, object]], Embeddings]


class VectorFile(Protocol):
    """Vectors that stay on the disk, and what is known of their images."""

    @property
    def file(self) -> Path:
        """The file."""

    @property
    def count(self) -> int:
        """How many there are."""

    @property
    def header(self) -> Header | None:
        """Where they come from, None where that isn't said."""

    def parts(self) -> Iterator[Part]:
        """Yield them a part at a time; raises OmniNegClipError for what can't be in an index."""


@dataclass(frozen=True)
class ArrayFile:
    """Vectors [n, d] of an .npy file, which names no model, and the n paths of their images."""

    array: Embeddings
    file: Path
    names: Sequence[str]
    header: None = None

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.names)

    def parts(self) -> Iterator[Part]:
        """Yield them a part at a time."""
        for start in range(0, len(self.names), _BATCH):
            vectors = _unit(np.asarray(self.array[start : start + _BATCH], np.float32), self.file, start)
            yield [{"path": name} for name in self.names[start : start + _BATCH]], vectors


@dataclass(frozen=True)
class ShardFile:
    """A Parquet file with a column of vectors, as `export` and `index --shards` write it."""

    file: Path
    dim: int
    count: int
    header: Header | None

    @classmethod
    def opened(cls, file: Path, dim: int) -> "ShardFile":
        """Look at a file; raises OmniNegClipError when it has no such columns."""
        with open_parquet(file) as stored:
            kept, there = schema(dim), stored.schema_arrow
            if len(set(there.names)) < len(there.names):
                raise OmniNegClipError(f"{file} has two columns of one name: rename one.")
            if missing := {"path", "vector"} - set(there.names):
                raise OmniNegClipError(
                    f"{file} has no column {min(missing)}: path and vector are needed, as export writes "
                    "them; for vectors in .npy name their --paths."
                )
            for name in _known(there):
                kind, needed = there.field(name).type, kept.field(name).type
                kind = kind.value_type if pa.types.is_dictionary(kind) else kind
                empty = pa.types.is_null(kind) and name not in ("path", "vector")
                if not (empty or (_are_vectors(kind) if name == "vector" else _fits(kind, needed))):
                    raise OmniNegClipError(f"The column {name} of {file} holds {kind}: {needed} is needed.")
            return cls(file, dim, stored.metadata.num_rows, header_in(there, file))

    def parts(self) -> Iterator[Part]:
        """Yield them a part at a time, with all that an index keeps of an image."""
        start = 0
        with open_parquet(self.file) as stored:
            columns = _known(stored.schema_arrow)
            for some in _together(batches(stored, self.file, columns)):
                facts = self._facts(some.drop_columns(["vector"]))
                for row, each in enumerate(facts, start):
                    what = f"'path' of row {row:,} of {self.file}"
                    # our own files hold paths as texts already
                    each["path"] = (
                        check(each["path"], str, what) if self.header else _name(each["path"], what)
                    )
                yield facts, _unit(_vectors(some["vector"], self.dim, self.file), self.file, start)
                start += len(facts)

    def _facts(self, rows: pa.Table) -> list[dict[str, object]]:
        """Return what is known of images, in the types that an index has; no number for what is none."""
        kept = schema(self.dim)
        try:
            table = rows.cast(pa.schema([kept.field(name) for name in rows.column_names]))
        except pa.ArrowException as error:
            raise OmniNegClipError(f"{self.file} holds numbers that an index can't: {error}.") from error
        return [  # NaN alone differs from itself
            {name: None if value != value else value for name, value in row.items()}
            for row in table.to_pylist()
        ]


def open_vectors(vectors: Path, paths: Path | None, dim: int) -> Sequence[VectorFile]:
    """Open vectors that were made elsewhere, with the paths of their images.

    Both may be folders as clip-retrieval writes them, `img_emb` and `metadata`, whose files belong together
    by their order.

    Args:
        vectors: .npy, as float32 or float16, or a folder of such files; without `paths` Parquet with the
            columns `path` and `vector`, or a folder of it.
        paths: a line each, or Parquet with a column `image_path`, `path`, `url` or `key`; or a folder.
        dim: size d of a vector.

    Raises:
        OmniNegClipError: they can't be read, don't fit together, or the vectors have another size.
    """
    if paths is None:
        if vectors.suffix == ".npy":
            raise OmniNegClipError(f"{vectors} holds vectors alone: name the --paths of their images.")
        files = sorted(_files(vectors, (".parquet",)), key=lambda each: order(each.name))
        return [ShardFile.opened(file, dim) for file in files]
    opened = [ArrayFile(_array(file, dim), file, _names(names)) for file, names in _pairs(vectors, paths)]
    for each in opened:
        if len(each.array) != len(each.names):
            raise OmniNegClipError(
                f"{each.file} holds {len(each.array):,} vectors, and there are {len(each.names):,} paths for "
                "them."
            )
    return opened


def refuse_other_models(vectors: Sequence[VectorFile], encoder: "ClipEncoder") -> bool:
    """Tell whether all vectors, if there are any, are known to be of a model.

    Raises OmniNegClipError when some are of another model.
    """
    for each in vectors:
        if each.header is not None:
            each.header.refuse(encoder, str(each.file), writing=True)
    return all(each.header is not None and each.header.image_fingerprint != "" for each in vectors)


def import_vectors(store: Store, vectors: Sequence[VectorFile]) -> Changes:
    """Write vectors into an index; of rows with the same path the last one counts.

    Args:
        store: an index that this process may write, whose model made the vectors.
        vectors: of the size that those of the index have.

    Raises:
        OmniNegClipError: a vector is zero or not finite, or a row has no path.
    """
    there = {each for batch in store.engine.read(["id"]) for each in batch["id"].to_pylist()}
    changes = Changes()
    with progress() as bar:
        shown = bar.add_task("Importing", total=sum(each.count for each in vectors), note="")
        for facts, part in (part for each in vectors for part in each.parts()):
            last = {id_of(str(each["path"])): row for row, each in enumerate(facts)}
            new = [row for key, row in last.items() if key not in there]
            old = [row for key, row in last.items() if key in there]
            for some, write in ((new, store.engine.add), (old, store.engine.replace)):
                if some:
                    write(table_of([facts[row] for row in some], part[some]))
            there |= last.keys()
            changes.new, changes.changed = changes.new + len(new), changes.changed + len(old)
            bar.advance(shown, len(facts))
    store.engine.tidy()
    changes.total = store.engine.count()
    return changes


def export(store: Store, out: Path) -> int:
    """Write all rows of an index, with their vectors, to a Parquet file, and return how many there are."""
    ids = sorted(each for batch in store.engine.read(["id"]) for each in batch["id"].to_pylist())
    starts = range(0, len(ids), _BATCH)
    columns = columns_of(store.header)
    with atomic_file(out) as partial, pq.ParquetWriter(partial, columns, write_page_checksum=True) as writer:
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
    # what begins with a dot was not written to its end
    files = [each for each in path.iterdir() if each.suffix in suffixes and not each.name.startswith(".")]
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
    with np.errstate(over="ignore"):  # what is too long is no vector either
        lengths = np.linalg.norm(part, axis=1)
    wrong = ~(np.isfinite(lengths) & (lengths > 0))
    if wrong.any():
        row = start + int(wrong.argmax())
        raise OmniNegClipError(f"Row {row:,} of {file} is no vector: it is zero, or not finite.")
    return np.asarray(part / lengths[:, None], np.float32)


def _known(there: pa.Schema) -> list[str]:
    """Return the columns of a Parquet file that an index has and doesn't make itself."""
    return [name for name in schema(1).names if name in there.names and name not in ("id", "lot")]


def _are_vectors(kind: pa.DataType) -> bool:
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(each(kind) for each in lists) and bool(pa.types.is_floating(kind.value_type))


def _fits(kind: pa.DataType, needed: pa.DataType) -> bool:
    """Tell whether values of a column may be of the type that an index has."""
    if pa.types.is_string(needed):
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _together(parts: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Yield rows in fewer and larger parts, as an engine writes them best."""
    waiting: list[pa.RecordBatch] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= _BATCH:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)


def _vectors(column: pa.ChunkedArray, dim: int, file: Path) -> Embeddings:
    """Return a column of lists as an array [n, d]."""
    lengths = pc.fill_null(pc.list_value_length(column), 0)
    numbers = pc.list_flatten(column)
    if numbers.null_count or not pc.all(pc.equal(lengths, dim)).as_py():
        raise OmniNegClipError(
            f"{file} holds vectors that are not {dim} numbers each, as those of the model are: name the "
            "model that made them."
        )
    return np.asarray(numbers.cast(pa.float32()).to_numpy(), np.float32).reshape(-1, dim)


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
