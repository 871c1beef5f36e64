"""Brings an index up to date with folders: new, changed, moved and deleted images; a kill loses nothing.

An image is known by its path, size and time of change, and where these differ by its content: what was
moved, copied or touched is not embedded again. Rows are written a few at a time, each time as a whole.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from omninegclip.index.decode import Decoded, Task, time_text
from omninegclip.index.embed import Embedder
from omninegclip.index.names import id_of
from omninegclip.index.rows import STATE, table_of
from omninegclip.index.store import Store
from omninegclip.index.truth import SceneTruth
from omninegclip.index.walk import Found, covers, find_images
from omninegclip.progress import console, progress

WRITTEN = 1024  # rows at a time, or
SECONDS = 10  # what was embedded in so many seconds: a kill loses no more


@dataclass
class Changes:
    """How many images were new, and so on; `total` is what the index holds."""

    new: int = 0
    changed: int = 0
    moved: int = 0
    deleted: int = 0
    unchanged: int = 0
    unreadable: int = 0
    total: int = 0

    def __str__(self) -> str:
        """Say it in a line."""
        return self.told("the index holds")

    def told(self, holds: str) -> str:
        """Say it in a line, of what holds the images."""
        parts = [f"{getattr(self, each.name):,} {each.name}" for each in fields(self) if each.name != "total"]
        return f"{', '.join(parts)}; {holds} {self.total:,} images"


@dataclass(frozen=True, slots=True)
class Known:
    """What an index holds of a file."""

    path: str
    size: int
    mtime_ns: int
    content: str


def update(store: Store, folders: Sequence[Path | str], embed: Embedder) -> Changes:
    """Bring an index that this process may write up to date with `folders`, paths or URLs.

    Rows of images that are no longer below `folders` are deleted; rows of other folders, and of folders that
    can't be read now, stay. A file that is no readable image is told in a line.

    Raises OmniNegClipError when a folder is not there, or the model's features are not finite.
    """
    found = find_images(folders)
    found.tell()
    return _Update(store, found).run(embed)


def add_rows(store: Store, found: Iterator[Decoded]) -> Changes:
    """Write images that lie in no folder into an index that this process may write, and delete nothing."""
    run = _Update(store, Found())
    run.take(found, None)
    return run.finish()


class _Update:
    """One run over what was found: what has changed is decoded, embedded and written."""

    def __init__(self, store: Store, found: Found) -> None:
        self.engine, self.files = store.engine, found.files
        self.truth = SceneTruth()
        self.changes = Changes(unreadable=len(found.unread))
        self.known = _known(store)
        self.left = [path for path in found.files if not self._is_unchanged(path)]
        self.changes.unchanged = len(found.files) - len(self.left)
        self.gone = {
            row_id
            for row_id, known in self.known.items()
            if known.path not in found.files and covers(found.tops, known.path)
            if not covers(found.hidden, known.path)
        }
        # content -> a row that has its vector and is not written anew in this run
        self.owners: dict[str, str] = {}
        self.by_size = defaultdict[int, set[str]](set)
        changing = {id_of(path) for path in self.left}
        for row_id, known in self.known.items():
            if row_id not in changing and known.content:
                self.owners[known.content] = row_id
                self.by_size[known.size].add(known.content)
        self.fresh: list[Decoded] = []
        self.borrowed: list[tuple[Decoded, str]] = []  # with the row whose vector it takes
        self.moved: set[str] = set()  # contents
        self.last, self.done = time.monotonic(), 0

    def run(self, embed: Embedder) -> Changes:
        """Do it all."""
        if self.left:
            self.take(embed(list(self._tasks())), len(self.left))
        return self.finish()

    def take(self, found: Iterator[Decoded], total: int | None) -> None:
        """Write what files hold, with the bar; what is known already needed no model."""
        began = time.monotonic()
        with progress() as bar:
            task = bar.add_task("Indexing", total=total, note="")
            for self.done, each in enumerate(found, 1):
                if each.problem:
                    self._leave_out(each)
                elif each.vector is None:
                    self._borrow(each)
                else:
                    self._count(id_of(each.path))
                    self.fresh.append(each)
                if len(self.fresh) + len(self.borrowed) >= WRITTEN or time.monotonic() - self.last > SECONDS:
                    self._write()
                rate = self.done / (time.monotonic() - began)
                bar.update(task, advance=1, note=f"{rate:,.1f} images/s")
        self._write()

    def finish(self) -> Changes:
        """Delete the rows of what is gone: last, since a moved image takes its vector from where it was."""
        self.engine.delete(sorted(self.gone))
        self.changes.deleted = len(self.gone) - self.changes.moved
        if self.done or self.gone:
            self.engine.tidy()
        self.changes.total = self.engine.count()
        return self.changes

    def _is_unchanged(self, path: str) -> bool:
        known = self.known.get(id_of(path))
        return known is not None and (known.size, known.mtime_ns) == self.files[path]

    def _tasks(self) -> Iterator[Task]:
        for path in self.left:
            own = self.known.get(id_of(path))
            contents = self.by_size.get(self.files[path][0], set())
            yield Task(path, frozenset(contents | {own.content} if own and own.content else contents))

    def _leave_out(self, found: Decoded) -> None:
        """Tell of a file that can't be used; its row goes if the file is gone or no image now."""
        self.changes.unreadable += 1
        tell(found.path, found.problem)
        row_id = id_of(found.path)
        if row_id in self.known and (found.gone or found.content):
            self.gone.add(row_id)

    def _borrow(self, found: Decoded) -> None:
        row_id = id_of(found.path)
        own = self.known.get(row_id)
        if own is not None and own.content == found.content:  # it was only touched
            self.changes.unchanged += 1
            self.borrowed.append((found, row_id))
        else:
            owner = self.owners[found.content]
            if owner in self.gone and found.content not in self.moved:
                self.moved.add(found.content)
                self.changes.moved += 1
            else:
                self._count(row_id)
            self.borrowed.append((found, owner))

    def _count(self, row_id: str) -> None:
        if row_id in self.known:
            self.changes.changed += 1
        else:
            self.changes.new += 1

    def _write(self) -> None:
        """Write what has come together: new rows are added, and others put in place of the old ones."""
        owners = {row["id"]: row for row in self.engine.get([o for _, o in self.borrowed]).to_pylist()}
        rows = [(row_of(each, each.facts, self.truth), each.vector) for each in self.fresh]
        rows += [
            (row_of(each, owners[owner], self.truth), owners[owner]["vector"])
            for each, owner in self.borrowed
        ]
        new = [row for row in rows if id_of(str(row[0]["path"])) not in self.known]
        old = [row for row in rows if id_of(str(row[0]["path"])) in self.known]
        for some, write in ((new, self.engine.add), (old, self.engine.replace)):
            if some:
                vectors = np.stack([np.asarray(vector, np.float32) for _, vector in some])
                write(table_of([row for row, _ in some], vectors))
        self.fresh, self.borrowed, self.last = [], [], time.monotonic()


def _known(store: Store) -> dict[str, Known]:
    """Return what an index holds of each file, by the id of its row."""
    return {
        row["id"]: Known(row["path"], row["size"], row["mtime_ns"], row["content"])
        for batch in store.engine.read(STATE)
        for row in batch.to_pylist()
    }


def row_of(found: Decoded, facts: Mapping[str, object], truth: SceneTruth) -> dict[str, object]:
    """Return what is known of a file; `facts` may be those of another file with the same content."""
    own = {"path": found.path, "size": found.size, "mtime_ns": found.mtime_ns, "content": found.content}
    shows = truth.shows(found.path) or facts.get("shows")
    modified = time_text(found.mtime_ns / 1e9) if found.mtime_ns else None  # in a tar, nothing says it
    return {**facts, **own, "modified": modified, "shows": shows}


def tell(path: str, reason: str) -> None:
    """Say on standard error why a file can't be used."""
    console.print(f"{path}: {reason}", soft_wrap=True)
