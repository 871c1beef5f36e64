"""The picture world made ready once: benchmark and training data with the features of the frozen tower."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.data.record import read_records
from omninegclip.embeddings import Embeddings
from omninegclip.evaluation.scenes import Figures, evaluate_scenes
from omninegclip.progress import console, track
from omninegclip.scenes.benchmark import ScenesBenchmark
from omninegclip.scenes.records import RECORDS, write_scenes
from omninegclip.scenes.render import image_of
from omninegclip.scenes.scene import Scene
from omninegclip.scoring.texts import ReadTexts, whole_texts
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


def make_training_data(encoder: ClipEncoder, folder: Path, seed: int, size: Size) -> Embeddings:
    """Draw the training data into the new folder `folder`, and return the features of its images.

    Raises OmniNegClipError when it can't be written.
    """
    write_scenes(folder, size.scenes, seed, workers=2)
    paths = (folder / record["image"] for record in read_records(folder / RECORDS))
    return encoder.embed_image(track(paths, "Embedding the training images", size.scenes))


def embed_scenes(encoder: ClipEncoder, name: str, scenes: Sequence[Scene], seed: int) -> Embeddings:
    """Draw the scenes of the set `name` and embed them as they come."""

    def drawn() -> Iterator[Image.Image]:
        for index, scene in enumerate(track(scenes, f"Embedding the {name}", len(scenes))):
            yield image_of(name, scene, seed, index)

    return encoder.embed_image(drawn())


def ask(
    encoder: ClipEncoder, benchmark: ScenesBenchmark, images: Embeddings, read_texts: ReadTexts | None = None
) -> Figures:
    """Score `encoder` on the benchmark, whose scenes have the embeddings `images` in its image tower.

    Texts are scored by `read_texts`, by default by their cosines.
    """
    with console.status("Scoring the benchmark"):
        return evaluate_scenes(benchmark, images, read_texts or whole_texts(encoder.embed_text))
