"""Networks beside a frozen CLIP: what they are given and score, against loops and the model called alone."""

from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_dual import tiny_own
from torch.nn import functional as F

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip
from omninegclip.errors import OmniNegClipError
from omninegclip.rivals.corrections import Corrections
from omninegclip.rivals.dense_maps import FUNCTION_WORDS, DenseMaps, embed_patches
from omninegclip.rivals.fitting import fit
from omninegclip.rivals.network import PairNetwork, all_pairs, some_of
from omninegclip.rivals.texts import network_texts
from omninegclip.scenes.records import make_record
from omninegclip.scenes.render import image_of
from omninegclip.scenes.scene import rng, sample_scene
from omninegclip.training.methods.contrast_sets import ContrastSets, make_contrast_sets

TEXTS = ["a dog and a cat without a ball", "a photo of a dog", "no cats, just a red car on the beach"]
COUNT = 16


@pytest.fixture(scope="module")
def encoder() -> ClipEncoder:
    return load_clip("scenes-small")


@pytest.fixture(scope="module")
def images() -> list[Image.Image]:
    random = rng("tests", "rivals")
    return [image_of("rivals", sample_scene(random), 0, number) for number in range(3)]


@pytest.fixture(scope="module")
def learned(encoder: ClipEncoder) -> tuple[ContrastSets, torch.Tensor]:
    made = [make_record(7, index) for index in range(COUNT)]
    features = torch.from_numpy(encoder.embed_image(Image.open(BytesIO(png)) for _, png in made))
    return make_contrast_sets([record for record, _ in made], features, encoder.tokenize), features


def dense(encoder: ClipEncoder) -> DenseMaps:
    torch.manual_seed(0)
    return DenseMaps(encoder, 24).eval()


def test_a_map_has_the_cosine_of_every_token_with_every_patch(
    encoder: ClipEncoder, images: list[Image.Image]
) -> None:
    network, patches = dense(encoder), torch.from_numpy(embed_patches(encoder, images)).float()
    ids = encoder.tokenize(TEXTS)
    read = network.read(encoder, ids)
    maps = network.maps(read, patches).detach()
    model = encoder.model
    for text, row in enumerate(ids):
        with torch.no_grad():
            states = model.text_model(input_ids=torch.tensor([row])).last_hidden_state[0]
            tokens = F.normalize(model.text_projection(states), dim=-1)
            pixels = torch.from_numpy(encoder.transform(images[text]))[None]
            seen = model.vision_model(pixels).last_hidden_state[0]
            seen = F.normalize(model.visual_projection(model.vision_model.post_layernorm(seen)), dim=-1)
        words = encoder.tokenizer.convert_ids_to_tokens(row)
        for at, word in enumerate(words):
            word = word.removesuffix("</w>")
            if word in FUNCTION_WORDS:
                expected = network.words.weight[FUNCTION_WORDS.index(word)]
            else:
                expected = torch.stack([(tokens[at] * patch).sum() for patch in seen])
            assert torch.allclose(maps[text, :, at], expected, atol=2e-3), word
        assert not maps[text, :, len(row) :].any()
    assert {"without", "no", "just"} <= {FUNCTION_WORDS[n] for n in read.function[read.function >= 0]}
    cosines = encoder.similarity(TEXTS, images)
    ends = torch.tensor([maps[text, 0, len(row) - 1] for text, row in enumerate(ids)])
    assert np.allclose(ends, cosines.diagonal(), atol=2e-3)


def test_a_text_that_is_too_long_keeps_its_first_tokens(encoder: ClipEncoder) -> None:
    long = encoder.tokenize(["a dog and a cat and " * 8 + "a ball"])
    read = dense(encoder).read(encoder, long)
    whole = DenseMaps(encoder, 77).read(encoder, long)
    assert torch.equal(read.tokens, whole.tokens[:, :24])
    assert torch.allclose(read.ends[0], torch.from_numpy(encoder.embed_tokens(long))[0], atol=1e-5)


def test_middle_layers_are_those_of_the_tower_called_block_by_block(encoder: ClipEncoder) -> None:
    network = Corrections(encoder).eval()
    ids = encoder.tokenize(TEXTS)
    read = network.read(encoder, ids)
    tower, model = encoder.model.text_model, encoder.model
    for text, row in enumerate(ids):
        hidden, after = tower.embeddings(torch.tensor([row])), []
        ahead = torch.full((len(row), len(row)), -torch.inf).triu(1)[None, None]
        with torch.no_grad():
            for block in tower.encoder.layers:
                hidden = block(hidden, ahead)
                after.append(tower.final_layer_norm(hidden)[0])
            late = F.normalize(model.text_projection(after[6][-1]), dim=-1)
        assert torch.allclose(read.peak[text, : len(row)], after[7], atol=1e-4)
        assert torch.allclose(read.peak_end[text], after[7][-1], atol=1e-4)
        assert torch.allclose(read.anchor_end[text], after[5][-1], atol=1e-4)
        assert torch.allclose(read.late[text], late, atol=1e-4)
        assert read.inside[text].sum() == len(row)
    assert np.allclose(read.embedding, encoder.embed_text(TEXTS), atol=1e-5)


def test_corrections_begin_near_nothing_and_stay_within_their_bound(
    encoder: ClipEncoder, images: list[Image.Image]
) -> None:
    torch.manual_seed(0)
    network = Corrections(encoder).eval()
    features = torch.from_numpy(encoder.embed_image(images))
    prepared = network.prepare(network.read(encoder, encoder.tokenize(TEXTS)))
    scores = all_pairs(network, prepared, features)
    assert np.allclose(scores.detach(), encoder.similarity(TEXTS, images), atol=0.02)
    with torch.no_grad():
        network.score[-1].bias.fill_(100.0)
        cosine, correction = network.corrections(prepared, features)
    assert torch.allclose(correction, torch.full((3,), 0.2))
    assert torch.allclose(network(prepared, features), cosine + 0.2)


def networks(encoder: ClipEncoder) -> Iterator[PairNetwork]:  # type: ignore[type-arg]
    yield dense(encoder)
    torch.manual_seed(0)
    yield Corrections(encoder).eval()


@torch.no_grad()
def test_scored_texts_agree_with_each_text_and_image_scored_alone(
    encoder: ClipEncoder, images: list[Image.Image]
) -> None:
    for network in networks(encoder):
        seen = (
            embed_patches(encoder, images) if isinstance(network, DenseMaps) else encoder.embed_image(images)
        )
        texts = network_texts(network, encoder)([*TEXTS, TEXTS[0]])
        alone = np.empty((4, 3))
        for row, text in enumerate([*TEXTS, TEXTS[0]]):
            prepared = network.prepare(network.read(encoder, encoder.tokenize([text])))
            for column in range(3):
                alone[row, column] = network(prepared, torch.from_numpy(seen[column : column + 1]).float())
        starts = np.array([0, 2, 2, 4])
        chosen = texts.choose_text(seen, starts)
        assert np.allclose(chosen[0], alone[:2, 0], atol=1e-4)
        assert np.isneginf(chosen[1]).all()
        assert np.allclose(chosen[2], alone[2:, 2], atol=1e-4)
        by_text = texts.some([2, 0]).choose_image(seen, np.array([0, 1, 3]))
        assert np.allclose(by_text, [[alone[2, 0], -np.inf], alone[0, 1:]], atol=1e-4)
        scores = texts.rank_images(seen)
        expected = texts.vectors @ seen.T if network.ranks_by_vectors else alone
        assert scores.shape == (4, 3)
        assert np.allclose(scores.block(slice(0, 4), slice(0, 3)), expected, atol=1e-4)
        assert np.allclose(scores.transposed.block(slice(0, 3), np.array([3])), expected[3:].T, atol=1e-4)
        assert np.allclose(
            scores.pairs(np.array([0, 3]), np.array([2, 1])), expected[[0, 3], [2, 1]], atol=1e-4
        )


def test_fitting_learns_leaves_the_model_and_is_the_same_again(
    encoder: ClipEncoder, learned: tuple[ContrastSets, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    contrast_sets, features = learned
    monkeypatch.setattr(Corrections, "images_per_step", 4)
    before, states = encoder.fingerprint, []
    for epochs in (1, 12, 12):
        monkeypatch.setattr(Corrections, "epochs", epochs)
        torch.manual_seed(1)
        network = Corrections(encoder)
        fit(network, encoder, contrast_sets, features, 3)
        assert not network.training
        states.append((network.state_dict(), _right(network, encoder, learned)))
    assert encoder.fingerprint == before
    short, long, again = states
    assert long[1] > short[1] + 0.1
    assert all(torch.equal(tensor, again[0][name]) for name, tensor in long[0].items())
    assert not all(torch.equal(tensor, short[0][name]) for name, tensor in long[0].items())


def test_fewer_images_than_a_step_takes_are_refused(
    encoder: ClipEncoder, learned: tuple[ContrastSets, torch.Tensor]
) -> None:
    with pytest.raises(OmniNegClipError, match="16 rows don't fill a batch of 64"):
        fit(Corrections(encoder), encoder, *learned, 0)


@torch.no_grad()
def _right(network: Corrections, encoder: ClipEncoder, learned: tuple[ContrastSets, torch.Tensor]) -> float:
    """Return how often a true sentence of an image scores above a false one of it."""
    contrast_sets, features = learned
    right: list[float] = []
    for image, said in enumerate(contrast_sets.of_image):
        prepared = network.prepare(network.read(encoder, [each.tokens for each in said]))
        scores = all_pairs(network, prepared, features[image : image + 1])[:, 0]
        true = torch.tensor([each.holds for each in said])
        right += (scores[true][:, None] > scores[~true][None]).float().flatten().tolist()
    return float(np.mean(right))


def test_maps_are_standardised_by_what_is_learned_first(encoder: ClipEncoder) -> None:
    network = dense(encoder)
    made = [make_record(7, index) for index in range(COUNT)]
    drawn = (image_of("rivals", sample_scene(rng("t", n)), 0, n) for n in range(COUNT))
    seen = torch.from_numpy(embed_patches(encoder, drawn))
    contrast_sets = make_contrast_sets(
        [record for record, _ in made], torch.zeros(COUNT, encoder.dim), encoder.tokenize
    )
    network.epochs = 1
    last = fit(network, encoder, contrast_sets, seen, 0)
    assert network.seen
    assert 0 < float(network.deviation) < 1
    assert np.isfinite(last["loss"])
    prepared = network.read(encoder, encoder.tokenize(TEXTS))
    one = network(some_of(prepared, torch.tensor([1])), seen[:1])
    assert torch.allclose(all_pairs(network, prepared, seen)[1, 0], one[0], atol=1e-5)


def test_a_model_without_patches_or_a_causal_tower_is_refused() -> None:
    other = tiny_own()
    with pytest.raises(OmniNegClipError, match="no patches"):
        DenseMaps(other, 8)
    with pytest.raises(OmniNegClipError, match="text's end"):
        Corrections(other)
