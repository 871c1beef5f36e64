"""Pretraining with CLIP's own loss, against loops written out, and taken up again at any step."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from tiny_clip import tiny_encoder
from tiny_dual import tiny_own
from torch import Tensor, nn
from torch.nn import functional as F

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.pooled import image_features
from omninegclip.data.features import FrozenFeatures
from omninegclip.errors import OmniNegClipError
from omninegclip.training.pretraining import (
    PairFeatures,
    Pretraining,
    PretrainingSettings,
    captioned_features,
)
from omninegclip.training.schedule import cosine

SETTINGS = PretrainingSettings(steps=12, warmup=2, batch_size=4, learning_rate=1e-3, weight_decay=0.1, seed=3)
CAPTIONS = ("a dog", "two cats and an owl", "a red bus", "no words needed, a cup")


def pairs(encoder: ClipEncoder, kept: int | None = None) -> Callable[[int], PairFeatures]:
    """The same four images and captions in each step, seen through both towers."""
    pixels = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    ids = encoder.tokenize(CAPTIONS)

    def features_of(step: int) -> PairFeatures:
        images = F.normalize(image_features(encoder.model, pixels, kept), dim=-1)
        return PairFeatures(images, encoder.encode_texts(ids))

    return features_of


def frozen(count: int = 6) -> tuple[list[list[str]], FrozenFeatures]:
    generator = np.random.default_rng(2)
    captions = [[f"the letter {letter}", f"this is {letter * 3}"] for letter in "abcdefgh"[:count]]
    return captions, FrozenFeatures(generator.random((count, 12), dtype=np.float32), np.arange(count))


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: weight.clone() for name, weight in model.state_dict().items()}


def assert_same(model: nn.Module, other: nn.Module) -> None:
    state = other.state_dict()
    assert all(torch.equal(weight, state[name]) for name, weight in model.state_dict().items())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_loss_falls(precision: str) -> None:
    encoder = tiny_encoder()
    training = Pretraining(encoder, pairs(encoder), SETTINGS._replace(precision=precision, steps=40))
    losses = [step.scalars["loss"] for step in training.run()]
    assert losses[-1] < 0.3 * losses[0]
    assert training.done == 40
    assert not encoder.model.training


def test_the_steps_are_those_of_a_loop_written_out() -> None:
    encoder, other = tiny_encoder(), tiny_encoder()
    list(Pretraining(encoder, pairs(encoder), SETTINGS).run())
    model, features_of = other.model, pairs(other)
    spared = [
        weight
        for name, weight in model.named_parameters()
        if weight.ndim < 2 or "token_embedding" in name or "position_embedding" in name
    ]
    decayed = [weight for weight in model.parameters() if not any(weight is each for each in spared)]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": spared, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.98))
    for step in range(12):
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * cosine(step, 2, 12)
        images, captions, _ = features_of(step)
        logits = model.logit_scale.exp() * images @ captions.T
        own = torch.arange(4)
        loss = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    for name, weight in encoder.model.state_dict().items():
        if not name.endswith("k_proj.bias"):  # no loss depends on it: its gradient is rounding alone
            torch.testing.assert_close(weight, model.state_dict()[name], rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("stop", [1, 5, 11])
def test_a_run_taken_up_at_any_step_ends_with_the_same_weights(stop: int) -> None:
    whole, first, second = (tiny_encoder() for _ in range(3))
    list(Pretraining(whole, pairs(whole, kept=5), SETTINGS).run())
    training = Pretraining(first, pairs(first, kept=5), SETTINGS)
    for _ in training.run():
        if training.done == stop:
            break
    state = copy.deepcopy(training.state())
    torch.manual_seed(99)  # the random patches of a step follow from its number
    again = Pretraining(second, pairs(second, kept=5), SETTINGS)
    again.restore(*state)
    assert [step.number for step in again.run()] == list(range(stop, 12))
    assert_same(whole.model, second.model)


def test_kept_patches_are_some_of_the_images_own() -> None:
    model = tiny_encoder().model.requires_grad_(False)
    pixels = torch.rand(5, 3, 32, 32)
    whole = image_features(model, pixels)
    # in another order, which attention does not see
    torch.testing.assert_close(image_features(model, pixels, 16), whole, rtol=1e-4, atol=1e-5)
    seen: list[Tensor] = []
    model.vision_model.pre_layrnorm.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    for _ in range(2):
        image_features(model, pixels, 8)
    embedded = model.vision_model.embeddings(pixels)
    for some in seen:
        places = (some[:, :, None] == embedded[:, None]).all(dim=3).float().argmax(dim=2)
        assert torch.equal(some, embedded.gather(1, places[:, :, None].expand_as(some)))
        assert places[:, 0].tolist() == [0] * 5  # the class token
        assert all(len(set(row)) == 9 for row in places.tolist())
    assert not torch.equal(seen[0], seen[1])


def test_beside_frozen_images_their_captions_are_no_negatives_of_each_other() -> None:
    encoder = tiny_own()
    captions, pooled = frozen()
    pooled.stored[1] = pooled.stored[0]
    pairs_of = captioned_features(encoder, captions, pooled, 12, seed=0)(0)
    images, texts, same = pairs_of
    assert same is not None
    assert same.sum(dim=1).tolist() == [2] * 12  # each image has two captions, and both are in the batch
    logits = (encoder.model.logit_scale.exp() * images @ texts.T).detach()
    terms = []
    for table in (logits, logits.T):
        for row in range(12):
            others = [column for column in range(12) if column == row or not same[row, column]]
            terms.append(torch.logsumexp(table[row, others], 0) - table[row, row])
    training = Pretraining(encoder, lambda _: pairs_of, SETTINGS._replace(batch_size=12))
    loss = next(training.run()).scalars["loss"]
    assert loss == pytest.approx(torch.stack(terms).mean().item(), abs=1e-5)


def test_beside_frozen_images_each_caption_comes_with_its_own_image() -> None:
    encoder = tiny_own()
    captions, pooled = frozen()
    images, texts, same = captioned_features(encoder, captions, pooled, 5, seed=0)(3)
    with torch.no_grad():
        known = encoder.encode_texts(encoder.tokenize([each for some in captions for each in some]))
        rows = (texts @ known.T).argmax(dim=1)
        own = F.normalize(encoder.model.visual_projection(pooled[rows.numpy() // 2]), dim=-1)
    assert len(set(rows.tolist())) == 5
    torch.testing.assert_close(images, own)
    assert same is not None
    assert torch.equal(same, rows[:, None] // 2 == rows // 2)
    with pytest.raises(OmniNegClipError, match="12 rows don't fill a batch of 13"):
        captioned_features(encoder, captions, pooled, 13, seed=0)


def test_fresh_parts_learn_at_a_rate_of_their_own_and_frozen_ones_stay() -> None:
    encoder = tiny_own()
    encoder.model.vision_model.requires_grad_(False)
    before = weights(encoder.model)
    fresh = ("visual_projection", "text_projection", "logit_scale")
    settings = SETTINGS._replace(learning_rate=0.0, weight_decay=0.0, fresh=fresh, fresh_rate=1e-2)
    for _ in Pretraining(
        encoder, captioned_features(encoder, *frozen(), batch_size=4, seed=0), settings
    ).run():
        pass
    changed = {
        name for name, weight in encoder.model.state_dict().items() if not torch.equal(weight, before[name])
    }
    assert changed == {name for name in before if name.startswith(fresh)}


def test_a_run_shorter_than_its_warm_up_is_refused() -> None:
    encoder = tiny_encoder()
    with pytest.raises(OmniNegClipError, match="3 steps and a warm-up of 2"):
        Pretraining(encoder, pairs(encoder), SETTINGS._replace(steps=3))
