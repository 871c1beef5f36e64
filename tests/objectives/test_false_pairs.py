import pytest
import torch

from omninegclip.objectives import false_pairs


def test_a_statement_is_known_false_by_what_it_denies_and_what_it_affirms() -> None:
    """Objects: dog, cat, owl. An image of a dog, known to show no cat; one of which only an owl is known."""
    present = torch.tensor([[1, 0, 0], [0, 0, 1]], dtype=torch.bool)
    absent = torch.tensor([[0, 1, 0], [0, 0, 0]], dtype=torch.bool)
    said = {
        "a dog": ([1, 0, 0], [0, 0, 0], [False, False]),
        "a cat": ([0, 1, 0], [0, 0, 0], [True, False]),
        "a dog but no cat": ([1, 0, 0], [0, 1, 0], [False, False]),
        "a cat but no dog": ([0, 1, 0], [1, 0, 0], [True, False]),
        "no owl": ([0, 0, 0], [0, 0, 1], [False, True]),
        "a dog, a cat": ([1, 1, 0], [0, 0, 0], [True, False]),
    }
    affirms = torch.tensor([row for row, _, _ in said.values()], dtype=torch.bool)
    negates = torch.tensor([row for _, row, _ in said.values()], dtype=torch.bool)
    expected = [row for _, _, row in said.values()]
    assert false_pairs(affirms, negates, present, absent).tolist() == expected


def test_shapes_that_do_not_fit_are_refused() -> None:
    two, three = torch.zeros(4, 2, dtype=torch.bool), torch.zeros(4, 3, dtype=torch.bool)
    with pytest.raises(ValueError, match="must be alike"):
        false_pairs(two, three, two, two)
    with pytest.raises(ValueError, match="the same objects"):
        false_pairs(two, two, three, three)
