from random import Random

import pytest

from omninegclip.captions.compose import NegatedCaption
from omninegclip.captions.parse import parse
from omninegclip.captions.presence import presence_negations, proofread
from omninegclip.captions.proofreading import reread


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
        (
            "A woman carries an umbrella in the rain.",
            "action",
            "A woman is not carrying an umbrella in the rain.",
        ),
        ("Two dogs run on the beach .", "action", "Two dogs are not running on the beach ."),
        ("A woman carrying an umbrella.", "object", "A woman not carrying an umbrella."),
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
    negations = presence_negations(next(parse([caption])), Random(0))
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


@pytest.mark.parametrize(
    ("caption", "never"),
    [
        ("Two dogs are standing next to each other.", "no dogs"),
        ("Two dogs play together in the snow.", "no dogs"),
        ("Many people are standing in the snow.", "are not"),
        ("Some people standing in front of a house.", "but not"),
        ("A lot of dogs are sleeping on a mat.", "are not"),
        ("The zebras are grazing in a pasture.", "no zebras"),
        ("A man with the ball is running.", "with no"),
        ("A man stands near some bikes.", "not stand near some"),
        ("A polar bear stands on the ice.", "not polar"),
        ("A glass of white wine on a table.", "not white"),
        ("An old-looking bus on a road.", "not old"),
        ("A plate next to a blue and raspberry topped cake.", "no and"),
        ("A view of a bedroom with the bed unmade.", "without"),
        ("A television and some books in a room.", "but not in"),
        ("A very green hillside in the day time.", "no very"),
        ("A dog near a wall.", "no wall"),
        ("A man wearing a yellow shirt on a bus.", "wearing no yellow"),
        ("The moon shining on a lake.", "moon that is not"),
        ("A man stands on a surfboard and coasts down a large wave .", "does not"),
        ("Two people stand on the pier looking at the ocean and embrace .", "do not"),
        ("A skateboarder at dusk .", "not at dusk"),
        ("The street is quiet in early autumn.", "not in early"),
        ("A young man in a black shirt is jumping.", "not young"),
        ("A parking lot with a few cars in it.", "no few"),
        ("A kitchen has a large window.", "not having"),
        ("A dog looks like a bear.", "not looking"),
        ("A stuffed bear head and paw on a laptop computer.", "but not"),
        ("A large and a small dog are standing in a fence .", "not small"),
        ("A salad is in a red bowl and has lettuce in it.", "no salad"),
        ("A young boy runs across the street.", "not young"),
        ("Man in martial arts-style costume jumping in midair .", "but not jumping"),
    ],
)
def test_what_reads_wrong_is_not_written(caption: str, never: str) -> None:
    assert not any(never in text.lower() for text in all_of(caption)), caption


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("A MAN RIDING A HORSE", "A MAN NOT RIDING A HORSE"),
        ("A fire hydrant is standing amid some grass.", "A fire hydrant is not standing amid any grass."),
        ("A man is looking at something.", "A man is not looking at anything."),
        ("A man wearing a yellow shirt on a bus.", "A man not wearing a yellow shirt on a bus."),
        ("A man wearing a hat on a bus.", "A man wearing no hat on a bus."),
        ("A lamp near an alarm clock", "alarm clock"),
    ],
)
def test_case_words_and_compounds_hold(caption: str, expected: str) -> None:
    assert any(expected in text for text in all_of(caption))


def test_a_sentence_that_is_parsed_otherwise_when_denied_is_refused() -> None:
    """The parse of the denial has a verb where the caption's had a noun."""
    caption, denied = parse(["A man on a board.", "There is no man on a board who rides a wave."])
    assert reread(caption, denied) == "a second finite verb"
    same, negated = parse(["A man is riding a wave.", "A man is not riding a wave."])
    assert reread(same, negated) is None
    assert reread(same, next(parse(["No man. He is riding a wave."]))) == "more than one sentence"


def test_the_next_negation_is_taken_where_one_is_refused() -> None:
    tree = next(parse(["A dog sleeps on a sofa."]))
    good = presence_negations(tree, Random(0))
    bad = NegatedCaption("object", "no subject", "a dog", "No dog. It sleeps on a sofa.")
    assert proofread([(tree, [bad, *good])], 1) == [good[:1]]
    assert proofread([(tree, [bad])], 1) == [[]]
