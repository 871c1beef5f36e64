"""A folder that a long command fills part by part: whose it is, which parts are whole, how it goes on."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omninegclip.data.record import Row, read_records, write_records
from omninegclip.errors import DamagedError, OmniNegClipError
from omninegclip.files import LOCK, PARTIAL, checksum, hold, read_sealed, write_sealed

MARKER = ".omninegclip-negate.json"  # the plan, by which a folder is known as ours
WHOLE = ".whole.parquet"  # all parts in one file, before it gets its name


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one run in `folder`; `plan` is all that its rows depend on, ready for JSON.

    Beside each part lies a seal: the digests of the plan and of the part's bytes. A part without a seal that
    fits is written again. What is neither part, seal nor marker is never touched.
    """

    folder: Path
    plan: Mapping[str, Any]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Work in the folder, which is made and marked, as the only process.

        Raises OmniNegClipError when it is somebody else's, holds another run, or another process has it.
        """
        self._refuse_others()
        with hold(self.folder):
            self._refuse_others()
            for left_by_kill in self.folder.glob(f".*{PARTIAL}"):
                left_by_kill.unlink()
            if _intact(self.folder / MARKER) is None:
                write_sealed(self.folder / MARKER, self.plan)
            yield

    def part(self, number: int) -> Path:
        """Return where a part lies."""
        return self.folder / f"part-{number:05d}.parquet"

    def write(self, path: Path, rows: Iterable[Row]) -> None:
        """Write a part, and then its seal, so that a part half done is never taken for whole."""
        write_records(path, rows)
        write_sealed(_seal(path), {"plan": checksum(self.plan), "sha256": _digest(path)})

    def is_whole(self, path: Path, copy: Path | None = None) -> bool:
        """Return whether a part, or its copy elsewhere, is what this plan wrote."""
        found = _intact(_seal(path))
        file = copy or path
        return (
            found is not None
            and found.get("plan") == checksum(self.plan)
            and file.is_file()
            and found.get("sha256") == _digest(file)
        )

    def rows(self, count: int) -> Iterator[dict[str, Any]]:
        """Yield the rows of the first `count` parts."""
        for number in range(count):
            yield from read_records(self.part(number))

    def remove(self, count: int) -> None:
        """Remove `count` parts and all that belongs to them."""
        parts = [*map(self.part, range(count)), self.folder / WHOLE]
        # the seal of the whole goes last: by it a next call knows that it only has to tidy up
        for path in [*parts[:-1], self.folder / MARKER, *parts[-1:], *map(_seal, parts)]:
            path.unlink(missing_ok=True)

    def _refuse_others(self) -> None:
        if self.folder.is_symlink() and not self.folder.exists():
            raise OmniNegClipError(f"{self.folder} is a link to what isn't there: remove it first.")
        if not self.folder.exists():
            return
        if not self.folder.is_dir():
            raise OmniNegClipError(f"{self.folder} already exists: name another, or remove it first.")
        inside = [path for path in self.folder.iterdir() if path.name != LOCK and path.suffix != PARTIAL]
        marked = self.folder / MARKER
        plan = _intact(marked)
        plans = {seal.get("plan") for seal in map(_intact, self.folder.glob(".*.seal")) if seal}
        if plan is not None and plan != dict(self.plan):
            differing = ", ".join(key for key in self.plan if plan.get(key) != self.plan[key])
            raise OmniNegClipError(_other_run(self.folder, differing))
        if plans - {checksum(self.plan)}:
            raise OmniNegClipError(_other_run(self.folder, "its parts say so"))
        if inside and marked not in inside and not plans:
            raise OmniNegClipError(f"{self.folder} already exists: name a new folder, or remove it first.")


def _other_run(folder: Path, differing: str) -> str:
    return (
        f"{folder} holds a run with other captions or options ({differing}): remove it, or name another "
        "output."
    )


def _seal(path: Path) -> Path:
    return path.with_name(f".{path.name.removeprefix('.')}.seal")


def _intact(path: Path) -> dict[str, Any] | None:
    """Return a sealed file's values, None where it is missing or damaged."""
    with suppress(DamagedError):
        return read_sealed(path) if path.is_file() else None
    return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
