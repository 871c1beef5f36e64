"""LanceDB as the engine: one folder, no server; every write is there as a whole or not at all."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.extras import needed_for
from omninegclip.index.engine import Candidates, EngineError, vectors_of
from omninegclip.index.rows import FACTS, schema
from omninegclip.index.where import Condition, in_sql

if TYPE_CHECKING:
    from lancedb.query import LanceVectorQueryBuilder
    from lancedb.table import LanceTable

T = TypeVar("T")
TABLE = "images"
APPROXIMATE_FROM = 50_000  # rows; fewer are scanned, exactly, in milliseconds
PART = 1000  # rows in a part of the approximate index, as it is made
GROWN = 4  # times as many, and it is made anew
PROBED = 25  # parts that a query looks into
KEPT = timedelta(minutes=30)  # how long what was deleted stays for a search that began before
_NAMED = "vector_in_"  # and how many parts


class LanceEngine:
    """Rows in a LanceDB table."""

    def __init__(self, folder: Path, dim: int, *, writing: bool) -> None:
        """Open the table in `folder`; who writes makes it where there is none.

        Raises OmniNegClipError when LanceDB is not installed, or the table is not there or can't be opened.
        """
        with needed_for("An index of images"):
            import lancedb
        with _said(folder):
            database = lancedb.connect(folder)
            if not writing and TABLE not in database.table_names():
                raise OmniNegClipError(
                    f"{folder} is damaged: its table is gone. Index the folders again, into a new --db."
                )
            self._table: LanceTable = (
                database.create_table(TABLE, schema=schema(dim), exist_ok=True)
                if writing
                else database.open_table(TABLE)
            )
            if missing := [name for name in schema(dim).names if name not in self._table.schema.names]:
                raise OmniNegClipError(
                    f"{folder} was made by an earlier version, without the column {missing[0]}: index the "
                    "folders again, into a new --db."
                )
        self._folder = folder

    def count(self, where: Condition | None = None) -> int:
        """Return how many rows fulfil a condition, or how many there are."""
        with _said(self._folder):
            return int(self._now(lambda: self._table.count_rows(None if where is None else in_sql(where))))

    def add(self, rows: pa.Table) -> None:
        """Add rows whose ids are new."""
        with _said(self._folder):
            self._table.add(rows)

    def replace(self, rows: pa.Table) -> None:
        """Write rows in place of those with the same ids, or add them where there are none."""
        with _said(self._folder):
            merge = self._table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
            merge.execute(rows)

    def delete(self, ids: Sequence[str]) -> None:
        """Delete rows by their ids, as far as they are there."""
        with _said(self._folder):
            for some in _some(ids):
                self._table.delete(_among(some))

    def read(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield columns of all rows, batch by batch."""
        with _said(self._folder):
            yield from self._table.search().select(list(columns)).to_batches()

    def get(self, ids: Sequence[str]) -> pa.Table:
        """Return whole rows by their ids, in any order."""
        with _said(self._folder):
            found = [self._now(partial(self._rows, some)) for some in _some(ids)]
        return pa.concat_tables(found) if found else self._table.schema.empty_table()

    def _rows(self, ids: Sequence[str]) -> pa.Table:
        return self._table.search().where(_among(ids)).limit(len(ids)).to_arrow()

    def scan(self, where: Condition | None = None) -> Iterator[Candidates]:
        """Yield all rows that fulfil a condition, batch by batch."""

        def begun() -> Iterator[pa.RecordBatch]:
            query = self._table.search().select(["vector"]).with_row_id(True)
            batches = iter((query if where is None else query.where(in_sql(where))).to_batches())
            return chain(list(islice(batches, 1)), batches)

        with _said(self._folder):
            for batch in self._now(begun):
                yield Candidates(batch["_rowid"].to_pylist(), vectors_of(batch["vector"]))

    def nearest(self, vector: Embeddings, count: int, where: Condition | None = None) -> Candidates:
        """Return `count` rows with the largest cosines to `vector` [d], or all there are."""

        def query() -> "LanceVectorQueryBuilder":
            asked = self._table.search(vector, vector_column_name="vector").distance_type("cosine")
            asked = asked.limit(count).nprobes(PROBED).select(["vector", "_distance"]).with_row_id(True)
            return asked if where is None else asked.where(in_sql(where), prefilter=True)

        with _said(self._folder):
            found = self._now(lambda: query().to_arrow())
        return Candidates(found["_rowid"].to_pylist(), vectors_of(found["vector"]))

    def facts(self, keys: Sequence[object]) -> list[dict[str, object]]:
        """Return the id and the facts of rows by their keys, in their order."""
        if not keys:
            return []
        with _said(self._folder):
            query = self._table.take_row_ids([key for key in keys if isinstance(key, int)])
            found = query.select(["id", *FACTS]).with_row_id().to_arrow().to_pylist()
        by_key = {row.pop("_rowid"): row for row in found}
        if missing := [key for key in keys if key not in by_key]:
            raise EngineError(f"{self._folder} has no row {missing[0]} any more: ask again.")
        return [by_key[key] for key in keys]

    def _now(self, read: Callable[[], T]) -> T:
        """Return what is read; once more of the newest version where this one's files were tidied away."""
        try:
            return read()
        except (OSError, RuntimeError, ValueError):
            self._table.checkout_latest()
            return read()

    def tidy(self) -> None:
        """Join small files, drop what is old, and bring the approximate index up to date."""
        with _said(self._folder):
            self._table.optimize(cleanup_older_than=KEPT)
            # after the files are joined, or all of it would be written a second time
            self._bring_index_up_to_date()

    def _bring_index_up_to_date(self) -> None:
        """Make the approximate index where there are rows enough, and anew where they are many times more."""
        names = [index.name for index in self._table.list_indices()]
        made = {name: int(name.removeprefix(_NAMED)) for name in names if name.startswith(_NAMED)}
        parts, rows = max(made.values(), default=0), self.count()
        if rows >= APPROXIMATE_FROM and rows > GROWN * PART * parts:
            from lancedb.index import IvfFlat

            parts = max(1, rows // PART)
            # few rounds over few rows find centres that serve as well: what is in a part is scored exactly
            index = IvfFlat("cosine", num_partitions=parts, max_iterations=10, sample_rate=32)
            self._table.create_index("vector", config=index, name=f"{_NAMED}{parts}")
        for name in names:  # also of a process that was killed here
            if made.get(name) != parts:
                self._table.drop_index(name)


def _some(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + 1000] for start in range(0, len(ids), 1000))


def _among(ids: Sequence[str]) -> str:
    """Return the condition that picks rows; ids are hexadecimal digits, and need no quoting."""
    return f"id IN ({', '.join(repr(each) for each in ids)})"


@contextmanager
def _said(folder: Path) -> Iterator[None]:
    """Say in a sentence what LanceDB can't read or write."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        first = str(error).strip().partition("\n")[0].partition(", /")[0]
        raise EngineError(
            f"LanceDB can't use {folder}: {first.rstrip('.')}. If that is damage, index the folders again, "
            "into a new --db."
        ) from error
