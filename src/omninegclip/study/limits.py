"""Limits set by the frozen image tower and one vector per sentence, whatever the text tower learns."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.embeddings import Embeddings
from omninegclip.evaluation.intervals import Estimate, proportion
from omninegclip.evaluation.metrics import choice
from omninegclip.evaluation.scenes import Figures, as_dict, evaluate_scenes
from omninegclip.scenes.benchmark import ScenesBenchmark, scene_number
from omninegclip.scenes.negation import split
from omninegclip.scenes.objects import KINDS
from omninegclip.scoring.texts import whole_texts
from omninegclip.scoring.vectors import normalised, subtract, without_training
from omninegclip.study.world import World
from omninegclip.training.methods.contrast_sets import make_contrast_sets

WEIGHTS = (0.2, 0.4, 0.6, 0.8, 1.0)
_RIDGE = 1e-4


class Limits(NamedTuple):
    """Bounds on the scenes benchmark that no fine-tuning of the text tower alone can lift.

    Attributes:
        composed: w -> figures of the vector a - w n of each negated caption's halves, told by the templates.
        probe: absence choice by a linear probe of the denied object on the frozen image features.
        concept: absence choice by the cosine with the denied object's plain name.
        generic: the largest mean cosine that one vector can have with images, the norm of their mean.
        false_affirmation: of the multiple-choice questions with a negative answer, the share in which the
            false affirmation's cosine with the image is above `generic`.
    """

    composed: dict[float, Figures]
    probe: Estimate
    concept: Estimate
    generic: float
    false_affirmation: Estimate

    def by_weight(self) -> dict[str, Figures]:
        """Return the figures of the composed vectors by the weight in words."""
        return {f"w = {weight:g}": figures for weight, figures in self.composed.items()}

    def shares(self) -> dict[str, Estimate]:
        """Return the bounds that are shares, by name."""
        return {
            "absence choice by a linear probe": self.probe,
            "absence choice by the plain name": self.concept,
            "false affirmations above generic": self.false_affirmation,
        }

    def as_dict(self) -> dict[str, object]:
        """Return all bounds, ready for JSON."""
        return {
            "composed": {name: as_dict(figures) for name, figures in self.by_weight().items()},
            "generic": self.generic,
            **{name: each.as_dict() for name, each in self.shares().items()},
        }


def measure_limits(encoder: ClipEncoder, world: World) -> Limits:
    """Measure the bounds for a model before fine-tuning."""
    benchmark, images = world.benchmark, world.images
    concepts = encoder.embed_text([f"a photo of {kind.indefinite}" for kind in KINDS])
    generic = float(np.linalg.norm(images.mean(axis=0)))
    return Limits(
        {weight: _composed(encoder, world, weight, concepts.mean(axis=0)) for weight in WEIGHTS},
        _absence(benchmark, images, _probes(encoder, world)),
        _absence(benchmark, images, concepts),
        generic,
        proportion((_false_affirmations(encoder, benchmark, images) > generic).astype(np.float64)),
    )


def _composed(encoder: ClipEncoder, world: World, weight: float, common: NDArray[np.float32]) -> Figures:
    def combine(affirmed: Embeddings, denied: Embeddings) -> Embeddings:
        return subtract(affirmed, normalised(denied - common), weight)

    def embed(texts: Sequence[str]) -> Embeddings:
        return without_training(encoder.embed_text, split, combine)(texts)

    return evaluate_scenes(world.benchmark, world.images, whole_texts(embed))


def _probes(encoder: ClipEncoder, world: World) -> NDArray[np.float32]:
    """Return a ridge regression [kinds, d] of what is there on the features of the training images."""
    contrast_sets = make_contrast_sets(*world.records, encoder.tokenize)
    features = world.records.features[contrast_sets.image_rows].numpy()
    labels = contrast_sets.present.numpy().astype(np.float32)
    centred = features - features.mean(axis=0)
    covariance = centred.T @ centred / len(centred) + _RIDGE * np.eye(centred.shape[1])
    found = np.linalg.solve(covariance, centred.T @ (labels - labels.mean(axis=0)) / len(centred)).T
    number = {name: row for row, name in enumerate(contrast_sets.names)}
    nothing = np.zeros(features.shape[1])  # of a kind that no sentence names
    rows = [found[number[kind.singular]] if kind.singular in number else nothing for kind in KINDS]
    return np.stack(rows).astype(np.float32)


def _absence(benchmark: ScenesBenchmark, images: Embeddings, directions: NDArray[np.float32]) -> Estimate:
    """Choose of each pair the image that has less of the denied object."""
    pairs = [[scene_number(image) for image in item.images] for item in benchmark.absence_choice]
    answers = np.array([item.answer for item in benchmark.absence_choice])
    kinds = [[benchmark.scenes[number].kinds for number in pair] for pair in pairs]
    denied = [
        next(kind for kind in held[1 - answer] if kind not in held[answer]).index
        for held, answer in zip(kinds, answers.tolist(), strict=True)
    ]
    shown = np.einsum("nkd,nd->nk", images[pairs], directions[denied])
    return proportion(choice(-shown, answers))


def _false_affirmations(
    encoder: ClipEncoder, benchmark: ScenesBenchmark, images: Embeddings
) -> NDArray[np.float32]:
    """Return the cosine of each negatively answered question's image with its plain false option."""
    asked = [item for item in benchmark.multiple_choice if item.groups["template"] == "negative"]
    plain = [next(text for text in item.options if split(text) is None) for item in asked]
    shown = images[[scene_number(item.image) for item in asked]]
    return np.asarray(np.einsum("nd,nd->n", shown, encoder.embed_text(plain)))
