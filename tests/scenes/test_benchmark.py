"""The benchmark's answers are checked by a reader that sees the captions' words and the scenes alone."""

from collections import Counter

import pytest
from scene_reader import phrasings_of, read

from omninegclip.scenes.benchmark import LOOKALIKES, ScenesBenchmark, make_benchmark

SIZE = 120


@pytest.fixture(scope="module")
def benchmark() -> ScenesBenchmark:
    return make_benchmark(seed=5, size=SIZE)


def test_presence_pairs_are_true_and_false(benchmark: ScenesBenchmark) -> None:
    assert len(benchmark.presence) == SIZE
    for item in benchmark.presence:
        scene = benchmark.scenes[item.image]
        assert read(item.right).is_true_of(scene), item
        wrong = read(item.wrong)
        assert not wrong.is_true_of(scene), item
        assert wrong.denied is not None
        assert wrong.denied.held_out == item.condition.held_out_object


def test_absence_choices_share_what_is_affirmed_and_differ_in_what_is_denied(
    benchmark: ScenesBenchmark,
) -> None:
    for item in benchmark.absence_choice:
        right, wrong = benchmark.scenes[item.right], benchmark.scenes[item.wrong]
        claims = read(item.text)
        assert claims.affirmed <= set(right.kinds) & set(wrong.kinds), item
        assert claims.denied in wrong.kinds, item
        assert claims.is_true_of(right), item
        assert not claims.is_true_of(wrong), item
        assert len(right.items) == len(wrong.items), "the number of objects is no key"
        assert claims.denied is not None
        assert claims.denied.held_out == item.condition.held_out_object


def test_exactly_one_of_four_options_is_true(benchmark: ScenesBenchmark) -> None:
    for item in benchmark.multiple_choice:
        scene = benchmark.scenes[item.image]
        truths = [read(option).is_true_of(scene) for option in item.options]
        assert truths == [number == item.answer for number in range(4)], item


def test_templates_answers_and_conditions_come_in_equal_parts(benchmark: ScenesBenchmark) -> None:
    items = benchmark.multiple_choice
    assert set(Counter(item.template for item in items).values()) == {SIZE // 3}
    assert set(Counter(item.condition for item in items).values()) == {SIZE // 4}
    assert min(Counter(item.answer for item in items).values()) > SIZE // 8
    for part in (benchmark.presence, benchmark.absence_choice):
        assert set(Counter(item.condition for item in part).values()) == {SIZE // 4}


def test_held_out_phrasings_are_asked_where_the_condition_says_so(benchmark: ScenesBenchmark) -> None:
    for item in benchmark.absence_choice:
        denied = read(item.text).denied
        assert denied is not None
        held_out = {found.phrasing.held_out for found in phrasings_of(item.text, denied)}
        assert item.condition.held_out_phrasing in held_out, item


def test_a_query_is_true_of_its_target_and_of_no_look_alike(benchmark: ScenesBenchmark) -> None:
    family = LOOKALIKES + 1
    shown = [benchmark.scenes[index] for index in benchmark.lookalikes]
    assert len(shown) == family * len(benchmark.negated_queries)
    for number, query in enumerate(benchmark.negated_queries):
        claims = read(query.text)
        assert [n for n, scene in enumerate(shown) if claims.is_true_of(scene)] == list(query.relevant)
        own = set(range(number * family, (number + 1) * family))
        assert own & set(query.relevant) == {number * family}


def test_gallery_captions_are_true_of_their_own_image_alone(benchmark: ScenesBenchmark) -> None:
    contents = {
        (benchmark.scenes[n].place, frozenset(benchmark.scenes[n].counts.items())) for n in benchmark.gallery
    }
    assert len(contents) == len(benchmark.captions) == SIZE
    for index, caption in zip(benchmark.gallery, benchmark.captions, strict=True):
        assert read(caption).is_true_of(benchmark.scenes[index])


def test_the_same_seed_asks_the_same_questions(benchmark: ScenesBenchmark) -> None:
    assert make_benchmark(seed=5, size=SIZE) == benchmark
    assert make_benchmark(seed=6, size=SIZE) != benchmark
