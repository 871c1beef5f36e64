"""Scenes as a data set in the shape that real data has: images in a folder, records in Parquet."""

import io
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

from omninegclip.data.record import write_records
from omninegclip.data.sources import Row
from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_folder
from omninegclip.interruption import leave_to_parent
from omninegclip.progress import track
from omninegclip.scenes.captioning import training_captions
from omninegclip.scenes.contrast_sets import SceneAssertion, contrast_set
from omninegclip.scenes.graphics import graphics_folder
from omninegclip.scenes.render import render
from omninegclip.scenes.scene import rng, sample_scene
from omninegclip.scenes.several_denials import several_denials

RECORDS = "records.parquet"
_PER_FOLDER = 10_000


def write_scenes(folder: Path, count: int, seed: int, *, workers: int = 1) -> None:
    """Write `count` images and their records into the new folder `folder`; the same seed, the same bytes.

    Raises OmniNegClipError when the folder is occupied or can't be written, when `count` is below 1, or when
    the Twemoji graphics are missing.
    """
    if count < 1:
        raise OmniNegClipError(f"--count must be 1 or more, not {count}.")
    graphics_folder()
    with atomic_folder(folder) as partial_folder:
        for start in range(0, count, _PER_FOLDER):
            (partial_folder / _image_path(start)).parent.mkdir(parents=True)
        write_records(partial_folder / RECORDS, _write_images(partial_folder, count, seed, workers))


def make_record(seed: int, index: int) -> tuple[Row, bytes]:
    """Return the record of scene `index` and its image as PNG."""
    random = rng("train", seed, index)
    scene = sample_scene(random)
    captions = training_captions(random, scene)
    denied = captions.presence_negated
    png = io.BytesIO()
    render(scene, random).save(png, "PNG", compress_level=1)
    record = {
        "image": _image_path(index),
        "image_id": f"{seed}-{index}",
        "caption": captions.caption.text,
        "presence_negated": denied.text if denied else None,
        "absence_negated": captions.absence_negated.text,
        "objects_present": [kind.singular for kind in scene.kinds],
        "objects_absent": [captions.denied_absent.singular],
        "place": scene.place.name,
        "contrast_set": [
            _statement(each)
            for each in (
                *contrast_set(rng("contrast", seed, index), scene),
                *several_denials(rng("several denials", seed, index), scene),
            )
        ],
    }
    return record, png.getvalue()


def _statement(assertion: SceneAssertion) -> Row:
    return {
        "text": assertion.caption.text,
        "affirms": [kind.singular for kind in assertion.caption.statement.affirmed],
        "negates": [kind.singular for kind in assertion.negates],
        "holds": assertion.holds,
        "affirmed": assertion.affirmed,
        "denied": list(assertion.denied),
    }


def _image_path(index: int) -> str:
    return f"images/{index // _PER_FOLDER:03d}/{index:07d}.png"


def _write_images(folder: Path, count: int, seed: int, workers: int) -> Iterator[Row]:
    """Write each image and yield its record, in order; one process alone when `workers` is 1."""
    make = partial(make_record, seed)
    if workers == 1:
        yield from _save_each(folder, map(make, range(count)), count)
        return
    # Spawned, not forked: a forked copy of a process with torch's threads can hang. No multiprocessing.Pool:
    # it kills its workers when something fails, and one that dies with a lock leaves the pool waiting for it.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=leave_to_parent)
    try:
        yield from _save_each(folder, pool.map(make, range(count), chunksize=64), count)
    except BrokenProcessPool as error:
        raise OmniNegClipError(
            "A worker process died, perhaps out of memory: run the same command again, with fewer "
            "workers if it has --workers."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _save_each(folder: Path, made: Iterator[tuple[Row, bytes]], count: int) -> Iterator[Row]:
    for record, png in track(made, "Drawing scenes", count):
        (folder / record["image"]).write_bytes(png)
        yield record
