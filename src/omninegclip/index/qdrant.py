"""Qdrant as the engine: a server that shards and replicates, or a folder of its own for trying it.

The header of an index is the metadata of its collection.
"""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa

from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.extras import needed_for
from omninegclip.index.engine import Candidates, EngineError, vectors_of
from omninegclip.index.rows import FACTS, schema
from omninegclip.index.where import Compare, Condition, Denied, IsKnown, Joined

if TYPE_CHECKING:
    from qdrant_client.models import Filter

SCHEME = "qdrant://"
_BATCH = 1000
Payload = dict[str, Any]


class QdrantEngine:
    """Rows in a Qdrant collection; their keys are their ids."""

    def __init__(self, db: str) -> None:
        """Reach a collection named as qdrant://HOST:PORT/COLLECTION, or qdrant:///FOLDER/COLLECTION.

        Raises OmniNegClipError when the name is another, the client is not installed, or nobody answers.
        """
        with needed_for("A qdrant:// index"):
            from qdrant_client import QdrantClient
        self._where, self._dim = db, 0
        with self._said():
            parts = urlsplit(db)
        folder, _, self._name = parts.path.rpartition("/")
        if not self._name or bool(parts.netloc) == bool(folder):
            raise OmniNegClipError(
                f"{db} names no collection: write qdrant://HOST:PORT/COLLECTION, or "
                "qdrant:///FOLDER/COLLECTION."
            )
        with self._said():
            if folder:
                Path(folder).mkdir(parents=True, exist_ok=True)
            self._client = (
                QdrantClient(path=folder)
                if folder
                else QdrantClient(host=parts.hostname, port=parts.port or 6333)
            )

    def header(self) -> Payload | None:
        """Return what `make` was given, None where there is no collection."""
        with self._said():
            if not self._client.collection_exists(self._name):
                return None
            config = self._client.get_collection(self._name).config
        if not config.metadata:
            raise OmniNegClipError(f"{self._where} holds no index of images: name another collection.")
        self._dim = config.params.vectors.size
        return dict(config.metadata)

    def make(self, header: Payload, dim: int) -> None:
        """Make the collection."""
        from qdrant_client import models

        with self._said():
            size = models.VectorParams(size=dim, distance=models.Distance.COSINE)
            self._client.create_collection(self._name, vectors_config=size, metadata=header)
        self._dim = dim

    def close(self) -> None:
        """Leave the server, or the folder to others."""
        self._client.close()

    def count(self, where: Condition | None = None) -> int:
        """Return how many rows fulfil a condition, or how many there are."""
        with self._said():
            return int(self._client.count(self._name, count_filter=_filter(where), exact=True).count)

    def add(self, rows: pa.Table) -> None:
        """Add rows whose ids are new."""
        self.replace(rows)

    def replace(self, rows: pa.Table) -> None:
        """Write rows in place of those with the same ids, or add them where there are none."""
        from qdrant_client import models

        for start in range(0, rows.num_rows, _BATCH):
            some = rows.slice(start, _BATCH)
            payloads = some.drop_columns(["vector"]).to_pylist()
            batch = models.Batch(
                ids=[str(uuid.UUID(row["id"])) for row in payloads],
                payloads=[
                    {name: value for name, value in row.items() if value is not None} for row in payloads
                ],
                vectors=vectors_of(some["vector"]).tolist(),
            )
            with self._said():
                self._client.upsert(self._name, batch, wait=True)

    def delete(self, ids: Sequence[str]) -> None:
        """Delete rows by their ids, as far as they are there."""
        with self._said():
            for start in range(0, len(ids), _BATCH):
                some = [str(uuid.UUID(each)) for each in ids[start : start + _BATCH]]
                self._client.delete(self._name, some, wait=True)

    def read(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield columns of all rows, batch by batch."""
        wanted = pa.schema([schema(self._dim).field(name) for name in columns])
        for points in self._scroll(None, vectors=False):
            rows = [{name: point.payload.get(name) for name in columns} for point in points]
            yield pa.RecordBatch.from_pylist(rows, wanted)

    def get(self, ids: Sequence[str]) -> pa.Table:
        """Return whole rows by their ids, in any order."""
        with self._said():
            keys = [str(uuid.UUID(each)) for each in ids]
            points = self._client.retrieve(self._name, keys, with_vectors=True) if keys else []
        rows = [{**point.payload, "vector": point.vector} for point in points]
        return pa.Table.from_pylist(rows, schema(self._dim))

    def scan(self, where: Condition | None = None) -> Iterator[Candidates]:
        """Yield all rows that fulfil a condition, batch by batch."""
        for points in self._scroll(where, vectors=True):
            yield _candidates(points, self._dim)

    def nearest(self, vector: Embeddings, count: int, where: Condition | None = None) -> Candidates:
        """Return `count` rows with the largest cosines to `vector` [d], or all there are."""
        with self._said():
            found = self._client.query_points(
                self._name,
                query=vector.tolist(),
                query_filter=_filter(where),
                limit=count,
                with_payload=False,
                with_vectors=True,
            )
        return _candidates(found.points, self._dim)

    def facts(self, keys: Sequence[object]) -> list[dict[str, object]]:
        """Return the id and the facts of rows by their keys, in their order."""
        with self._said():
            points = self._client.retrieve(self._name, list(keys), with_payload=True) if keys else []
        by_key = {point.id: point.payload for point in points}
        return [{name: by_key[key].get(name) for name in ("id", *FACTS)} for key in keys]

    def tidy(self) -> None:
        """Do nothing: Qdrant keeps its own index up to date."""

    def _scroll(self, where: Condition | None, vectors: bool) -> Iterator[list[Any]]:
        offset = None
        while True:
            with self._said():
                points, offset = self._client.scroll(
                    self._name,
                    scroll_filter=_filter(where),
                    limit=_BATCH,
                    offset=offset,
                    with_payload=not vectors,
                    with_vectors=vectors,
                )
            if points:
                yield points
            if offset is None:
                return

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Say in a sentence what the server, or the way to it, does not do."""
        from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

        try:
            yield
        except (
            OSError,
            RuntimeError,
            ValueError,
            ResponseHandlingException,
            UnexpectedResponse,
        ) as error:
            reason = str(error).strip().partition("\n")[0].rstrip(".")
            raise EngineError(f"Qdrant can't use {self._where}: {reason}.") from error


def _candidates(points: Sequence[Any], dim: int) -> Candidates:
    vectors = np.array([point.vector for point in points], np.float32).reshape(-1, dim)
    return Candidates([point.id for point in points], vectors)


def _filter(where: Condition | None) -> "Filter | None":
    from qdrant_client import models

    return None if where is None else models.Filter(must=[_condition(where)])


def _condition(where: Condition) -> Any:
    """Return a condition as Qdrant has it; an unknown fact fulfils no comparison, nor the denial of one."""
    from qdrant_client import models

    match where:
        case IsKnown(column, known):
            empty = models.IsEmptyCondition(is_empty=models.PayloadField(key=column))
            return models.Filter(must_not=[empty]) if known else empty
        case Joined(all_, parts):
            inner = [_condition(part) for part in parts]
            return models.Filter(must=inner) if all_ else models.Filter(should=inner)
        case Denied(part):
            return _denied(part)
        case Compare(column, "=" | "!=", value):
            # Qdrant matches no fractions
            same = (
                models.FieldCondition(key=column, match=models.MatchValue(value=value))
                if isinstance(value, str | int)
                else models.FieldCondition(key=column, range=models.Range(gte=value, lte=value))
            )
            if where.operator == "=":
                return same
            return models.Filter(must=[_condition(IsKnown(column, True))], must_not=[same])
        case Compare(_, "like"):
            raise OmniNegClipError("A Qdrant index knows no `like` in --where: compare with = instead.")
        case Compare(column, operator, value):
            bound = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}[operator]
            if column in FACTS and FACTS[column] == pa.string():
                return _in_time(column, bound, str(value))
            return models.FieldCondition(key=column, range=models.Range(**{bound: value}))


def _denied(part: Condition) -> Any:
    """Return the denial of a condition, by De Morgan's laws, down to comparisons."""
    from qdrant_client import models

    match part:
        case Denied(inner):
            return _condition(inner)
        case Joined(all_, parts):
            return _condition(Joined(not all_, tuple(Denied(each) for each in parts)))
        case IsKnown(column, known):
            return _condition(IsKnown(column, not known))
        case Compare(column):
            known = _condition(IsKnown(column, True))
            return models.Filter(must=[known], must_not=[_condition(part)])


def _in_time(column: str, bound: str, value: str) -> Any:
    from qdrant_client import models

    from omninegclip.index.rows import TIMES

    if column not in TIMES:
        raise OmniNegClipError(f"Qdrant compares no texts by their order: ask {column} with =.")
    return models.FieldCondition(key=column, range=models.DatetimeRange(**{bound: value}))
