"""A captioned file to records: in shards, by several processes, and where it stopped it goes on."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

from omninegclip import __version__
from omninegclip.captions.lexicon import english
from omninegclip.captions.negate import Captioned, Knowledge, Row, Wish, negate
from omninegclip.captions.parse import parser
from omninegclip.data.captioned import labelled, read_captioned, read_labels
from omninegclip.data.record import read_records, write_records
from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_file
from omninegclip.progress import track

SHARD = 2000  # captions: seconds of work, so that little is lost and the bar moves
Shard = tuple[int, list[Captioned]]
Engine = Callable[[Sequence[Shard], Knowledge, Wish], Iterator[tuple[int, list[Row]]]]
Polish = Callable[[Sequence[Row]], list[Row]]


@dataclass(frozen=True, slots=True)
class Summary:
    """How many captions came in, how many rows went out, and how many of them hold each kind."""

    captions: int
    rows: int
    presence: int
    absence: int


def negate_file(
    data: Path,
    out: Path,
    labels: Path | None,
    wish: Wish,
    engine: Engine,
    polish: Polish = list,
    by: str = "rule",
) -> Summary:
    """Write the records of a captioned collection to `out`: one file if it ends on .parquet, else shards.

    An interrupted run leaves its finished shards, and the same call goes on behind them. `polish` changes
    the rows of a shard before they are written, and `by` names what it is.

    Raises OmniNegClipError when `out` is there already, or is an unfinished run of something else.
    """
    if out.suffix == ".parquet" and out.exists():
        raise OmniNegClipError(f"{out} already exists: name a new file, or remove it first.")
    parser()  # say now, not in a worker, that it is missing
    images, vocabulary = read_collection(data, labels)
    folder = out.with_name(f".{out.name}.shards") if out.suffix == ".parquet" else out
    shards = _shards(images)
    _begin(folder, _plan(images, vocabulary, wish, by), out)
    left = [shard for shard in shards if not _part(folder, shard[0]).exists()]
    if left:
        knowledge = Knowledge.of(images, english(), vocabulary)
        for number, rows in track(engine(left, knowledge, wish), "negating", len(left)):
            write_records(_part(folder, number), polish(rows))
    if folder != out:
        write_records(out, read_records(folder))
        for part in [*folder.iterdir()]:
            part.unlink()
        folder.rmdir()
    return _summary(images, out)


def local(processes: int) -> Engine:
    """Return an engine of this machine's processes; each parses and negates whole shards."""

    def run(shards: Sequence[Shard], knowledge: Knowledge, wish: Wish) -> Iterator[tuple[int, list[Row]]]:
        if processes == 1 or len(shards) == 1:
            yield from ((number, list(negate(images, knowledge, wish))) for number, images in shards)
            return
        context = get_context("spawn")  # forking a process that holds threads of torch can hang
        with ProcessPoolExecutor(processes, context, _remember, (knowledge, wish)) as pool:
            futures = [pool.submit(_negate_shard, shard) for shard in shards]
            try:
                for done in as_completed(futures):
                    yield done.result()
            except BrokenProcessPool as error:
                raise OmniNegClipError(
                    "A worker process died: run the same command again to go on."
                ) from error
            finally:
                pool.shutdown(cancel_futures=True)

    return run


_memory: tuple[Knowledge, Wish] | None = None


def _remember(knowledge: Knowledge, wish: Wish) -> None:
    global _memory  # once for a worker instead of once for a shard
    _memory = (knowledge, wish)


def _negate_shard(shard: Shard) -> tuple[int, list[Row]]:
    assert _memory is not None  # noqa: S101
    return shard[0], list(negate(shard[1], *_memory))


def read_collection(data: Path, labels: Path | None) -> tuple[list[Captioned], list[str]]:
    """Return the pictures of a captioned file with their labels, and all labels that were looked for."""
    images = read_captioned(data)
    if labels is not None:
        found, vocabulary = read_labels(labels)
        return labelled(images, found), vocabulary
    return images, sorted({label for image in images for label in image.objects or ()})


def _shards(images: list[Captioned]) -> list[Shard]:
    shards: list[list[Captioned]] = [[]]
    size = 0
    for image in images:
        if size >= SHARD:
            shards.append([])
            size = 0
        shards[-1].append(image)
        size += len(image.captions)
    return list(enumerate(shards))


def _plan(images: list[Captioned], vocabulary: list[str], wish: Wish, by: str) -> str:
    content = [asdict(image) for image in images]
    digest = hashlib.sha256(json.dumps([content, vocabulary]).encode()).hexdigest()
    plan = {"version": __version__, "collection": digest, "shard": SHARD, "by": by, **asdict(wish)}
    return json.dumps(plan, indent=1)


def _begin(folder: Path, plan: str, out: Path) -> None:
    note = folder / "plan.json"
    if note.exists():
        if note.read_text() != plan:
            raise OmniNegClipError(
                f"{folder} holds a run with other captions or options: remove it, or name another output."
            )
    elif folder.exists() and any(folder.iterdir()):
        raise OmniNegClipError(f"{out} already exists: name a new folder, or remove it first.")
    else:
        with atomic_file(note) as temporary:
            temporary.write_text(plan)


def _part(folder: Path, number: int) -> Path:
    return folder / f"part-{number:05d}.parquet"


def _summary(images: list[Captioned], out: Path) -> Summary:
    rows = presence = absence = 0
    for row in read_records(out):
        rows += 1
        presence += row["presence_negated"] is not None
        absence += row["absence_negated"] is not None
    return Summary(sum(len(image.captions) for image in images), rows, presence, absence)
