"""Image files to pixels and facts, in processes of their own that keep the encoder busy; without torch."""

import hashlib
import math
import multiprocessing
from collections import deque
from collections.abc import Container, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from omninegclip.clip.transform import ImageTransform
from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.images import opened
from omninegclip.index.names import path_of
from omninegclip.index.places import read_file
from omninegclip.interruption import leave_to_parent

AHEAD = 16  # files for each process, so that none waits while another's large one is decoded
_TURNED = (5, 6, 7, 8)  # EXIF orientations that swap width and height
_DATES = (ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized, ExifTags.Base.DateTime)


@dataclass(frozen=True, slots=True)
class Task:
    """A file to decode.

    Attributes:
        path: as a text.
        known: contents that have an embedding already: a file with one of them is not decoded.
    """

    path: str
    known: frozenset[str] = frozenset()


@dataclass(slots=True)
class Decoded:
    """What a file holds.

    Attributes:
        path: as a text.
        size: bytes.
        mtime_ns: time of the last change, in nanoseconds.
        content: SHA-256 of the bytes; empty when they can't be read.
        facts: width, height, taken, camera, latitude and longitude, as far as they are known.
        pixels: [3, size, size] as the image tower takes them; None when the content is known or no image.
        vector: [d], once it is embedded.
        problem: why it can't be used; empty when it can.
        gone: it was deleted before it could be read.
    """

    path: str
    size: int = 0
    mtime_ns: int = 0
    content: str = ""
    facts: dict[str, object] = field(default_factory=dict)
    pixels: NDArray[np.float32] | None = None
    vector: Embeddings | None = None
    problem: str = ""
    gone: bool = False


def decode(task: Task, transform: ImageTransform) -> Decoded:
    """Read one file once: its hash, its facts and its pixels."""
    found = Decoded(task.path)
    try:
        raw, found.size, found.mtime_ns = read_file(path_of(task.path))
        decode_bytes(found, raw, task.known, transform)
    except FileNotFoundError:
        found.problem, found.gone = "it is no longer there", True
    except (OSError, MemoryError) as error:
        found.problem = getattr(error, "strerror", None) or "there is too little memory for it"
    except OmniNegClipError as error:
        found.problem = str(error)
    return found


def decode_bytes(found: Decoded, raw: bytes, known: Container[str], transform: ImageTransform) -> None:
    """Note what the bytes of a file hold; raises OmniNegClipError when they are no readable image."""
    found.content = hashlib.sha256(raw).hexdigest()
    if found.content not in known:
        with opened(raw) as image:
            found.facts = facts_of(image)
            found.pixels = transform(image)


def facts_of(image: Image.Image) -> dict[str, object]:
    """Return what is known of an opened image: upright width and height, and what its EXIF block says."""
    facts: dict[str, object] = {"width": image.width, "height": image.height}
    with suppress(Exception):  # a broken EXIF block, of which every kind is raised, says nothing
        exif = image.getexif()
        if exif.get(ExifTags.Base.Orientation) in _TURNED:
            facts |= {"width": image.height, "height": image.width}
        both = dict(exif) | exif.get_ifd(ExifTags.IFD.Exif)
        facts["taken"] = next((found for tag in _DATES if (found := _date(both.get(tag)))), None)
        makers = (both.get(ExifTags.Base.Make), both.get(ExifTags.Base.Model))
        facts["camera"] = " ".join(str(each).strip("\0 ") for each in makers if each).strip() or None
        place = exif.get_ifd(ExifTags.IFD.GPSInfo)
        for name, tag, negative in (("latitude", 2, "S"), ("longitude", 4, "W")):
            facts[name] = _degrees(place.get(tag), place.get(tag - 1) == negative)
    return facts


def decode_all(tasks: Iterable[Task], transform: ImageTransform, workers: int) -> Iterator[Decoded]:
    """Yield what files hold, in the order of `tasks`; at most AHEAD of them wait for each process.

    Raises OmniNegClipError when a process dies.
    """
    remaining = iter(tasks)
    context = multiprocessing.get_context("spawn")  # forking a process with torch's threads can hang
    pool = ProcessPoolExecutor(workers, context, _begin, (transform,))
    pending: deque[Future[Decoded]] = deque()
    try:
        pending.extend(pool.submit(_decode, task) for task in islice(remaining, workers * AHEAD))
        while pending:
            done = pending.popleft().result()
            pending.extend(pool.submit(_decode, task) for task in islice(remaining, 1))
            yield done
    except BrokenProcessPool as error:
        raise OmniNegClipError(
            "A process that decodes images died: run the same command again to go on."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_transform: ImageTransform | None = None


def _begin(transform: ImageTransform) -> None:
    global _transform  # once for a worker instead of once for a file
    _transform = transform
    leave_to_parent()


def _decode(task: Task) -> Decoded:
    assert _transform is not None  # noqa: S101
    return decode(task, _transform)


def time_text(seconds: float) -> str:
    """Return a time as texts that sort as times do, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _date(value: object) -> str | None:
    with suppress(ValueError):
        found = datetime.strptime(str(value).strip("\0 "), "%Y:%m:%d %H:%M:%S")
        return found.strftime("%Y-%m-%dT%H:%M:%S")
    return None


def _degrees(value: object, negative: bool) -> float | None:
    if not isinstance(value, tuple) or len(value) != 3:
        return None
    degrees, minutes, seconds = (float(part) for part in value)
    found = degrees + minutes / 60 + seconds / 3600
    return (-found if negative else found) if math.isfinite(found) else None
