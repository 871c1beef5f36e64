"""The loss of a reader against naive loops, and its refusals."""

import math

import pytest
import torch
import torch.nn.functional as F

from omninegclip.objectives.reader import presence_logits, reader


def test_every_part_is_what_a_naive_loop_says() -> None:
    torch.manual_seed(0)
    nothing = F.normalize(torch.randn(6), dim=0)
    targets = F.normalize(torch.randn(4, 3, 6), dim=-1)
    targets[0, 2] = targets[1, 1] = targets[1, 2] = targets[3, 0] = nothing
    targets[2, 1] = targets[0, 1]  # two sentences deny the same
    vectors = F.normalize(torch.randn(4, 3, 6), dim=-1)
    slots = [(t, s) for t in range(4) for s in range(3)]
    distance = told_apart = presence = 0.0
    for t, s in slots:
        own = targets[t, s]
        distance += 1 - float(vectors[t, s] @ own) / 1
        others = [targets[u, r] for u, r in slots if (u, r) == (t, s) or float(targets[u, r] @ own) < 0.9999]
        told_apart += math.log(sum(math.exp(9 * float(vectors[t, s] @ q)) for q in others))
        told_apart -= 9 * float(vectors[t, s] @ own)
        there = 1 / (1 + math.exp(-10 * (0.7 - float(vectors[t, s] @ nothing))))
        presence -= math.log(1 - there if torch.equal(own, nothing) else there)
    parts = reader(vectors, targets, nothing, weight_told_apart=0.3, weight_presence=2.0, scale=9.0)
    expected = {"distance": distance / 12, "told_apart": told_apart / 12, "presence": presence / 12}
    expected["loss"] = 9 * distance / 12 + 0.3 * told_apart / 12 + 2 * presence / 12
    assert set(parts) == set(expected)
    for name, value in expected.items():
        assert parts[name].item() == pytest.approx(value, abs=1e-4), name


def test_who_says_all_halves_has_no_distance_and_a_sure_presence() -> None:
    nothing = torch.tensor([1.0, 0.0, 0.0])
    targets = torch.eye(3)[[1, 2, 0, 0]].reshape(2, 2, 3)
    parts = reader(targets, targets, nothing, scale=50.0)
    assert parts["distance"] == 0
    assert parts["told_apart"] < 1e-6
    assert (presence_logits(targets, nothing) > 0).tolist() == [[True, True], [False, False]]


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must be \[T, S, d\] and nothing \[d\]"):
        reader(torch.ones(2, 3, 4), torch.ones(2, 3, 4), torch.ones(3))
