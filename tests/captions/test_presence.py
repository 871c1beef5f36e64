from random import Random

import pytest

from omninegclip.captions.parse import parse
from omninegclip.captions.presence import presence_negations


def all_of(caption: str) -> dict[str, str]:
    return {
        negation.text: negation.kind for negation in presence_negations(next(parse([caption])), Random(0))
    }


@pytest.mark.parametrize(
    ("caption", "kind", "expected"),
    [
        ("A dog on a red sofa.", "relation", "A dog that is not on a red sofa."),
        ("A dog on a red sofa.", "object", "A red sofa with no dog on it."),
        ("A dog on a red sofa.", "attribute", "A dog on a sofa that is not red."),
        ("A man with a hat is riding a horse.", "object", "A man without a hat is riding a horse."),
        ("A man with a hat is riding a horse.", "action", "A man with a hat is not riding a horse."),
        ("Two dogs run on the beach .", "object", "No dogs run on the beach ."),
        ("Two dogs run on the beach .", "action", "Two dogs do not run on the beach ."),
        (
            "A woman carries an umbrella in the rain.",
            "action",
            "A woman does not carry an umbrella in the rain.",
        ),
        ("A woman carrying an umbrella.", "object", "A woman carrying no umbrella."),
        ("Two women carrying umbrellas.", "action", "Two women who are not carrying umbrellas."),
        ("There are two dogs on the grass.", "object", "There are no dogs on the grass."),
        ("A cat and a dog on a sofa.", "object", "A cat but no dog on a sofa."),
        ("An old bus is on the road", "attribute", "A bus that is not old is on the road"),
        ("People riding horses on a beach", "object", "There are no people riding horses on a beach"),
    ],
)
def test_what_is_asserted_is_denied(caption: str, kind: str, expected: str) -> None:
    assert all_of(caption).get(expected) == kind


@pytest.mark.parametrize(
    "caption", ["A dog on a red sofa.", "A man, in a hat, is riding a horse.", "Two dogs run on grass ."]
)
def test_no_denial_adds_a_comma_and_none_comes_twice(caption: str) -> None:
    negations = list(presence_negations(next(parse([caption])), Random(0)))
    assert len({negation.text for negation in negations}) == len(negations) > 1
    assert {negation.text.count(",") for negation in negations} == {caption.count(",")}


@pytest.mark.parametrize(
    "caption", ["A man with his arms raised", "A dog with its mouth open", "A plate filled with fruit"]
)
def test_a_with_that_can_not_be_turned_is_left(caption: str) -> None:
    assert not any("without" in text or "with no" in text for text in all_of(caption))


def test_the_same_seed_gives_the_same_order() -> None:
    tree = next(parse(["A man with a hat is riding a brown horse on a beach."]))
    orders = {
        tuple(negation.text for negation in presence_negations(tree, Random(seed))) for seed in (1, 1, 2, 3)
    }
    assert 1 < len(orders) < 4
