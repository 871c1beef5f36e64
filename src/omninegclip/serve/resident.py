"""An index's rows held in memory, so that one product answers many queries, and each exactly."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import torch

from omninegclip.embeddings import Embeddings
from omninegclip.index.engine import Candidates, VectorEngine, vectors_of
from omninegclip.index.rows import FACTS
from omninegclip.index.where import Condition

_BLOCK = 10_000


class ResidentRows:
    """Vectors [n, d] and facts of all rows, as they were when the server began; keys are row numbers."""

    def __init__(self, engine: VectorEngine) -> None:
        """Read all rows of an engine."""
        table = pa.Table.from_batches(list(engine.read(["id", *FACTS, "vector"])))
        self.vectors: Embeddings = np.ascontiguousarray(vectors_of(table["vector"]), np.float32)
        self._facts = table.select(["id", *FACTS]).combine_chunks()

    def cosines(self, directions: Embeddings) -> Embeddings:
        """Return the products [n, b] with vectors [b, d], all in one."""
        return (torch.from_numpy(directions) @ torch.from_numpy(self.vectors).T).numpy()

    def beside(self, cosines: Embeddings) -> "ResidentView":
        """Return the rows as an engine for the one query whose products [n] are known."""
        return ResidentView(self, cosines)

    def facts(self, keys: Sequence[object]) -> list[dict[str, object]]:
        """Return the id and the facts of rows by their keys, in their order."""
        return list(self._facts.take(pa.array(keys, pa.int64())).to_pylist())


class ResidentView:
    """The rows, for one query."""

    def __init__(self, rows: ResidentRows, cosines: Embeddings) -> None:
        """Look at `rows` by their products [n] with the query."""
        self._rows, self._cosines = rows, cosines

    def count(self, where: Condition | None = None) -> int:
        """Return how many rows there are."""
        return len(self._cosines)

    def scan(self, where: Condition | None = None) -> Iterator[Candidates]:
        """Yield all rows, block by block."""
        for start in range(0, len(self._cosines), _BLOCK):
            vectors = self._rows.vectors[start : start + _BLOCK]
            yield Candidates(range(start, start + len(vectors)), vectors)

    def nearest(self, vector: Embeddings, count: int, where: Condition | None = None) -> Candidates:
        """Return the `count` rows with the largest products, those first; `vector` is what they are with."""
        best = np.arange(len(self._cosines))
        if count < len(best):
            best = np.argpartition(-self._cosines, count - 1)[:count]
        best = best[np.lexsort((best, -self._cosines[best]))]
        return Candidates(best.tolist(), self._rows.vectors[best])

    def facts(self, keys: Sequence[object]) -> list[dict[str, object]]:
        """Return the id and the facts of rows by their keys, in their order."""
        return self._rows.facts(keys)
