"""A reader that is a text tower: what it says becomes halves, it belongs to one model, and files go wrong."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_clip import tiny_encoder

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.errors import OmniNegClipError
from omninegclip.reading.learned import (
    DENIALS,
    FILE,
    LearnedReader,
    SlotReading,
    load_reader,
    save_reader,
    with_slots,
)

TEXTS = ["a dog", "a dog but no cat", "no owl, no bus", "a dog"]


@pytest.fixture
def encoder() -> ClipEncoder:
    return tiny_encoder()


def tuned(encoder: ClipEncoder) -> dict[str, torch.Tensor]:
    """Return other weights for the first block."""
    torch.manual_seed(1)
    return {
        name: weight + 0.3 * torch.randn_like(weight)
        for name, weight in encoder.model.named_parameters()
        if name.startswith("text_model.encoder.layers.0.")
    }


class Told(LearnedReader):
    """Says what it is told: which slots say something."""

    there = np.array([[1, 1, 0, 0], [1, 1, 0.8, 0], [0, 1, 0, 1]], np.float32)  # the first has no such word

    def read(self, texts: object) -> SlotReading:
        assert texts == TEXTS[:3]  # each once
        return SlotReading(np.arange(48, dtype=np.float32).reshape(3, 4, 4), self.there)


def test_what_denies_nothing_keeps_its_embedding_bit_for_bit_and_the_rest_has_halves(
    encoder: ClipEncoder,
) -> None:
    reader = Told(encoder, {})
    own = np.random.default_rng(0).random((4, 4), np.float32)
    reader.nothing = np.full(4, -7, np.float32)
    halves = reader.halves(TEXTS, lambda texts: own)
    assert np.array_equal(halves.vectors[[0, 3]], own[[0, 3]])
    assert halves.vectors[1].tolist() == [16, 17, 18, 19]  # the first slot of the second sentence
    assert halves.vectors[2].tolist() == [7, 7, 7, 7]  # it affirms nothing, so anything
    assert halves.affirms.tolist() == [True, True, False, True]
    assert halves.starts.tolist() == [0, 0, 1, 3, 3]
    assert halves.negated[:, 0].tolist() == [20, 36, 44]


def test_a_slot_is_what_the_tuned_tower_says_at_its_end(encoder: ClipEncoder) -> None:
    weights = tuned(encoder)
    said = LearnedReader(encoder, weights).read(TEXTS[:2])
    other = tiny_encoder()
    other.model.load_state_dict(weights, strict=False)
    for text, vectors in zip(TEXTS, said.vectors, strict=False):
        for tokens, vector in zip(with_slots(encoder.tokenize([text])[0], 77), vectors, strict=True):
            np.testing.assert_allclose(vector, other.embed_tokens([tokens])[0], atol=1e-5)
    assert said.there.shape == (2, 1 + DENIALS)
    again = tiny_encoder()
    assert np.array_equal(encoder.embed_text(TEXTS), again.embed_text(TEXTS))  # the model is what it was


def test_what_is_saved_reads_the_same_for_its_model_alone(encoder: ClipEncoder, tmp_path: Path) -> None:
    weights = tuned(encoder)
    save_reader(tmp_path / FILE, weights, "tiny", encoder.fingerprint)
    for path in (tmp_path, tmp_path / FILE):
        found = load_reader(path, encoder).read(TEXTS)
        assert np.array_equal(found.vectors, LearnedReader(encoder, weights).read(TEXTS).vectors)
    with pytest.raises(OmniNegClipError, match="was made for another model, tiny: train one for this model"):
        load_reader(tmp_path, tiny_encoder(seed=4))
    strange = {"text_model.nowhere": torch.ones(1)}
    save_reader(tmp_path / FILE, strange, "tiny", encoder.fingerprint)
    with pytest.raises(OmniNegClipError, match=r"has a text_model\.nowhere that does not fit"):
        load_reader(tmp_path, encoder)


def test_a_flipped_bit_of_the_weights_is_damage(encoder: ClipEncoder, tmp_path: Path) -> None:
    save_reader(tmp_path / FILE, tuned(encoder), "tiny", encoder.fingerprint)
    raw = (tmp_path / FILE).read_bytes()
    first = 8 + int.from_bytes(raw[:8], "little")
    for at in (first, (first + len(raw)) // 2, len(raw) - 1):
        (tmp_path / FILE).write_bytes(raw[:at] + bytes([raw[at] ^ 0x40]) + raw[at + 1 :])
        with pytest.raises(OmniNegClipError, match=r"reader\.safetensors is damaged"):
            load_reader(tmp_path, encoder)


def test_a_file_that_is_no_reader_is_named(encoder: ClipEncoder, tmp_path: Path) -> None:
    with pytest.raises(
        OmniNegClipError, match=r"reader\.safetensors does not exist: .*--preset scenes-reader"
    ):
        load_reader(tmp_path, encoder)
    (tmp_path / FILE).write_bytes(b"text")
    with pytest.raises(OmniNegClipError, match=r"reader\.safetensors is not a reader"):
        load_reader(tmp_path, encoder)
    from safetensors.torch import save_file

    save_file({"a": torch.ones(1)}, tmp_path / FILE)
    with pytest.raises(OmniNegClipError, match="does not say for which model"):
        load_reader(tmp_path, encoder)
    save_reader(tmp_path / FILE, {}, "tiny", "0")
    with pytest.raises(OmniNegClipError, match="this model has none"):
        load_reader(tmp_path, object())  # type: ignore[arg-type]
