"""A family of one's own is one file: found by what it registers, then embedded, trained, saved and loaded."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from tiny_dual import CONTEXT, tiny_bert_tokenizer

from omninegclip.clip.blend import blend
from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.families import registry
from omninegclip.clip.io.load import load_clip
from omninegclip.clip.io.save import save_clip
from omninegclip.clip.parity import PROBE_TEXTS, probe_images
from omninegclip.clip.policy import apply_policy
from omninegclip.clip.transform import ImageTransform
from omninegclip.training.finetune import FineTuning, freeze
from omninegclip.training.methods.method import TrainingRecords
from omninegclip.training.preset import load_preset

FILE = '''
"""A toy: a sum of word vectors behind two layers, and a linear layer over all pixels."""

import json
from types import SimpleNamespace

import torch
from torch import nn

from omninegclip.clip.families.family import Family, complete
from omninegclip.clip.families.registry import register
from omninegclip.clip.io.weights import read_folder
from safetensors.torch import save_file


class WordTower(nn.Module):
    def __init__(self, words):
        super().__init__()
        self.config = SimpleNamespace(vocab_size=words, hidden_act="gelu", max_position_embeddings=40)
        self.words = nn.Embedding(words, 8)
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(2))

    def forward(self, ids, mask):
        states = self.words(ids)
        for layer in self.layers:
            states = states + nn.functional.gelu(layer(states))
        return (states * mask[..., None]).sum(dim=1)


class ToyModel(nn.Module):
    def __init__(self, words):
        super().__init__()
        self.words_side, self.pixels_side = WordTower(words), nn.Linear(3 * 16 * 16, 4)
        self.out = nn.Linear(8, 4)
        self.logit_scale = nn.Parameter(torch.tensor(2.0))


@register
class ToyFamily(Family):
    model_type = "toy"
    model_class = ToyModel
    marker = "toy.json"
    layouts = ("toy",)
    text_tower_path, image_tower_path = "words_side", "pixels_side"
    text_blocks = "words_side.layers"
    text_extras = {"token_embedding": "words_side.words", "projection": "out", "logit_scale": "logit_scale"}
    image_parts = {"tower": "pixels_side"}

    @classmethod
    def load(cls, folder, activation, tokenizer_folder):
        model = ToyModel(json.loads((folder / cls.marker).read_text())["words"])
        model.load_state_dict(read_folder(folder))
        return complete(cls(model), folder, 16, activation, tokenizer_folder)

    def save(self, folder, weights):
        (folder / self.marker).write_text(json.dumps({"words": self.text_config.vocab_size}))
        save_file(weights, folder / "model.safetensors")

    def text_features(self, ids, mask):
        return self.model.out(self.text_tower(ids, mask))

    def image_features(self, pixels):
        return self.image_tower(pixels.flatten(1))
'''


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.setattr(registry, "_FAMILIES", dict(registry.families()))
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "toy_family.py").write_text(FILE)
    yield importlib.import_module("toy_family")
    del sys.modules["toy_family"]


@pytest.fixture
def encoder(toy: ModuleType) -> ClipEncoder:
    torch.manual_seed(0)
    tokenizer = tiny_bert_tokenizer()
    transform = ImageTransform(16, (0.5,) * 3, (0.5,) * 3, crop=False)
    return ClipEncoder(toy.ToyModel(len(tokenizer)), tokenizer, transform)


def test_it_embeds(encoder: ClipEncoder) -> None:
    assert (encoder.dim, encoder.context_length, encoder.activation) == (4, CONTEXT, "gelu")
    texts, images = encoder.embed_text(PROBE_TEXTS), encoder.embed_image(probe_images())
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(encoder.similarity(PROBE_TEXTS, probe_images()), texts @ images.T)
    for text, embedding in zip(PROBE_TEXTS, texts, strict=True):
        np.testing.assert_allclose(encoder.embed_text([text])[0], embedding, rtol=1e-5)


def test_a_policy_names_its_parts(encoder: ClipEncoder) -> None:
    apply_policy(encoder.model, text="front", text_extras=["projection"])
    trained = {name for name, weight in encoder.model.named_parameters() if weight.requires_grad}
    assert trained == {"words_side.layers.0.weight", "words_side.layers.0.bias", "out.weight", "out.bias"}
    apply_policy(encoder.model, text="none", text_extras=[], image="whole")
    assert encoder.model.pixels_side.weight.requires_grad


def test_it_is_fine_tuned(encoder: ClipEncoder) -> None:
    things = ["dog", "cat", "owl", "bus", "car", "cup", "egg", "fox"]
    records = [
        {
            "image_id": str(number),
            "caption": f"a {thing}",
            "presence_negated": f"no {thing}",
            "absence_negated": f"a {thing} but no {things[number - 1]}",
        }
        for number, thing in enumerate(things)
    ]
    changes = ["steps=20", "warmup=2", "batch_size=8", "learning_rate=1e-2", "text_extras=[projection]"]
    preset = load_preset("scenes-paper", changes)
    freeze(encoder, preset)
    features = torch.nn.functional.normalize(torch.randn(len(things), encoder.dim), dim=-1)
    losses = [
        step.scalars["loss"]
        for step in FineTuning(encoder, TrainingRecords(records, features), preset, seed=1).run()
    ]
    assert losses[-1] < losses[0]


def test_it_is_saved_loaded_and_blended(encoder: ClipEncoder, tmp_path: Path) -> None:
    save_clip(tmp_path / "m", encoder, base="random")
    loaded = load_clip(tmp_path / "m")
    assert loaded.fingerprint == encoder.fingerprint
    assert loaded.family.model_type == "toy"
    assert blend(encoder, loaded, 0.5).fingerprint == encoder.fingerprint
