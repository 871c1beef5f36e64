"""Cosines by layer, against the model called text by text."""

import pytest
import torch
import torch.nn.functional as F
from tiny_dual import tiny_joined

from omninegclip.clip.load import load_clip
from omninegclip.errors import OmniNegClipError
from omninegclip.study.layers import caption_pairs, layer_cosines


def test_cosines_are_those_of_texts_encoded_alone() -> None:
    encoder = load_clip("scenes-tiny")
    pairs = caption_pairs(0, 5)
    found = layer_cosines(encoder, pairs)
    for kind, both in pairs.items():
        alone = []
        for texts in both:
            states = []
            for text in texts:
                ids = torch.tensor([encoder.tokenize([text])[0]])
                with torch.no_grad():
                    output = encoder.model.text_model(input_ids=ids, output_hidden_states=True)
                states.append(torch.stack([state[0, -1] for state in output.hidden_states]))
            alone.append(F.cosine_similarity(states[0], states[1], dim=-1))
        expected = torch.stack(alone).mean(dim=0).tolist()
        assert found[kind][:-1] == pytest.approx(expected, abs=1e-4), kind
        first, second = (encoder.embed_text(list(side)) for side in zip(*both, strict=True))
        assert found[kind][-1] == pytest.approx(float((first * second).sum(axis=1).mean()), abs=1e-4)
    assert len(found["presence"]) == 12 + 2


def test_negated_captions_differ_from_their_captions_and_seeds_from_each_other() -> None:
    pairs = caption_pairs(0, 20)
    assert all(caption != negated for kind in ("presence", "absence") for caption, negated in pairs[kind])
    assert caption_pairs(0, 20) == pairs
    assert caption_pairs(1, 20) != pairs


def test_a_tower_that_is_not_causal_is_refused() -> None:
    with pytest.raises(OmniNegClipError, match="text tower of a JoinedModel is not causal"):
        layer_cosines(tiny_joined(), caption_pairs(0, 2))
