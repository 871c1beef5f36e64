"""Worlds kept on disk, so that every process and every later run of a study shares one per seed."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import torch

from omninegclip import __version__
from omninegclip.clip.encoder import ClipEncoder
from omninegclip.data.features import FrozenFeatures, ImageFeatureCache, contents_of
from omninegclip.data.record import ASSERTION, read_records
from omninegclip.errors import DamagedError
from omninegclip.files import atomic_file, checksum, hash_file, read_sealed, write_sealed
from omninegclip.progress import console, track
from omninegclip.scenes.benchmark import make_benchmark
from omninegclip.scenes.records import RECORDS, write_scenes
from omninegclip.scenes.render import image_of
from omninegclip.study.world import Size, World
from omninegclip.training.methods.method import TrainingRecords

_SEAL = "world.json"
_BENCHMARK, _TRAINING = "benchmark", "training"


def keep_world(encoder: ClipEncoder, folder: Path, seed: int, size: Size) -> Path:
    """Return the folder of the world of `seed` within `folder`, and make it if it isn't there.

    It holds the records and the hashes of the images, not the images; their features are in the cache that
    all worlds in `folder` share. Its name says for which image tower, size and version of the package it is.

    Raises OmniNegClipError when it can't be written.
    """
    decisive = checksum([__version__, str(ASSERTION), encoder.image_fingerprint, size])
    kept = folder / f"seed-{seed}-{decisive[:16]}"
    if (kept / _SEAL).exists():
        with suppress(DamagedError, FileNotFoundError, KeyError):  # an older version wrote other keys
            _features(encoder, kept)
            return kept
        console.print(f"{kept} is damaged: it is made again.")
    with tempfile.TemporaryDirectory() as drawn:
        data = Path(drawn) / "data"
        benchmark = list(_draw_benchmark(seed, size))
        write_scenes(data, size.scenes, seed, workers=2)
        training = [data / record["image"] for record in read_records(data / RECORDS)]
        contents = {_BENCHMARK: contents_of(benchmark), _TRAINING: contents_of(training)}
        cache = _cache(encoder, kept)
        cache.features(benchmark, contents[_BENCHMARK])
        cache.features(training, contents[_TRAINING])
        with atomic_file(kept / RECORDS) as temporary:
            shutil.copyfile(data / RECORDS, temporary)
    write_sealed(kept / _SEAL, {RECORDS: hash_file(kept / RECORDS), **contents})
    return kept


def read_world(encoder: ClipEncoder, kept: Path, seed: int, size: Size) -> World:
    """Return the world that `keep_world` made with the same image tower, seed and size."""
    images, training = (each.stored[each.rows] for each in _features(encoder, kept))
    records = list(read_records(kept / RECORDS))
    benchmark = make_benchmark(seed, size.questions)
    return World(benchmark, images, TrainingRecords(records, torch.from_numpy(training)))


def _features(encoder: ClipEncoder, kept: Path) -> tuple[FrozenFeatures, FrozenFeatures]:
    """Return the features of the benchmark's and of the training images.

    Raises DamagedError or FileNotFoundError unless all of the world is there and is what was written.
    """
    sealed, cache = read_sealed(kept / _SEAL), _cache(encoder, kept)
    if sealed.get(RECORDS) != hash_file(kept / RECORDS):
        raise DamagedError(f"{kept / RECORDS} is damaged: its content is not what was written.")
    return cache.kept(sealed[_BENCHMARK]), cache.kept(sealed[_TRAINING])


def _cache(encoder: ClipEncoder, kept: Path) -> ImageFeatureCache:
    return ImageFeatureCache(kept.parent / "features", encoder, np.float32)


def _draw_benchmark(seed: int, size: Size) -> Iterator[bytes]:
    scenes = make_benchmark(seed, size.questions).scenes
    for index, scene in enumerate(track(scenes, "Drawing the benchmark", len(scenes))):
        png = BytesIO()
        image_of("benchmark", scene, seed, index).save(png, "PNG", compress_level=1)
        yield png.getvalue()
