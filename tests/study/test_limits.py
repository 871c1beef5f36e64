"""Bounds that follow from the embeddings alone, on embeddings whose bounds are known."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from omninegclip.embeddings import Embeddings
from omninegclip.scenes.benchmark import make_benchmark, scene_number
from omninegclip.scenes.negation import split
from omninegclip.scenes.objects import KINDS
from omninegclip.study.limits import measure_limits
from omninegclip.study.world import World
from omninegclip.training.methods.method import TrainingRecords


@dataclass
class Knows:
    """Embeds a text as the objects that it names, each along an axis, denied or not."""

    def embed_text(self, texts: Any) -> Embeddings:
        rows = [
            [f" {kind.singular}" in f" {text}" or kind.plural in text for kind in KINDS] for text in texts
        ]
        return _unit(np.array(rows, dtype=np.float32) + 1e-3)

    def tokenize(self, texts: Any) -> list[list[int]]:
        return [[] for _ in texts]


def _unit(rows: Embeddings) -> Embeddings:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture(scope="module")
def world() -> World:
    benchmark = make_benchmark(0, 40)
    held = np.array([[kind in scene.kinds for kind in KINDS] for scene in benchmark.scenes], dtype=np.float32)
    images = _unit(held + 1e-3)
    named = {"text": "", "affirms": [kind.singular for kind in KINDS], "holds": False}
    rows = [
        {
            "image_id": str(number),
            "objects_present": [kind.singular for kind in scene.kinds],
            "contrast_set": [named],
        }
        for number, scene in enumerate(benchmark.scenes)
    ]
    return World(benchmark, images, TrainingRecords(rows, torch.from_numpy(images)))


def test_images_that_show_all_leave_everything_possible(world: World) -> None:
    found = measure_limits(Knows(), world)  # type: ignore[arg-type]
    assert found.probe.value == 1
    assert found.concept.value > 0.95
    assert found.composed[0.6]["absence_choice_accuracy"]["seen"].value > 0.9
    assert found.composed[0.2].keys() == found.composed[1.0].keys()


def test_the_largest_mean_cosine_is_that_of_the_mean_itself(world: World) -> None:
    found = measure_limits(Knows(), world)  # type: ignore[arg-type]
    mean = world.images.mean(axis=0)
    best = float((world.images @ (mean / np.linalg.norm(mean))).mean())
    assert found.generic == pytest.approx(best, rel=1e-5)
    asked = [item for item in world.benchmark.multiple_choice if item.groups["template"] == "negative"]
    above = []
    for item in asked:
        (plain,) = (text for text in item.options if split(text) is None)
        above.append(float(Knows().embed_text([plain])[0] @ world.images[scene_number(item.image)]) > best)
    assert found.false_affirmation.value == pytest.approx(np.mean(above))
