"""Images with their vectors in Parquet shards, in a folder or behind a URL, instead of an index.

Shards are only added; each is written as a whole, so that a kill leaves none that is half written.
"""

import json
import re
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from omninegclip.errors import DamagedError, OmniNegClipError
from omninegclip.index.decode import Decoded, Task
from omninegclip.index.embed import Embedder
from omninegclip.index.places import is_url, reached
from omninegclip.index.rows import schema, table_of
from omninegclip.index.store import Header, header_from
from omninegclip.index.truth import SceneTruth
from omninegclip.index.update import Changes, row_of, tell
from omninegclip.index.walk import find_images
from omninegclip.progress import progress

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

ROWS = 20_000  # of a shard, or
SECONDS = 300  # what was embedded in so many seconds: a kill loses no more
_NUMBERED = re.compile(r"(?:^|/)(\d{6,})-[0-9a-f]{8}\.parquet$")
_METADATA = b"omninegclip"  # of a shard: the header of an index, as JSON


class Shards:
    """A place with shards of one model.

    Attributes:
        known: size and time of the last change of each image that is there, by its path as a text.
    """

    def __init__(self, place: str, header: Header) -> None:
        """Read what is there.

        Args:
            place: a folder, which is made when it is missing, or a URL that fsspec knows.
            header: where the vectors to be written come from.

        Raises:
            OmniNegClipError: it can't be reached, or holds something else, or vectors of another model.
        """
        self.place, self.header = place, header
        self._truth = SceneTruth()
        self.known: dict[str, tuple[int | None, int | None]] = {}
        with self._reached() as (system, folder):
            if system.isfile(folder):
                raise OmniNegClipError(f"{place} is a file: name a folder for shards.")
            system.makedirs(folder, exist_ok=True)
            probe = f"{folder}/.{uuid.uuid4().hex}"
            system.pipe_file(probe, b"")  # says now, not after the work, that nothing can be written
            system.rm(probe)
            listed = [each for each in system.ls(folder, detail=False) if not _is_hidden(each)]
            for file in sorted(listed, key=order):
                if not file.endswith(".parquet"):
                    raise OmniNegClipError(f"{place} holds {file}, which is no shard: name a new folder.")
                self._read(system, file)
            self._next = 1 + max(
                (int(found[1]) for each in listed if (found := _NUMBERED.search(each))), default=-1
            )

    def update(self, folders: Sequence[Path | str], embed: Embedder) -> Changes:
        """Add what is new or changed in `folders`, paths or URLs; raises as `index.update.update` does.

        What has changed has two rows then, of which the later one counts.
        """
        found = find_images(folders)
        found.tell()
        left = [Task(path) for path, state in found.files.items() if self.known.get(path) != state]
        changes = self.write(embed(left) if left else iter(()), len(left))
        changes.unchanged, changes.unreadable = (
            len(found.files) - len(left),
            changes.unreadable + len(found.unread),
        )
        return changes

    def write(self, found: Iterator[Decoded], total: int | None = None) -> Changes:
        """Add images with their vectors, with a bar; one that can't be read is told in a line.

        Stopped, it writes what is done.
        """
        changes, rows, last = Changes(), list[Decoded](), time.monotonic()
        with progress() as bar:
            task = bar.add_task("Embedding", total=total, note="")
            try:
                for each in found:
                    if each.problem:
                        changes.unreadable += 1
                        tell(each.path, each.problem)
                    else:
                        rows.append(each)
                        if each.path in self.known:
                            changes.changed += 1
                        else:
                            changes.new += 1
                    if len(rows) >= ROWS or time.monotonic() - last > SECONDS:
                        full, rows, last = rows, [], time.monotonic()
                        self._add(full)
                    bar.advance(task)
            finally:
                self._add(rows)
        changes.total = len(self.known) + changes.new
        return changes

    def _read(self, system: "AbstractFileSystem", file: str) -> None:
        try:
            with system.open(file, "rb") as opened:
                shard = pq.ParquetFile(opened, page_checksum_verification=True)
                header = header_in(shard.schema_arrow, file)
                if header is None or header.image_fingerprint != self.header.image_fingerprint:
                    raise OmniNegClipError(
                        f"{file} does not hold vectors of {self.header.model} as it is now: name a new "
                        "folder."
                    )
                rows = shard.read(columns=["path", "size", "mtime_ns"]).to_pylist()
                self.known |= {row["path"]: (row["size"], row["mtime_ns"]) for row in rows}
        except (pa.ArrowException, OSError, KeyError, ValueError) as error:
            reason = str(error).strip().partition("\n")[0].rstrip(".")
            raise OmniNegClipError(
                f"{file} is damaged, or no shard ({reason}): take it away, and its images are embedded again."
            ) from error

    def _add(self, rows: Sequence[Decoded]) -> None:
        """Write a shard, if there is anything for it."""
        if rows:
            vectors = np.stack([np.asarray(each.vector, np.float32) for each in rows])
            table = table_of([row_of(each, each.facts, self._truth) for each in rows], vectors)
            name = f"{self._next:06}-{uuid.uuid4().hex[:8]}.parquet"  # two writers don't meet
            with self._reached() as (system, folder):
                partial = f"{folder}/.{name}"
                try:
                    with system.open(partial, "wb") as file:
                        pq.write_table(table.cast(columns_of(self.header)), file, write_page_checksum=True)
                    system.mv(partial, f"{folder}/{name}")
                except OSError as error:
                    with suppress(Exception):
                        system.rm(partial)
                    reason = error.strerror or error
                    raise OmniNegClipError(f"Can't write to {self.place}: {reason}.") from error
                except BaseException:
                    with suppress(Exception):
                        system.rm(partial)
                    raise
            self._next += 1

    @contextmanager
    def _reached(self) -> Iterator["tuple[AbstractFileSystem, str]"]:
        with reached(self.place if is_url(self.place) else str(Path(self.place).resolve())) as (system, path):
            yield system, path.rstrip("/")


def columns_of(header: Header) -> pa.Schema:
    """Return the columns of a Parquet file of vectors, with where they come from."""
    return schema(header.dim).with_metadata({_METADATA: json.dumps(asdict(header)).encode()})


def header_in(columns: pa.Schema, file: object) -> Header | None:
    """Return where the vectors of a Parquet file come from, None where it doesn't say so.

    Raises OmniNegClipError when what it says is damaged.
    """
    said = (columns.metadata or {}).get(_METADATA)
    if said is None:
        return None
    try:
        stored = json.loads(said)
    except (ValueError, RecursionError):
        stored = None
    if not isinstance(stored, dict):
        raise DamagedError(f"{file} is damaged: what it says of its model can't be read.")
    return header_from(stored, file)


def order(file: str) -> tuple[bool, str]:
    """Return what sorts shards as they were written; files of other names come first."""
    name = file.rpartition("/")[2]
    return _NUMBERED.search(name) is not None, name


def _is_hidden(path: str) -> bool:
    return path.rpartition("/")[2].startswith(".")
