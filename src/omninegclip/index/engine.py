"""What an index needs of a vector database."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.index.where import Condition


class EngineError(OmniNegClipError):
    """An engine can't read or write; the message names its folder or its address."""


class Candidates(NamedTuple):
    """Rows of an index, by keys that mean something to their engine alone, and their vectors [n, d]."""

    keys: Sequence[object]
    vectors: Embeddings


class Searched(Protocol):
    """Rows with L2-normalised vectors, as a search needs them."""

    def count(self, where: Condition | None = None) -> int:
        """Return how many rows fulfil a condition, or how many there are."""

    def scan(self, where: Condition | None = None) -> Iterator[Candidates]:
        """Yield all rows that fulfil a condition, batch by batch."""

    def nearest(self, vector: Embeddings, count: int, where: Condition | None = None) -> Candidates:
        """Return `count` rows or all there are, those with the largest cosines to `vector` [d] first.

        An engine with an approximate index may miss some.
        """

    def facts(self, keys: Sequence[object]) -> list[dict[str, object]]:
        """Return the id and the facts of rows by their keys, in their order."""


class VectorEngine(Searched, Protocol):
    """Keeps rows as `rows.schema` has them; each write is whole or not at all.

    What an engine is asked between two writes, it answers from the same rows.
    """

    def add(self, rows: pa.Table) -> None:
        """Add rows whose ids are new."""

    def replace(self, rows: pa.Table) -> None:
        """Write rows in place of those with the same ids, or add them where there are none."""

    def delete(self, ids: Sequence[str]) -> None:
        """Delete rows by their ids, as far as they are there."""

    def read(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield columns of all rows, batch by batch."""

    def get(self, ids: Sequence[str]) -> pa.Table:
        """Return whole rows by their ids, in any order."""

    def tidy(self) -> None:
        """Put in order what many writes left, and bring the approximate index up to date."""


def vectors_of(column: pa.ChunkedArray | pa.Array) -> Embeddings:
    """Return a column of vectors as an array [n, d]."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    dim = column.type.list_size
    parts = [chunk.flatten().to_numpy(zero_copy_only=False).reshape(-1, dim) for chunk in chunks]
    return np.concatenate(parts) if parts else np.empty((0, dim), np.float32)
