import itertools

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from omninegclip.evaluation import metrics
from omninegclip.scoring.scores import Cosines

RANDOM = np.random.default_rng(0)


def unit(array):
    return (array / np.linalg.norm(array, axis=1, keepdims=True)).astype(np.float32)


def one_hot(indices, size):
    return np.eye(size, dtype=np.float32)[indices]


def test_pairwise_credits():
    right, wrong = np.array([0.3, 0.2, 0.1]), np.array([0.1, 0.2, 0.3])
    assert metrics.pairwise(right, wrong).tolist() == [1, 0.5, 0]


def test_choice_credits():
    scores = np.array([[3, 1, 2], [1, 3, 3], [2, 2, 2], [3, 1, 2]], float)
    assert metrics.choice(scores, np.array([0, 1, 2, 1])).tolist() == [1, 1 / 2, 1 / 3, 0]


@pytest.mark.parametrize("answers", [[3], [-1]])
def test_choice_refuses_answers_that_are_no_option(answers):
    with pytest.raises(ValueError, match=r"answers must lie in \[0, 3\)"):
        metrics.choice(np.zeros((1, 3)), np.array(answers))


def test_planted_choosers():
    n, k = 30_000, 4
    answers = np.zeros(n, int)  # the files' habit: the answer comes first
    assert metrics.choice(np.zeros((n, k)), answers).mean() == 1 / k
    assert metrics.choice(one_hot(answers, k), answers).mean() == 1
    assert metrics.choice(RANDOM.random((n, k)), answers).mean() == pytest.approx(1 / k, abs=0.01)
    with pytest.raises(ValueError, match="scores holds NaN"):
        metrics.choice(np.full((n, k), np.nan), answers)


def hits_over_all_orders(scores, relevant, k):
    """Return the share of the orders of equal scores that put a relevant item in the top k."""
    orders = [
        order
        for order in itertools.permutations(range(len(scores)))
        if all(scores[a] >= scores[b] for a, b in itertools.pairwise(order))
    ]
    return np.mean([bool(set(order[:k]) & set(relevant)) for order in orders])


def test_recall_is_the_probability_over_all_orders_of_ties():
    queries = np.ones((40, 1), np.float32)
    for _ in range(5):
        scores = RANDOM.integers(0, 3, 6)
        relevant = [RANDOM.choice(6, size, replace=False) for size in RANDOM.integers(1, 4, 40)]
        by_k = metrics.recall_at_k(
            Cosines(queries, scores[:, None].astype(np.float32)), relevant, [1, 2, 3, 6, 9]
        )
        for k, found in by_k.items():
            assert found == pytest.approx([hits_over_all_orders(scores, row, k) for row in relevant])


def test_recall_matches_a_naive_loop_over_block_edges(monkeypatch):
    monkeypatch.setattr(metrics, "_BLOCK_QUERIES", 7)
    monkeypatch.setattr(metrics, "_BLOCK_GALLERY", 11)
    queries, gallery = unit(RANDOM.normal(size=(50, 8))), unit(RANDOM.normal(size=(40, 8)))
    relevant = RANDOM.integers(0, 40, 50)
    found = metrics.recall_at_k(Cosines(queries, gallery), relevant, [1, 5])
    for k in (1, 5):
        for row, answer in enumerate(relevant):
            scores = [float(queries[row] @ item) for item in gallery]
            assert found[k][row] == (sum(score > scores[answer] for score in scores) < k)


def test_recall_of_a_model_that_maps_everything_to_one_point():
    point = unit(RANDOM.normal(size=(1, 512)))
    found = metrics.recall_at_k(
        Cosines(point.repeat(1000, 0), point.repeat(977, 0)), RANDOM.integers(0, 977, 1000), [1, 5]
    )
    assert found[1] == pytest.approx(1 / 977)
    assert found[5] == pytest.approx(5 / 977)


def test_recall_counts_a_repeated_relevant_item_once():
    query, gallery = np.ones((1, 1), np.float32), np.ones((4, 1), np.float32)
    assert metrics.recall_at_k(Cosines(query, gallery), [np.array([2, 2])], [1])[1] == pytest.approx(0.25)


@pytest.mark.parametrize("relevant", [np.array([0]), [np.array([0]), np.array([], int)]])
def test_recall_wants_a_relevant_item_per_query(relevant):
    with pytest.raises(ValueError, match="at least one item for each of 2 queries"):
        metrics.recall_at_k(Cosines(np.ones((2, 1)), np.ones((2, 1))), relevant, [1])


@pytest.mark.parametrize("broken", ["queries", "gallery"])
def test_retrieval_refuses_nan_on_either_side(broken):
    sides = {"queries": np.ones((2, 3)), "gallery": np.ones((2, 3))}
    sides[broken][1, 1] = np.nan
    with pytest.raises(ValueError, match="scores holds NaN"):
        metrics.recall_at_k(Cosines(**sides), relevant=np.array([0, 1]), ks=[1])
    with pytest.raises(ValueError, match="scores holds NaN"):
        metrics.exclusion_at_k(Cosines(**sides), holds=np.ones((2, 2), bool), k=1)


def test_exclusion_matches_a_naive_loop_over_block_edges(monkeypatch):
    monkeypatch.setattr(metrics, "_BLOCK_QUERIES", 1)
    monkeypatch.setattr(metrics, "_BLOCK_GALLERY", 90)
    queries, gallery = unit(RANDOM.normal(size=(20, 8))), unit(RANDOM.normal(size=(30, 8)))
    holds = RANDOM.random((20, 30)) < 0.3
    naive = [holds[row, np.argsort(-(gallery @ queries[row]))[:5]].mean() for row in range(20)]
    assert metrics.exclusion_at_k(Cosines(queries, gallery), holds, 5) == pytest.approx(naive)
    assert metrics.exclusion_at_k(Cosines(queries, gallery), lambda rows: holds[rows], 5) == pytest.approx(
        naive
    )


def test_exclusion_expects_the_share_of_ties():
    queries = np.ones((1, 1), np.float32)
    gallery = np.array([[1], [0.5], [0.5], [0.5], [0]], np.float32)
    holds = np.array([[True, True, False, False, True]])
    # The top 2 are item 0, which holds it, and one of three tied, one of which holds it.
    assert metrics.exclusion_at_k(Cosines(queries, gallery), holds, 2) == pytest.approx([(1 + 1 / 3) / 2])


def test_exclusion_refuses_a_k_beyond_the_gallery():
    with pytest.raises(ValueError, match=r"k must lie in \[1, 2\], not 3"):
        metrics.exclusion_at_k(Cosines(np.ones((1, 1)), np.ones((2, 1))), np.ones((1, 2), bool), 3)


def test_auc_agrees_with_scikit_learn_and_counts_ties_half():
    for scores in (RANDOM.normal(size=200), RANDOM.integers(0, 5, 200).astype(float)):
        labels = RANDOM.random(200) < 0.3
        assert metrics.auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))
    assert metrics.auc(np.zeros(10), np.arange(10) < 5) == 0.5


def test_auc_refuses_what_has_no_answer():
    with pytest.raises(ValueError, match="labels must hold both classes"):
        metrics.auc(np.zeros(3), np.ones(3, bool))
    with pytest.raises(ValueError, match="scores holds NaN"):
        metrics.auc(np.array([0, np.nan]), np.array([True, False]))


def test_lengths_that_differ_are_an_error():
    with pytest.raises(ValueError, match="Got 2 items against 3"):
        metrics.pairwise(np.zeros(2), np.zeros(3))
