import numpy as np
import pytest

from omninegclip.evaluation import blind
from omninegclip.evaluation.metrics import choice

# Our own sentences in the three shapes of NegBench, the right one first.
HYBRID = [
    "This image shows a lamp, but no sofa is present.",
    "A sofa is present in this image, but there is no lamp.",
    "This image shows a sofa",
    "This image does not show a lamp.",
]
POSITIVE = [
    "There is a kettle here",
    "There isn't a kettle here",
    "No kettle is visible, but there is a bench",
    "A bench is here, without a kettle",
]
NEGATIVE = [
    "There is no zebra in the image.",
    "A zebra is in the image.",
    "A zebra but not a fence is in the image.",
    "A zebra is shown while a fence is missing.",
]


def right(rule, *items):
    return choice(rule(items), np.zeros(len(items), int)).tolist()


def test_every_rule_scores_every_option():
    for name, rule in blind.RULES.items():
        assert rule([HYBRID, POSITIVE]).shape == (2, 4), name


def test_contradiction_solves_choices_whose_wrong_options_invert_the_right_one():
    assert right(blind.contradiction, HYBRID, POSITIVE, NEGATIVE) == [1, 1, 1]


def test_contradiction_is_no_better_than_chance_when_nothing_contradicts():
    assert right(blind.contradiction, ["a lamp", "a sofa", "a bench", "a kettle"]) == [0.25]


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        (blind.shortest, "a cat"),
        (blind.longest, "a dog, without any cats"),
        (blind.comma, "a dog, without any cats"),
        (blind.fewest_negations, "a cat"),
    ],
)
def test_simple_rules_choose_what_their_name_says(rule, answer):
    options = ["a dog without cats", "a dog, without any cats", "a cat"]
    assert options[int(rule([options]).argmax())] == answer


def test_no_comma_ties_all_that_lack_one():
    assert blind.no_comma([["a, b", "a b", "b"]]).tolist() == [[-1, 0, 0]]


@pytest.mark.parametrize(
    "text", ["no cats", "it isn’t here", "a treeless hill", "lacking cats", "free of cats", "nothing but sky"]
)
def test_negation_words_are_seen(text):
    assert blind.fewest_negations([[text, "a notable knot and a nose"]]).tolist() == [[-1, 0]]


def test_constant_earns_chance():
    assert right(blind.constant, HYBRID) == [0.25]
