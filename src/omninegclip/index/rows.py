"""What an index holds of each image: the columns of its rows."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from omninegclip.embeddings import Embeddings
from omninegclip.index.names import id_of, lot_of

# The columns that a search may be limited by.
FACTS = {
    "path": pa.string(),
    "size": pa.int64(),
    "modified": pa.string(),
    "width": pa.int64(),
    "height": pa.int64(),
    "taken": pa.string(),
    "camera": pa.string(),
    "latitude": pa.float64(),
    "longitude": pa.float64(),
    "shows": pa.string(),  # everything that is in it, as "beach, dog, kite"; known of drawn scenes alone
}
TIMES = frozenset({"modified", "taken"})  # as YYYY-MM-DDTHH:MM:SS, which sort as times do
STATE = ("id", "path", "size", "mtime_ns", "content")  # what tells whether a file has changed


def schema(dim: int) -> pa.Schema:
    """Return the columns of rows whose vectors have `dim` numbers.

    `id` follows from the path, `content` is the SHA-256 of the file, and `lot` is a number from 0 to 1 that
    was drawn for the row: rows below some bound of it are a random sample of all rows.
    """
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            *(pa.field(name, kind) for name, kind in FACTS.items()),
            pa.field("mtime_ns", pa.int64()),
            pa.field("content", pa.string()),
            pa.field("lot", pa.float64(), nullable=False),
            pa.field("vector", pa.list_(pa.float32(), dim), nullable=False),
        ]
    )


def table_of(files: Sequence[Mapping[str, object]], vectors: Embeddings) -> pa.Table:
    """Return the rows of files with their vectors [n, d]; of a file, `path` is needed and more may be."""
    columns = schema(vectors.shape[1])
    ids = [id_of(str(file["path"])) for file in files]
    made = {
        "id": pa.array(ids, pa.string()),
        "lot": pa.array([lot_of(each) for each in ids], pa.float64()),
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1]),
    }
    known = {
        field.name: pa.array([file.get(field.name) for file in files], field.type)
        for field in columns
        if field.name not in made
    }
    return pa.table(known | made, schema=columns)
