"""Running benchmarks on a model: find images, embed, score; what breaks one leaves the others alone."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from omninegclip import __version__
from omninegclip.data.features import Content, FrozenFeatures, ImageFeatureCache, try_contents_of
from omninegclip.data.image_lookup import ImageRoot
from omninegclip.data.items import BenchmarkItem, CaptionedImage, ImageRef
from omninegclip.embeddings import Embeddings
from omninegclip.environment import versions
from omninegclip.errors import DamagedError, OmniNegClipError
from omninegclip.evaluation import protocols, results, tasks
from omninegclip.evaluation.results import BenchmarkResult, ModelFacts
from omninegclip.evaluation.scorer import Scorer
from omninegclip.evaluation.suite import Benchmark
from omninegclip.progress import console, track

if TYPE_CHECKING:  # imports torch
    from omninegclip.clip.encoder import Encoder

_TEXTS = 1024  # embedded between two moves of the progress bar
_NAMED = 3  # missing images in an error; a result names all


@dataclass(frozen=True)
class Settings:
    """How to run: where the data is, the protocol, and whether missing images are allowed."""

    data: Path
    protocol: protocols.Rule = "strict"
    seed: int = 0
    allow_missing: bool = False
    out: Path | None = None
    cache: Path | None = None
    scorer: Scorer = field(default_factory=Scorer)


def evaluate(
    name: str, encoder: "Encoder", suite: Sequence[Benchmark], settings: Settings
) -> list[BenchmarkResult]:
    """Return a result per benchmark; below `settings.out`, finished ones are read and new ones written."""
    model: ModelFacts = {
        "name": name,
        "fingerprint": encoder.fingerprint,
        "activation": encoder.activation,
        "logit_scale": encoder.logit_scale,
        "dim": encoder.dim,
    }
    found = []
    with TemporaryDirectory() as forgotten:
        cache = ImageFeatureCache(settings.cache or Path(forgotten), encoder, np.float32)
        for benchmark in suite:
            result = _guarded(benchmark, model, encoder, cache, settings)
            if result.status != "absent":
                console.print(_line(result))
            found.append(result)
    if absent := [result.benchmark for result in found if result.status == "absent"]:
        console.print(f"Not in {settings.data}: {', '.join(absent)}")
    return found


def run(
    benchmark: Benchmark,
    model: ModelFacts,
    encoder: "Encoder",
    cache: ImageFeatureCache,
    settings: Settings,
) -> BenchmarkResult:
    """Run one benchmark, or read its result if it has been finished with the same data, model and settings.

    Raises OmniNegClipError for unreadable files and, unless allowed, missing images; ValueError for NaN.
    """
    result = BenchmarkResult(benchmark.name, model, settings.protocol, settings.seed, benchmark.measures)
    result.note = benchmark.note
    sources = benchmark.sources(settings.data)
    if not sources:
        result.status, result.reason = "absent", f"no {' or '.join(benchmark.files)} in {settings.data}"
        return result
    result.data = {path.relative_to(settings.data).as_posix(): results.hash_source(path) for path in sources}
    result.settings = {
        "benchmark": json.loads(json.dumps(asdict(benchmark))),  # lists, as they are read back
        "allow_missing": settings.allow_missing,
        **settings.scorer.as_dict(model["name"]),
    }
    asked = _ask(benchmark, settings)
    result.key = results.key_of(
        settings=result.settings,
        data=result.data,
        images=asked.identities(),
        model=model["fingerprint"],
        protocol=settings.protocol,
        seed=settings.seed,
        version=__version__,
    )
    path = _path(settings.out, model, settings.protocol, benchmark) if settings.out else None
    if path and (finished := _finished(path, result.key)):
        return finished
    started = time.perf_counter()
    features = _embed_images(asked, cache, settings)
    _score(result, benchmark, asked, features, encoder, settings)
    result.seconds, result.versions = time.perf_counter() - started, versions()
    if path:
        results.save(result, path)
    return result


def located_images(suite: Sequence[Benchmark], settings: Settings) -> list[ImageRef]:
    """Return the images that benchmarks ask about, with the paths where they lie, but missing ones.

    Raises OmniNegClipError for unreadable files.
    """
    found: dict[ImageRef, None] = {}
    for benchmark in suite:
        items = (
            list(benchmark.items(settings.data, settings.protocol))
            if benchmark.sources(settings.data)
            else []
        )
        places, _ = _locate(items, benchmark, settings)
        found |= {image._replace(path=str(path)): None for image, path in places.items()}
    return list(found)


def _guarded(
    benchmark: Benchmark,
    model: ModelFacts,
    encoder: "Encoder",
    cache: ImageFeatureCache,
    settings: Settings,
) -> BenchmarkResult:
    try:
        return run(benchmark, model, encoder, cache, settings)
    except (OmniNegClipError, ValueError) as error:
        reason = str(error)
    except Exception as error:  # a bug: say where, and go on with the next benchmark
        console.print_exception()
        reason = f"{type(error).__name__}: {error}"
    failed = BenchmarkResult(benchmark.name, model, settings.protocol, settings.seed, benchmark.measures)
    failed.status, failed.reason = "failed", reason
    return failed


@dataclass
class _Asked:
    """What a benchmark asks: its items, its images' places and contents, and what was left out and why."""

    items: list[BenchmarkItem]
    places: dict[ImageRef, Path]
    missing: dict[ImageRef, str]
    skipped: dict[str, int]
    contents: dict[ImageRef, Content]

    def identities(self) -> dict[str, str]:
        """Return what every image is, by its name: the content of the file that is there now."""
        return {
            f"{image.path}|{image.box}|{image.span}": f"{self.places[image]} can't be read"
            if isinstance(content, OmniNegClipError)
            else f"{content}|{image.box}|{image.span}"
            for image, content in self.contents.items()
        }

    def kept(self) -> list[BenchmarkItem]:
        """Return the items whose images can be used."""
        return [item for item in self.items if self.missing.keys().isdisjoint(tasks.images_of(item))]


def _ask(benchmark: Benchmark, settings: Settings) -> _Asked:
    """Read the items and find their images, so that whatever is wrong with them is known before the work.

    Raises OmniNegClipError for unreadable files, images that are missing and may not, or nothing to ask.
    """
    read = list(benchmark.items(settings.data, settings.protocol))
    items = tasks.prepare(read, settings.protocol, settings.seed)
    left_out = Counter(why for item in read if (why := tasks.unaskable(item, settings.protocol)))
    empty = _captions(read) - _captions(items)
    places, missing = _locate(items, benchmark, settings)
    folders = ", ".join(map(str, benchmark.image_folders(settings.data)))
    if missing and not settings.allow_missing:
        raise OmniNegClipError(_sentence(missing, places, f"are missing below {folders}"))
    if missing and not places:
        raise OmniNegClipError(f"None of the {len(missing):,} images is below {folders}.")
    skipped = {"empty captions": empty, "items without picture": 0, **left_out}
    contents = dict(zip(places, try_contents_of(list(places.values())), strict=True))
    asked = _Asked(items, places, missing, skipped, contents)
    tasks.build(asked.kept(), benchmark.task, **benchmark.task_options)
    return asked


def _score(
    result: BenchmarkResult,
    benchmark: Benchmark,
    asked: _Asked,
    features: FrozenFeatures,
    encoder: "Encoder",
    settings: Settings,
) -> None:
    kept = asked.kept()
    task = tasks.build(kept, benchmark.task, **benchmark.task_options)
    number = {image: number for number, image in enumerate(asked.places)}
    images = features.stored[features.rows[[number[image] for image in task.images]]]
    read = settings.scorer.of(result.model["name"], encoder.image_fingerprint, partial(_embed_texts, encoder))
    figures = task.score(images, read(task.texts), settings.protocol)
    result.scored = len(kept)
    result.skipped = asked.skipped | {"items without picture": len(asked.items) - len(kept)}
    result.truncated = _truncated(task.texts, encoder)
    result.missing = {image.path: reason for image, reason in asked.missing.items()}
    result.figures = {figure.name: results.describe(figure) for figure in figures}
    result.values = {figure.name: figure.values for figure in figures}
    result.clusters = {figure.name: figure.clusters for figure in figures if figure.clusters is not None}
    result.chosen = next((figure.chosen for figure in figures if figure.chosen is not None), None)


def _embed_images(asked: _Asked, cache: ImageFeatureCache, settings: Settings) -> FrozenFeatures:
    """Return the features of the images, in the order of `places`; those that can't be used are missing too.

    Raises OmniNegClipError when one can't be used, unless that is allowed.
    """
    images = [image._replace(path=str(path)) for image, path in asked.places.items()]
    features, found = cache.try_features(images, list(asked.contents.values()))
    broken = {image: found[number] for number, image in enumerate(asked.places) if number in found}
    if broken and not settings.allow_missing:
        raise OmniNegClipError(_sentence(broken, asked.places, f"can't be used ({min(broken.values())})"))
    asked.missing |= broken
    return features


def _truncated(texts: Sequence[str], encoder: "Encoder") -> int:
    """Return how many of the distinct texts the model does not read to their end, if it has a tokenizer."""
    tokenizer = getattr(encoder, "tokenizer", None)
    if tokenizer is None:
        return 0
    from omninegclip.clip.text.truncation import count_truncated  # imports torch

    context_length: int = encoder.context_length  # type: ignore[attr-defined]
    return count_truncated(list(dict.fromkeys(texts)), tokenizer, context_length)


def _locate(
    items: Sequence[BenchmarkItem], benchmark: Benchmark, settings: Settings
) -> tuple[dict[ImageRef, Path], dict[ImageRef, str]]:
    root = ImageRoot(benchmark.image_folders(settings.data), benchmark.extension)
    places: dict[ImageRef, Path] = {}
    missing: dict[ImageRef, str] = {}
    for image in dict.fromkeys(image for item in items for image in tasks.images_of(item)):
        if (place := root.find(image.path)) is None:
            missing[image] = "not found"
        else:
            places[image] = place
    return places, missing


def _sentence(missing: dict[ImageRef, str], places: dict[ImageRef, Path], what: str) -> str:
    names = list(dict.fromkeys(image.path for image in missing))
    wanted = {image.path for image in (*missing, *places)}
    shown = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    return (
        f"{len(names):,} of {len(wanted):,} images {what}: {shown}. "
        "Point the benchmark's `images` to them, or score the rest with --allow-missing."
    )


def _embed_texts(encoder: "Encoder", texts: Sequence[str]) -> Embeddings:
    """Embed texts behind a bar."""
    parts = [texts[start : start + _TEXTS] for start in range(0, len(texts), _TEXTS)]
    return np.concatenate([encoder.embed_text(part) for part in track(parts, "Embedding texts", len(parts))])


def _captions(items: Sequence[BenchmarkItem]) -> int:
    return sum(len(item.captions) for item in items if isinstance(item, CaptionedImage))


def _finished(path: Path, key: str) -> BenchmarkResult | None:
    """Return the kept result, unless it is damaged, of something else, or images were missing then."""
    if not path.exists():
        return None
    try:
        result = results.load(path)
    except DamagedError as error:
        console.print(f"{error} It is computed again.")
        return None
    return result if result.key == key and not result.missing else None


def _path(out: Path, model: ModelFacts, protocol: str, benchmark: Benchmark) -> Path:
    label = "".join(c if c.isalnum() or c in "-_." else "-" for c in Path(model["name"]).name)
    return out / f"{label}-{model['fingerprint'][:8]}" / protocol / f"{benchmark.name}.json"


def _line(result: BenchmarkResult) -> str:
    if result.status == "failed":
        return f"{result.benchmark}: failed. {result.reason}"
    skipped = ", ".join(f"{n:,} {why}" for why, n in result.skipped.items() if n) or "none"
    line = f"{result.benchmark}: {result.scored:,} items scored, skipped: {skipped}"
    if result.truncated:
        line += f". {result.truncated:,} texts are longer than the model reads, and were cut"
    return f"{line}. Note: {result.note}" if result.note else line
