"""The folder of an interrupted `negate`: which run it belongs to, and which shards are complete."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from omninegclip.data.record import read_records, write_records
from omninegclip.data.sources import Row
from omninegclip.errors import OmniNegClipError
from omninegclip.files import LOCK, PARTIAL, checksum, hash_file, hold, read_intact, write_sealed

MARKER = ".omninegclip-negate.json"  # the plan, by which a folder is known as ours
WHOLE = ".whole.parquet"  # all shards in one file, before it gets its name
_OPTIONS = {"by": "--llm-model or --screen-with"}  # keys of a plan that no user would know


@dataclass(frozen=True, slots=True)
class ShardFolder:
    """The shards of one run in `folder`; `plan` is all that its rows depend on, ready for JSON.

    Beside each shard lies a seal: the hashes of the plan and of the shard's bytes. A shard without a seal
    that fits is written again. What is neither shard, seal nor marker is never touched.
    """

    folder: Path
    plan: Mapping[str, object]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Work in the folder, which is made and marked, as the only process.

        Raises OmniNegClipError when it is not of `negate`, holds another run, or another process has it.
        """
        self._refuse_others()
        with hold(self.folder):
            self._refuse_others()
            for left_by_kill in self.folder.glob(f".*{PARTIAL}"):
                left_by_kill.unlink()
            if read_intact(self.folder / MARKER) is None:
                write_sealed(self.folder / MARKER, self.plan)
            try:
                yield
            finally:
                if not any(self.folder.glob("part-*.parquet")):  # refused: nothing to go on with
                    (self.folder / MARKER).unlink(missing_ok=True)

    def path(self, number: int) -> Path:
        """Return where a shard lies."""
        return self.folder / f"part-{number:05d}.parquet"

    def write(self, path: Path, rows: Iterable[Row]) -> None:
        """Write a shard, and then its seal, so that a shard half done is never taken for whole."""
        write_records(path, rows)
        write_sealed(_seal(path), {"plan": checksum(self.plan), "sha256": hash_file(path)})

    def is_whole(self, path: Path, copy: Path | None = None) -> bool:
        """Return whether a shard, or its copy elsewhere, is what this plan wrote."""
        found = read_intact(_seal(path))
        file = copy or path
        return (
            found is not None
            and found.get("plan") == checksum(self.plan)
            and file.is_file()
            and found.get("sha256") == hash_file(file)
        )

    def rows(self, count: int) -> Iterator[Row]:
        """Yield the rows of the first `count` shards."""
        for number in range(count):
            yield from read_records(self.path(number))

    def remove(self, count: int) -> None:
        """Remove `count` shards and all that belongs to them."""
        shards = [*map(self.path, range(count)), self.folder / WHOLE]
        # the seal of the whole goes last: by it a next call knows that it only has to tidy up
        for path in [*shards[:-1], self.folder / MARKER, *shards[-1:], *map(_seal, shards)]:
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
        plan = read_intact(marked)
        plans = {seal.get("plan") for seal in map(read_intact, self.folder.glob(".*.seal")) if seal}
        if plan is not None and plan != dict(self.plan):
            differing = ", ".join(
                _OPTIONS.get(key, key) for key in self.plan if plan.get(key) != self.plan[key]
            )
            raise OmniNegClipError(_other_run(self.folder, differing))
        if plans - {checksum(self.plan)}:
            raise OmniNegClipError(_other_run(self.folder, "its shards say so"))
        if inside and marked not in inside and not plans:
            raise OmniNegClipError(f"{self.folder} already exists: name a new folder, or remove it first.")


def _other_run(folder: Path, differing: str) -> str:
    return (
        f"{folder} holds a run with other captions or options ({differing}): remove it, or name another "
        "output."
    )


def _seal(path: Path) -> Path:
    return path.with_name(f".{path.name.removeprefix('.')}.seal")
