"""The benchmark's answers are checked by a reader that sees the captions' words and the scenes alone."""

from collections import Counter

import pytest
from scene_reader import phrasings_of, read

from omninegclip.data.items import ImageChoice, ObjectQuestion, TextChoice
from omninegclip.scenes.benchmark import LOOKALIKES, ScenesBenchmark, make_benchmark, scene_number
from omninegclip.scenes.objects import KINDS

SIZE = 120


@pytest.fixture(scope="module")
def benchmark() -> ScenesBenchmark:
    return make_benchmark(seed=5, size=SIZE)


def holds_out_objects(item: TextChoice | ImageChoice) -> bool:
    return item.groups["condition"] in {"held_out", "held_out_both"}


def test_presence_pairs_are_true_and_false(benchmark: ScenesBenchmark) -> None:
    assert len(benchmark.presence) == SIZE
    for item in benchmark.presence:
        scene = benchmark.scenes[scene_number(item.image)]
        assert item.answer == 0
        right, wrong = map(read, item.options)
        assert right.is_true_of(scene), item
        assert not wrong.is_true_of(scene), item
        assert wrong.denied is not None
        assert wrong.denied.held_out == holds_out_objects(item)


def test_absence_choices_share_what_is_affirmed_and_differ_in_what_is_denied(
    benchmark: ScenesBenchmark,
) -> None:
    for item in benchmark.absence_choice:
        assert item.answer == 0
        right, wrong = (benchmark.scenes[scene_number(image)] for image in item.images)
        claims = read(item.text)
        assert claims.affirmed <= set(right.kinds) & set(wrong.kinds), item
        assert claims.denied in wrong.kinds, item
        assert claims.is_true_of(right), item
        assert not claims.is_true_of(wrong), item
        assert len(right.items) == len(wrong.items), "the number of objects is no key"
        assert claims.denied is not None
        assert claims.denied.held_out == holds_out_objects(item)


def test_exactly_one_of_four_options_is_true(benchmark: ScenesBenchmark) -> None:
    for item in benchmark.multiple_choice:
        scene = benchmark.scenes[scene_number(item.image)]
        truths = [read(option).is_true_of(scene) for option in item.options]
        assert truths == [number == item.answer for number in range(4)], item


def test_templates_answers_and_conditions_come_in_equal_parts(benchmark: ScenesBenchmark) -> None:
    items = benchmark.multiple_choice
    assert set(Counter(item.groups["template"] for item in items).values()) == {SIZE // 3}
    assert set(Counter(item.groups["condition"] for item in items).values()) == {SIZE // 4}
    assert min(Counter(item.answer for item in items).values()) > SIZE // 8
    for part in (benchmark.presence, benchmark.absence_choice):
        assert set(Counter(item.groups["condition"] for item in part).values()) == {SIZE // 4}


def test_held_out_phrasings_are_asked_where_the_condition_says_so(benchmark: ScenesBenchmark) -> None:
    for item in benchmark.absence_choice:
        denied = read(item.text).denied
        assert denied is not None
        held_out = {found.phrasing.held_out for found in phrasings_of(item.text, denied)}
        assert (item.groups["condition"] in {"held_out_phrasings", "held_out_both"}) in held_out, item


def test_a_query_is_true_of_its_target_and_of_no_look_alike(benchmark: ScenesBenchmark) -> None:
    queries, family = benchmark.negated_queries, LOOKALIKES + 1
    images = sorted({image for query in queries for image in (*query.relevant, *query.excluded)})
    shown = {image: benchmark.scenes[scene_number(image)] for image in images}
    assert len(shown) == family * len(queries)
    for number, query in enumerate(queries):
        claims = read(query.text)
        assert [image for image in images if claims.is_true_of(shown[image])] == list(query.relevant)
        assert [image for image in images if claims.denied in shown[image].kinds] == list(query.excluded)
        own = set(images[number * family : (number + 1) * family])
        assert own & set(query.relevant) == {images[number * family]}


def test_gallery_captions_are_true_of_their_own_image_alone(benchmark: ScenesBenchmark) -> None:
    scenes = [benchmark.scenes[scene_number(item.image)] for item in benchmark.gallery]
    assert len({(scene.place, frozenset(scene.counts.items())) for scene in scenes}) == SIZE
    for item, scene in zip(benchmark.gallery, scenes, strict=True):
        (caption,) = item.captions
        assert read(caption).is_true_of(scene)


def test_objects_are_asked_of_the_whole_gallery_where_some_hold_them_and_some_do_not(
    benchmark: ScenesBenchmark,
) -> None:
    by_object: dict[str, list[ObjectQuestion]] = {}
    for item in benchmark.objects:
        by_object.setdefault(item.object, []).append(item)
    assert len(by_object) > len(KINDS) / 2
    names = {kind.indefinite: kind for kind in KINDS}
    for name, items in by_object.items():
        assert [item.image for item in items] == [item.image for item in benchmark.gallery]
        assert {item.present for item in items} == {True, False}
        for item in items:
            assert item.present == (names[name] in benchmark.scenes[scene_number(item.image)].kinds)
            assert item.groups == {"condition": "held_out" if names[name].held_out else "seen"}


def test_the_same_seed_asks_the_same_questions(benchmark: ScenesBenchmark) -> None:
    assert make_benchmark(seed=5, size=SIZE) == benchmark
    assert make_benchmark(seed=6, size=SIZE) != benchmark
