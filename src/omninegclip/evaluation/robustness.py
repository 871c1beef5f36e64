"""The robustness suite of the picture world, scored: embeddings in, estimates by probe and question out."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from omninegclip.evaluation.blind import best_rule
from omninegclip.evaluation.intervals import Estimate, proportion
from omninegclip.evaluation.metrics import Credits, pairwise
from omninegclip.evaluation.scenes import Embeddings, EmbedText, Figures, cosines
from omninegclip.scenes.claims import holds
from omninegclip.scenes.robustness import Robustness, RobustnessQuestion

CHANCE = 0.5


def evaluate_robustness(suite: Robustness, images: Embeddings, embed_text: EmbedText) -> dict[str, Figures]:
    """Score a model on every probe: cos(right) > cos(wrong), ties counting 1/2.

    Each probe has `image_choice`, one caption and two images, and `caption_choice`, the right image and
    two captions, both for `seen` and `held_out` objects; and `control`, the plain sentence and the same two
    images, for all objects together. Intervals are Wilson's: every question has images of its own.

    Args:
        suite: n scenes and the questions about them.
        images: [n, d] L2-normalised embeddings of all scenes of the suite.
        embed_text: texts to [m, d] L2-normalised embeddings.

    Raises:
        ValueError: an embedding holds NaN.
    """
    return {
        probe: _probe(suite, questions, images, embed_text) for probe, questions in by_probe(suite).items()
    }


def evaluate_blind_captions(suite: Robustness) -> dict[str, tuple[str, float]]:
    """Return for the caption choice of every probe the best rule that sees no image, and what it scores."""
    return {
        probe: best_rule(
            [(each.caption.text, each.foil.text) for each in questions], np.zeros(len(questions), int)
        )
        for probe, questions in by_probe(suite).items()
    }


def by_probe(suite: Robustness) -> Mapping[str, list[RobustnessQuestion]]:
    """Return the questions of each probe."""
    return {probe: list(questions) for probe, questions in groupby(suite.questions, attrgetter("probe"))}


def _probe(
    suite: Robustness, questions: Sequence[RobustnessQuestion], images: Embeddings, embed_text: EmbedText
) -> Figures:
    right, wrong = images[[each.right for each in questions]], images[[each.wrong for each in questions]]
    captions, foils, plain = (
        embed_text([each.text for each in column])
        for column in zip(*((each.caption, each.foil, each.plain) for each in questions), strict=True)
    )
    plain_of_right = np.array([holds(each.plain.statement, suite.scenes[each.right]) for each in questions])
    control = pairwise(cosines(right, plain), cosines(wrong, plain))
    held_out = np.array([each.held_out for each in questions])
    return {
        "picture_choice": _groups(pairwise(cosines(right, captions), cosines(wrong, captions)), held_out),
        "caption_choice": _groups(pairwise(cosines(right, captions), cosines(right, foils)), held_out),
        "control": {"all": proportion(np.where(plain_of_right, control, 1 - control))},
    }


def _groups(credits: Credits, held_out: NDArray[np.bool_]) -> dict[str, Estimate]:  # noqa: A002
    return {"seen": proportion(credits[~held_out]), "held_out": proportion(credits[held_out])}
