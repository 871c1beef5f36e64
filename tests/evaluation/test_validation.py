"""Validation against a loop over the same pairs."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny_clip import tiny_encoder

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.evaluation.validation import metric, validate
from omninegclip.training.methods.pairs import Triplets, make_triplets

THINGS = ["dog", "cat", "owl", "bus", "car", "cup", "egg", "fox"]


@pytest.fixture
def encoder() -> ClipEncoder:
    return tiny_encoder()


def held_out(encoder: ClipEncoder) -> tuple[Triplets, list[dict[str, str]]]:
    records = [
        {
            "image_id": f"picture {number // 2}",
            "caption": f"a {thing}",
            "presence_negated": f"no {thing}",
            "absence_negated": f"a {thing} without a {THINGS[number - 1]}",
        }
        for number, thing in enumerate(THINGS)
    ]
    torch.manual_seed(5)
    features = F.normalize(torch.randn(4, encoder.dim), dim=-1).repeat_interleave(2, dim=0)
    return make_triplets(records, features, encoder.tokenize), records


def test_figures_equal_a_loop_over_images_and_captions(encoder: ClipEncoder) -> None:
    triplets, records = held_out(encoder)
    images = triplets.features[torch.arange(8)].numpy()
    embedded = {
        column: encoder.embed_text([record[column] for record in records])
        for column in ("caption", "presence_negated", "absence_negated")
    }

    def r1(texts: np.ndarray) -> float:
        hits = []
        for number, text in enumerate(texts):
            scores = [float(text @ images[2 * image]) for image in range(4)]
            hits.append(int(np.argmax(scores)) == number // 2)
        for image in range(4):
            scores = [float(text @ images[2 * image]) for text in texts]
            hits.append(int(np.argmax(scores)) // 2 == image)
        return float(np.mean(hits))

    right = [
        float(image @ plain > image @ negated)
        for image, plain, negated in zip(
            images, embedded["caption"], embedded["presence_negated"], strict=True
        )
    ]
    figures = validate(encoder, triplets)
    expected = {
        "presence_accuracy": float(np.mean(right)),
        "absence_r1": r1(embedded["absence_negated"]),
        "retrieval_r1": r1(embedded["caption"]),
    }
    assert {name: figure.value for name, figure in figures.items()} == pytest.approx(expected)
    assert [figure.n for figure in figures.values()] == [8, 12, 12]
    assert metric(figures, "absence_r1") == expected["absence_r1"]
    assert metric(figures, "score") == pytest.approx(sum(expected.values()) / 3)
