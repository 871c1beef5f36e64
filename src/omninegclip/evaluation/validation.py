"""Validation figures of a model in training, on held-out data."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.embeddings import Embeddings
from omninegclip.evaluation.intervals import Estimate, proportion
from omninegclip.evaluation.metrics import pairwise, recall_at_k
from omninegclip.scoring.scores import Cosines
from omninegclip.training.methods.pairs import CaptionPairs, Triplets


def validate(encoder: ClipEncoder, held_out: Triplets) -> dict[str, Estimate]:
    """Return the figures of `held_out`, fractions of 1.

        presence_accuracy    an image is closer to its caption than to that caption negated by presence
        absence_r1           R@1 between images and captions negated by absence, both directions together
        retrieval_r1         R@1 between images and plain captions, both directions together

    Raises:
        ValueError: an embedding holds NaN.
    """
    presence, absence = held_out.presence, held_out.absence
    plain = encoder.embed_tokens(presence.captions)
    images = held_out.features[presence.image_rows].numpy()
    right = np.einsum("nd,nd->n", images, plain)
    wrong = np.einsum("nd,nd->n", images, encoder.embed_tokens(presence.negated))
    return {
        "presence_accuracy": proportion(pairwise(right, wrong)),
        "absence_r1": _recall(held_out, absence, encoder.embed_tokens(absence.negated)),
        "retrieval_r1": _recall(held_out, presence, plain),
    }


def metric(figures: Mapping[str, Estimate], name: str) -> float:
    """Return the figure that a preset names: one of `validate`, or `score`, the mean of all."""
    if name == "score":
        return sum(figure.value for figure in figures.values()) / len(figures)
    return figures[name].value


def _recall(held_out: Triplets, pairs: CaptionPairs, texts: Embeddings) -> Estimate:
    """Estimate R@1 between distinct images and their texts, in both directions."""
    _, first, image = np.unique(pairs.image_ids.numpy(), return_index=True, return_inverse=True)
    images = held_out.features[pairs.image_rows[first]].numpy()
    texts_of: list[NDArray[np.int64]] = [np.flatnonzero(image == number) for number in range(len(first))]
    to_image = recall_at_k(Cosines(texts, images), image, (1,))[1]
    to_text = recall_at_k(Cosines(images, texts), texts_of, (1,))[1]
    return proportion(np.concatenate([to_image, to_text]))
