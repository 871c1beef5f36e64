"""The picture world made ready once: benchmark and training data with the features of the frozen tower."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.data.record import read_records
from omninegclip.embeddings import Embeddings
from omninegclip.evaluation.scenes import Figures, evaluate_scenes
from omninegclip.progress import console, track
from omninegclip.scenes.benchmark import ScenesBenchmark, make_benchmark
from omninegclip.scenes.records import RECORDS, write_scenes
from omninegclip.scenes.render import image_of
from omninegclip.scenes.scene import Scene
from omninegclip.scoring.texts import whole_texts
from omninegclip.training.methods.method import TrainingRecords


class Size(NamedTuple):
    """How much is drawn: images to learn from, and questions of each kind in the benchmark."""

    scenes: int
    questions: int


FULL, SMOKE = Size(6000, 1000), Size(160, 24)


class World(NamedTuple):
    """What every model of a comparison shares; `images` are the embeddings of the benchmark's scenes."""

    benchmark: ScenesBenchmark
    images: Embeddings
    records: TrainingRecords


def make_world(encoder: ClipEncoder, folder: Path, seed: int, size: Size) -> World:
    """Draw benchmark and training data, and embed every image once.

    The training data goes to the new folder `folder`. Raises OmniNegClipError when that can't be written.
    """
    benchmark = make_benchmark(seed, size.questions)
    images = embed_scenes(encoder, "benchmark", benchmark.scenes, seed)
    write_scenes(folder, size.scenes, seed, workers=2)
    records = list(read_records(folder / RECORDS))
    paths = (folder / record["image"] for record in records)
    features = encoder.embed_image(track(paths, "Embedding the training images", len(records)))
    return World(benchmark, images, TrainingRecords(records, torch.from_numpy(features)))


def embed_scenes(encoder: ClipEncoder, name: str, scenes: Sequence[Scene], seed: int) -> Embeddings:
    """Draw the scenes of the set `name` and embed them as they come."""

    def drawn() -> Iterator[Image.Image]:
        for index, scene in enumerate(track(scenes, f"Embedding the {name}", len(scenes))):
            yield image_of(name, scene, seed, index)

    return encoder.embed_image(drawn())


def ask(encoder: ClipEncoder, world: World) -> Figures:
    """Score `encoder`, whose image tower is the one that `world` was made with, on the benchmark."""
    with console.status("Scoring the benchmark"):
        return evaluate_scenes(world.benchmark, world.images, whole_texts(encoder.embed_text))
