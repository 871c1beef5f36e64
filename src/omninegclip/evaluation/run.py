"""Running benchmarks on a model: find pictures, embed, score; what breaks one leaves the others alone."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from omninegclip import __version__
from omninegclip.data.images import ImageRoot
from omninegclip.data.items import CaptionedPicture, Item, Picture
from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation import protocols, results, tasks
from omninegclip.evaluation.features import ImageFeatures
from omninegclip.evaluation.results import Result
from omninegclip.evaluation.suite import Benchmark
from omninegclip.progress import console, progress

if TYPE_CHECKING:  # imports torch
    from omninegclip.clip.encoder import Encoder

_TEXTS = 1024  # embedded between two moves of the progress bar
_NAMED = 3  # missing pictures in an error; a result names all


@dataclass(frozen=True)
class Settings:
    """How to run: where the data is, by which rule, and whether missing pictures are forgiven."""

    data: Path
    protocol: protocols.Rule = "strict"
    seed: int = 0
    allow_missing: bool = False
    out: Path | None = None
    cache: Path | None = None


def evaluate(name: str, encoder: "Encoder", suite: Sequence[Benchmark], settings: Settings) -> list[Result]:
    """Return a result per benchmark; below `settings.out`, finished ones are read and new ones written."""
    features = ImageFeatures(encoder, settings.cache)
    model = {
        "name": name,
        "fingerprint": encoder.fingerprint,
        "activation": encoder.activation,
        "logit_scale": encoder.logit_scale,
        "dim": encoder.dim,
    }
    found = []
    for benchmark in suite:
        result = _guarded(benchmark, model, features, settings)
        if result.status != "absent":
            console.print(_line(result))
        found.append(result)
    if absent := [result.benchmark for result in found if result.status == "absent"]:
        console.print(f"Not in {settings.data}: {', '.join(absent)}")
    return found


def run(benchmark: Benchmark, model: dict[str, Any], features: ImageFeatures, settings: Settings) -> Result:
    """Run one benchmark, or read its result if it has been finished with the same data, model and settings.

    Raises OmniNegClipError for unreadable files and, unless allowed, missing pictures; ValueError for NaN.
    """
    result = Result(benchmark.name, model, settings.protocol, settings.seed, benchmark.measures)
    sources = benchmark.sources(settings.data)
    if not sources:
        result.status, result.reason = "absent", f"no {' or '.join(benchmark.files)} in {settings.data}"
        return result
    result.data = {path.relative_to(settings.data).as_posix(): results.hash_source(path) for path in sources}
    result.settings = {
        "benchmark": json.loads(json.dumps(asdict(benchmark))),  # lists, as they are read back
        "allow_missing": settings.allow_missing,
    }
    result.key = results.key_of(
        settings=result.settings,
        data=result.data,
        model=model["fingerprint"],
        protocol=settings.protocol,
        seed=settings.seed,
        version=__version__,
    )
    path = _path(settings.out, model, settings.protocol, benchmark) if settings.out else None
    if path and (finished := _finished(path, result.key)):
        return finished
    started = time.perf_counter()
    _score(result, benchmark, features, settings)
    result.seconds, result.versions = time.perf_counter() - started, results.versions()
    if path:
        results.save(result, path)
    return result


def _guarded(
    benchmark: Benchmark, model: dict[str, Any], features: ImageFeatures, settings: Settings
) -> Result:
    try:
        return run(benchmark, model, features, settings)
    except (OmniNegClipError, ValueError) as error:
        reason = str(error)
    except Exception as error:  # a bug: say where, and go on with the next benchmark
        console.print_exception()
        reason = f"{type(error).__name__}: {error}"
    failed = Result(benchmark.name, model, settings.protocol, settings.seed, benchmark.measures)
    failed.status, failed.reason = "failed", reason
    return failed


def _score(result: Result, benchmark: Benchmark, features: ImageFeatures, settings: Settings) -> None:
    read = list(benchmark.items(settings.data, settings.protocol))
    items = tasks.prepare(read, settings.protocol, settings.seed)
    places, missing = _locate(items, benchmark, settings)
    if missing and not settings.allow_missing:
        folders = ", ".join(map(str, benchmark.image_folders(settings.data)))
        raise OmniNegClipError(_sentence(missing, places, f"are missing below {folders}"))
    broken = features.embed(places)
    if broken and not settings.allow_missing:
        raise OmniNegClipError(_sentence(broken, places, f"can't be used ({min(broken.values())})"))
    missing |= broken
    kept = [item for item in items if not any(picture in missing for picture in tasks.pictures_of(item))]
    task = tasks.build(kept, benchmark.task, **benchmark.task_options)
    pictures = features.rows(task.pictures, places)
    figures = task.score(pictures, _embed_texts(task.texts, features.encoder), settings.protocol)
    result.scored = len(kept)
    result.skipped = {
        "empty captions": _captions(read) - _captions(items),
        "items without picture": len(items) - len(kept),
    }
    result.missing = {picture.path: reason for picture, reason in missing.items()}
    result.figures = {figure.name: results.describe(figure) for figure in figures}
    result.values = {figure.name: figure.values for figure in figures}


def _locate(
    items: Sequence[Item], benchmark: Benchmark, settings: Settings
) -> tuple[dict[Picture, Path], dict[Picture, str]]:
    root = ImageRoot(benchmark.image_folders(settings.data), benchmark.extension)
    places: dict[Picture, Path] = {}
    missing: dict[Picture, str] = {}
    for picture in dict.fromkeys(picture for item in items for picture in tasks.pictures_of(item)):
        if (place := root.find(picture.path)) is None:
            missing[picture] = "not found"
        else:
            places[picture] = place
    return places, missing


def _sentence(missing: dict[Picture, str], places: dict[Picture, Path], what: str) -> str:
    names = list(dict.fromkeys(picture.path for picture in missing))
    wanted = {picture.path for picture in (*missing, *places)}
    shown = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    return (
        f"{len(names):,} of {len(wanted):,} pictures {what}: {shown}. "
        "Point the benchmark's `images` to them, or score the rest with --allow-missing."
    )


def _embed_texts(texts: Sequence[str], encoder: "Encoder") -> protocols.Embeddings:
    """Embed every distinct text once."""
    place = {text: index for index, text in enumerate(dict.fromkeys(texts))}
    distinct, parts = list(place), []
    with progress() as bar:
        task = bar.add_task("Embedding texts", total=len(distinct), note="")
        for start in range(0, len(distinct), _TEXTS):
            part = distinct[start : start + _TEXTS]
            parts.append(encoder.embed_text(part))
            bar.advance(task, len(part))
    return np.concatenate(parts)[[place[text] for text in texts]]


def _captions(items: Sequence[Item]) -> int:
    return sum(len(item.captions) for item in items if isinstance(item, CaptionedPicture))


def _finished(path: Path, key: str) -> Result | None:
    """Return the kept result, unless it is of something else or pictures were missing then."""
    if not path.exists():
        return None
    result = results.load(path)
    return result if result.key == key and not result.missing else None


def _path(out: Path, model: dict[str, Any], protocol: str, benchmark: Benchmark) -> Path:
    label = "".join(c if c.isalnum() or c in "-_." else "-" for c in Path(model["name"]).name)
    return out / f"{label}-{model['fingerprint'][:8]}" / protocol / f"{benchmark.name}.json"


def _line(result: Result) -> str:
    if result.status == "failed":
        return f"{result.benchmark}: failed. {result.reason}"
    skipped = ", ".join(f"{n:,} {why}" for why, n in result.skipped.items() if n) or "none"
    return f"{result.benchmark}: {result.scored:,} items scored, skipped: {skipped}"
