"""Gradients of a batch in chunks against those of the same batch at once."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from omninegclip.training.gradcache import NamedFeatures, accumulate_gradients

Chunk = dict[str, Tensor]


class Tower(nn.Module):
    """A text tower in small: texts to normalised features, frozen images as they are, and a logit scale."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Dropout(dropout), nn.Linear(8, 4))
        self.logit_scale = nn.Parameter(torch.tensor(1.5))

    def forward(self, chunk: Chunk) -> dict[str, Tensor]:
        return {
            "captions": F.normalize(self.layers(chunk["captions"]), dim=-1),
            "negated": F.normalize(self.layers(chunk["negated"]), dim=-1),
            "images": chunk["images"],
        }

    def objective(self, features: NamedFeatures) -> dict[str, Tensor]:
        texts = torch.cat([features["captions"], features["negated"]])
        logits = self.logit_scale.exp() * features["images"] @ texts.T
        loss = F.cross_entropy(logits, torch.arange(len(logits)))
        return {"loss": loss, "twice": 2 * loss}


def batch(rows: int) -> Chunk:
    generator = torch.Generator().manual_seed(0)
    captions, negated = torch.randn(2, rows, 6, generator=generator, dtype=torch.float64)
    images = F.normalize(torch.randn(rows, 4, generator=generator, dtype=torch.float64), dim=-1)
    return {"captions": captions, "negated": negated, "images": images}


def chunked(whole: Chunk, size: int) -> list[Chunk]:
    parts = {name: tensor.split(size) for name, tensor in whole.items()}
    return [dict(zip(parts, chunk, strict=True)) for chunk in zip(*parts.values(), strict=True)]


def gradients(run: Callable[[Tower], None]) -> dict[str, Tensor]:
    torch.manual_seed(0)
    tower = Tower().double()
    run(tower)
    return {
        name: parameter.grad for name, parameter in tower.named_parameters() if parameter.grad is not None
    }


@pytest.mark.parametrize("size", [1, 3, 7, 20])  # the last chunk is smaller, and all may fit into one
def test_gradients_are_those_of_the_whole_batch(size: int) -> None:
    whole = batch(7)
    losses: list[Tensor] = []

    def at_once(tower: Tower) -> None:
        losses.append(tower.objective(tower(whole))["loss"])
        losses[-1].backward()

    def in_chunks(tower: Tower) -> None:
        parts = accumulate_gradients(tower, chunked(whole, size), tower.objective)
        losses.append(parts["loss"])
        assert not parts["loss"].requires_grad
        torch.testing.assert_close(parts["twice"], 2 * parts["loss"])

    expected, actual = gradients(at_once), gradients(in_chunks)
    assert actual.keys() == expected.keys() == {name for name, _ in Tower().named_parameters()}
    torch.testing.assert_close(losses[1], losses[0])
    for name, gradient in expected.items():
        torch.testing.assert_close(actual[name], gradient, rtol=1e-9, atol=1e-12)


def test_separate_small_batches_would_be_another_objective() -> None:
    def in_small_batches(tower: Tower) -> None:
        for chunk in chunked(batch(6), 3):
            (tower.objective(tower(chunk))["loss"] / 2).backward()

    def in_chunks(tower: Tower) -> None:
        accumulate_gradients(tower, chunked(batch(6), 3), tower.objective)

    wrong, right = gradients(in_small_batches), gradients(in_chunks)
    assert not torch.allclose(wrong["layers.0.weight"], right["layers.0.weight"], rtol=1e-2)


def test_the_scale_of_a_gradient_scaler_reaches_every_weight() -> None:
    def run(scale: float) -> Callable[[Tower], None]:
        def in_chunks(tower: Tower) -> None:
            accumulate_gradients(tower, chunked(batch(6), 4), tower.objective, lambda loss: scale * loss)

        return in_chunks

    plain, scaled = gradients(run(1)), gradients(run(1024))
    for name, gradient in plain.items():
        torch.testing.assert_close(scaled[name], 1024 * gradient)


def test_both_passes_drop_the_same_and_leave_the_random_numbers_of_the_run_alone() -> None:
    torch.manual_seed(0)
    tower = Tower(dropout=0.5).double()
    seen: list[Tensor] = []
    tower.layers.register_forward_hook(lambda _module, _inputs, output: seen.append(output.detach()))
    state = []
    for size in (2, 3):  # the same number of chunks with other contents
        torch.manual_seed(1)
        accumulate_gradients(tower, chunked(batch(2 * size), size), tower.objective)
        state.append(torch.get_rng_state())
    first, again = torch.stack(seen[:4]), torch.stack(seen[4:8])
    assert torch.equal(first, again)
    assert torch.equal(*state)
