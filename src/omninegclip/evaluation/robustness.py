"""The robustness suite of the picture world, scored: embeddings in, estimates by probe and question out."""

from collections.abc import Sequence

from omninegclip.data.items import ImageRef
from omninegclip.embeddings import Embeddings
from omninegclip.evaluation.scenes import Figures, Measure, best_of_choices, score_items
from omninegclip.scenes.benchmark import scene_number
from omninegclip.scenes.robustness import Robustness
from omninegclip.scoring.texts import ReadTexts

CHANCE = 0.5
_MEASURES = {
    "image_choice": Measure("choose image", {"accuracy": "picture_choice"}),
    "caption_choice": Measure("choose text", {"accuracy": "caption_choice"}),
    "control": Measure("choose image", {"accuracy": "control"}),
}


def evaluate_robustness(suite: Robustness, images: Embeddings, read_texts: ReadTexts) -> dict[str, Figures]:
    """Score a model on every probe: what is right scores above what is wrong, ties counting 1/2.

    Each probe has `picture_choice`, one caption and two images, and `caption_choice`, the right image and
    two captions, both for `seen` and `held_out` objects; and `control`, the plain sentence and the same two
    images, for all objects together. Intervals are Wilson's: every question has images of its own.

    Args:
        suite: n scenes and the questions about them.
        images: [n, d] L2-normalised embeddings of all scenes of the suite.
        read_texts: how texts are scored (`scoring.texts`).

    Raises:
        ValueError: an embedding holds NaN.
    """

    def shown(some: Sequence[ImageRef]) -> Embeddings:
        return images[list(map(scene_number, some))]

    return {
        probe: score_items(asked, _MEASURES, shown, read_texts, suite.seed)
        for probe, asked in suite.items().items()
    }


def evaluate_blind_captions(suite: Robustness) -> dict[str, tuple[str, float]]:
    """Return for the caption choice of every probe the best rule that sees no image, and what it scores."""
    return {probe: best_of_choices(asked["caption_choice"]) for probe, asked in suite.items().items()}
