"""A base model beside the index's own: the same images, ranked by what its text tower makes of a sentence."""

from pathlib import Path

import pytest
import torch
from fastapi.testclient import TestClient
from tiny_clip import tiny_encoder

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.save import save_clip
from omninegclip.errors import OmniNegClipError
from omninegclip.index.search import Index
from omninegclip.serve.app import Setup, make_app
from omninegclip.serve.service import Service
from omninegclip.serve.truth import Truth


def changed(part: str) -> ClipEncoder:
    """Return the model of the index with other weights in one of its towers."""
    encoder = tiny_encoder()
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in encoder.model.named_parameters():
            if name.startswith(part):
                weight.add_(0.3 * torch.randn(weight.shape, generator=random))
    return ClipEncoder(encoder.model, encoder.tokenizer, encoder.transform)


def test_the_base_ranks_by_its_own_texts_and_is_called_by_its_name(index: Index, tmp_path: Path) -> None:
    base = changed("text_model")
    save_clip(tmp_path / "base-model", base, base="tiny")
    service = Service(index, Truth(), str(tmp_path / "base-model"))
    body = {"query": "a tree without a dog", "score": "cosine", "limit": 10}
    with TestClient(make_app(service, Setup("test", quiet=True))) as client:
        assert client.get("/v1/index").json()["base"] == "base-model"  # and not where it lies
        found = {
            model: [
                each["id"]
                for each in client.post("/v1/search", json=body | {"model": model}).json()["results"]
            ]
            for model in ("base", "index")
        }
    engine = index.store.engine
    for model, encoder in (("base", base), ("index", index.encoder)):
        nearest = engine.nearest(encoder.embed_text([str(body["query"])])[0], 10)
        assert found[model] == [each["id"] for each in engine.facts(nearest.keys)]
    assert found["base"] != found["index"]


def test_a_base_with_another_image_tower_is_refused(index: Index, tmp_path: Path) -> None:
    save_clip(tmp_path / "base-model", changed("vision_model"), base="tiny")
    with pytest.raises(OmniNegClipError, match="not of this model's image tower"):
        Service(index, Truth(), str(tmp_path / "base-model"))
