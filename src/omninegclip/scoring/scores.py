"""Scores of queries against a gallery, in blocks or pairs, however they come about."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from omninegclip.embeddings import Embeddings

Rows = slice | NDArray[np.integer]


class Scores(Protocol):
    """A matrix [q, g] of scores that is never held whole; higher fits better."""

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of queries and of gallery items."""

    @property
    def transposed(self) -> "Scores":
        """The same scores with the sides changed."""

    def block(self, rows: Rows, columns: Rows) -> NDArray[np.float32]:
        """Return the scores of some queries with some items, [rows, columns]."""

    def pairs(self, rows: NDArray[np.integer], columns: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the score of each query with one item, [n]; equal embeddings have equal scores."""


class Cosines(NamedTuple):
    """The cosines of queries [q, d] with a gallery [g, d], both L2-normalised, as float32 products."""

    queries: Embeddings
    gallery: Embeddings

    @property
    def shape(self) -> tuple[int, int]:
        """Return the numbers of queries and of gallery items."""
        return len(self.queries), len(self.gallery)

    @property
    def transposed(self) -> Scores:
        """Return the cosines of the gallery with the queries."""
        return Cosines(self.gallery, self.queries)

    def block(self, rows: Rows, columns: Rows) -> NDArray[np.float32]:
        """Return the cosines [rows, columns]."""
        return _float32(self.queries[rows]) @ _float32(self.gallery[columns]).T

    def pairs(self, rows: NDArray[np.integer], columns: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the cosine of each query with one item."""
        left, right = _float32(self.queries[rows]), _float32(self.gallery[columns])
        return np.asarray(np.einsum("nd,nd->n", left, right))


class Transposed(NamedTuple):
    """Any scores with the sides changed."""

    transposed: Scores

    @property
    def shape(self) -> tuple[int, int]:
        """Return the numbers of queries and of gallery items."""
        queries, gallery = self.transposed.shape
        return gallery, queries

    def block(self, rows: Rows, columns: Rows) -> NDArray[np.float32]:
        """Return the scores [rows, columns]."""
        return self.transposed.block(columns, rows).T

    def pairs(self, rows: NDArray[np.integer], columns: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the score of each query with one item."""
        return self.transposed.pairs(columns, rows)


def _float32(array: Embeddings) -> NDArray[np.float32]:
    return np.ascontiguousarray(array, np.float32)
