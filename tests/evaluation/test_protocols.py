import numpy as np
import pytest

from omninegclip.evaluation import protocols
from omninegclip.scoring.scores import Cosines
from omninegclip.scoring.texts import option_scores

RANDOM = np.random.default_rng(0)
FIRST = np.zeros(3, int)
SCORES = np.array([[0.3, 0.2, -np.inf], [0.2, 0.2, 0.1], [0.1, 0.3, 0.2]])


def unit(*shape):
    array = RANDOM.normal(size=shape).astype(np.float32)
    return array / np.linalg.norm(array, axis=-1, keepdims=True)


def test_the_rules_differ_where_scores_are_equal():
    assert protocols.choose(SCORES, FIRST, "strict").tolist() == [1, 0.5, 0]
    assert protocols.choose(SCORES, FIRST, "official").tolist() == [1, 1, 0]
    assert protocols.prefer(SCORES, FIRST, "strict").tolist() == [1, 0.5, 0]
    assert protocols.prefer(SCORES, FIRST, "official").tolist() == [1, 0, 0]


def test_official_argmax_gives_a_broken_model_everything_and_strict_refuses_it():
    nothing = np.full((5, 2), np.nan)
    answers = np.zeros(5, int)
    assert protocols.choose(nothing, answers, "official").mean() == 1
    assert protocols.prefer(nothing, answers, "official").mean() == 0
    for score in (protocols.choose, protocols.prefer):
        with pytest.raises(ValueError, match="scores holds NaN"):
            score(nothing, answers, "strict")


def test_option_scores_are_the_cosines_of_each_items_own_options():
    single, options, starts = unit(4, 8), unit(9, 8), np.array([0, 3, 4, 6, 9])
    scores = option_scores(single, options, starts)
    for item in range(4):
        own = options[starts[item] : starts[item + 1]]
        assert scores[item, : len(own)] == pytest.approx(own @ single[item], abs=1e-6)
        assert (scores[item, len(own) :] == -np.inf).all()


def test_equal_options_have_exactly_equal_scores():
    options = np.repeat(unit(1, 512), 4001, axis=0)
    scores = option_scores(unit(1, 512), options, np.array([0, 4001]))
    assert len(np.unique(scores)) == 1


@pytest.mark.parametrize("rule", ["official", "strict"])
def test_both_rules_retrieve_alike_without_ties(rule):
    queries, gallery = unit(30, 16), unit(20, 16)
    relevant = [RANDOM.choice(20, size, replace=False) for size in RANDOM.integers(1, 4, 30)]
    found = protocols.retrieve(Cosines(queries, gallery), relevant, (1, 5), rule)
    for row, wanted in enumerate(relevant):
        order = np.argsort(-(gallery @ queries[row]))
        for k in (1, 5):
            assert found[k][row] == bool(set(order[:k]) & set(wanted))


def test_official_retrieval_lets_the_first_of_equal_items_win():
    same = np.ones((6, 1), np.float32)
    found = protocols.retrieve(Cosines(same, same), np.arange(6), (1, 5), "official")
    assert (found[1].tolist(), found[5].tolist()) == ([1, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 0])
    strict = protocols.retrieve(Cosines(same, same), np.arange(6), (1, 5), "strict")
    assert strict[5] == pytest.approx(5 / 6)


def test_recognition_gives_an_area_per_kind_that_varies():
    images = np.array([[1, 0], [0, 1], [0.6, 0.8], [1, 0]], np.float32)
    objects = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], np.float32)
    kinds, present = np.array([3, 3, 3, 5]), np.array([True, False, True, False])
    found, areas = protocols.recognise(images, objects, kinds, present)
    assert (found.tolist(), areas.tolist()) == ([3], [1.0])
