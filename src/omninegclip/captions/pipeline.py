"""A captioned file to records: in shards, by several processes, continued where it stopped."""

import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path

from omninegclip import __version__
from omninegclip.captions.collection import READERS, labelled, read_captioned, read_labels
from omninegclip.captions.companions import COMPANIONS
from omninegclip.captions.cooccurrence import TABLE
from omninegclip.captions.length import CONTEXT, is_surely_truncated
from omninegclip.captions.lexicon import LEXICON, english
from omninegclip.captions.negate import Captioned, CollectionStatistics, NegationOptions, negate
from omninegclip.captions.parse import parser
from omninegclip.captions.shards import WHOLE, ShardFolder
from omninegclip.data.record import read_records
from omninegclip.data.sources import Row
from omninegclip.errors import OmniNegClipError
from omninegclip.interruption import leave_to_parent
from omninegclip.progress import console, track

SHARD = 2000  # captions: seconds of work, so that little is lost and the bar moves
ONE_FILE = ".parquet"
OTHER_FILES = {*READERS, ".arrow", ".feather", ".gz", ".pq", ".tar", ".xlsx", ".zip"} - {ONE_FILE}
Shard = tuple[int, list[Captioned]]
Engine = Callable[[Sequence[Shard], CollectionStatistics, NegationOptions], Iterator[tuple[int, list[Row]]]]
Look = Callable[[Sequence[Captioned]], Sequence[Captioned]]
RewriteRows = Callable[[Sequence[Row]], list[Row]]


@dataclass(frozen=True, slots=True)
class Models:
    """What models do beside the rules: look at images first, rewrite rows last; `by` names both."""

    by: str
    look: Look = list
    rewrite: RewriteRows = list


RULES = Models("rule")


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
    options: NegationOptions,
    engine: Engine,
    models: Models = RULES,
) -> Summary:
    """Write the records of a captioned collection to `out`: one file if it ends on .parquet, else shards.

    An interrupted run leaves its finished shards, and the same call continues after them.

    Raises OmniNegClipError when `out` has the ending of another kind of file, is there already, is an
    unfinished run of something else, or is being written by another process.
    """
    refuse_output(out)
    one_file, folder = _is_one_file(out), _working_folder(out)
    parser()  # say now, not in a worker, that it is missing
    images, vocabulary = read_collection(data, labels)
    shards = _shards(images)
    done = ShardFolder(folder, _plan(images, vocabulary, options, models.by))
    with done.held():
        # a run that was killed while it tidied up has its result already
        if not (one_file and done.is_whole(folder / WHOLE, out)):
            if one_file:
                _refuse_taken(out)
            left = [shard for shard in shards if not done.is_whole(done.path(shard[0]))]
            if left:
                seen = list(models.look([image for _, shard in left for image in shard]))
                left = _reshard(left, seen)
                statistics = CollectionStatistics.of(images, english(), vocabulary)
                for number, rows in track(engine(left, statistics, options), "negating", len(left)):
                    done.write(done.path(number), models.rewrite(rows))
            if one_file:
                _join(done, len(shards), out)
        summary = _summary(images, read_records(out) if one_file else done.rows(len(shards)))
        if one_file:
            done.remove(len(shards))
    if one_file:
        with suppress(OSError):  # something else is in it
            folder.rmdir()
    return summary


def refuse_output(out: Path) -> None:
    """Raise OmniNegClipError when records can't be written to `out`, before anything is read or loaded."""
    if out.suffix.lower() in OTHER_FILES:
        raise OmniNegClipError(
            f"Can't write {out}: records are one {ONE_FILE} file, or a folder of them; name "
            f"{out.with_suffix(ONE_FILE)}, or a folder without such an ending."
        )
    if _is_one_file(out) and not _working_folder(out).is_dir():
        _refuse_taken(out)


def _is_one_file(out: Path) -> bool:
    return out.suffix.lower() == ONE_FILE


def _working_folder(out: Path) -> Path:
    return out.with_name(f".{out.name}.shards") if _is_one_file(out) else out


def local(processes: int) -> Engine:
    """Return an engine of this machine's processes; each parses and negates whole shards."""

    def run(
        shards: Sequence[Shard], statistics: CollectionStatistics, options: NegationOptions
    ) -> Iterator[tuple[int, list[Row]]]:
        workers = min(processes, len(shards))
        if workers == 1:
            yield from ((number, list(negate(images, statistics, options))) for number, images in shards)
            return
        context = multiprocessing.get_context("spawn")  # forking a process with torch's threads can hang
        with ProcessPoolExecutor(workers, context, _remember, (statistics, options)) as pool:
            try:
                futures = [pool.submit(_negate_shard, shard) for shard in shards]
                for future in as_completed(futures):
                    yield future.result()
            except BrokenProcessPool as error:
                raise OmniNegClipError(
                    "A worker process died: run the same command again to go on."
                ) from error
            finally:
                pool.shutdown(cancel_futures=True)

    return run


_memory: tuple[CollectionStatistics, NegationOptions] | None = None


def _remember(statistics: CollectionStatistics, options: NegationOptions) -> None:
    global _memory  # once for a worker instead of once for a shard
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, "blas")  # there is a worker for each core already
    _memory = (statistics, options)
    leave_to_parent()


def _negate_shard(shard: Shard) -> tuple[int, list[Row]]:
    assert _memory is not None  # noqa: S101
    return shard[0], list(negate(shard[1], *_memory))


def read_collection(data: Path, labels: Path | None) -> tuple[list[Captioned], list[str]]:
    """Return the images of a captioned file with their labels, and all labels that were looked for."""
    images = read_captioned(data)
    if labels is not None:
        found, vocabulary = read_labels(labels)
        if not any(image.image_id in found for image in images):
            raise OmniNegClipError(
                f"{labels} labels no image of {data}: its image ids are like {next(iter(found), 'none')!r}, "
                f"those of the captions like {images[0].image_id!r}."
            )
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


def _reshard(shards: Sequence[Shard], images: Sequence[Captioned]) -> list[Shard]:
    """Return shards of the same sizes with these images."""
    rest = iter(images)
    return [(number, list(islice(rest, len(old)))) for number, old in shards]


def _plan(images: list[Captioned], vocabulary: list[str], options: NegationOptions, by: str) -> Row:
    """Return all that the rows depend on."""
    model = parser().meta
    return {
        "version": __version__,
        "captions": _digest([asdict(image) for image in images]),
        "labels": _digest(vocabulary),
        "lexicon": _digest(LEXICON.read_text("utf-8")),
        "mentions": _digest(TABLE.read_text("utf-8")),
        "companions": _digest(COMPANIONS.read_text("utf-8")),
        "parser": f"{model['lang']}_{model['name']} {model['version']}, spaCy {version('spacy')}",
        "shard": SHARD,
        "by": by,
        **asdict(options),
    }


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _refuse_taken(out: Path) -> None:
    if os.path.lexists(out):  # a link to nothing is somebody's too
        raise OmniNegClipError(f"{out} already exists: name a new file, or remove it first.")


def _join(done: ShardFolder, count: int, out: Path) -> None:
    whole = done.folder / WHOLE
    if not done.is_whole(whole):
        done.write(whole, done.rows(count))
    _refuse_taken(out)  # somebody may have made it meanwhile
    whole.rename(out)


def _summary(images: list[Captioned], written: Iterable[Row]) -> Summary:
    rows = presence = absence = cut = 0
    for row in written:
        rows += 1
        presence += row["presence_negated"] is not None
        absence += row["absence_negated"] is not None
        texts = (row["caption"], row["presence_negated"], row["absence_negated"])
        cut += any(is_surely_truncated(text) for text in texts if text)
    if cut:
        console.print(
            f"{cut:,} of {rows:,} rows hold a caption so long that CLIP ({CONTEXT} tokens) cuts it, perhaps "
            "the negation at its end.",
        )
    return Summary(sum(len(image.captions) for image in images), rows, presence, absence)
