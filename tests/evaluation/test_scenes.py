"""Planted scorers whose figures are known: nothing, oracle, and CLIP's illness itself."""

import zlib
from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray
from scene_reader import read

from omninegclip.data.items import SearchQuery
from omninegclip.evaluation.scenes import evaluate_blind, evaluate_scenes
from omninegclip.scenes.benchmark import ScenesBenchmark, make_benchmark, scene_number
from omninegclip.scenes.objects import KINDS
from omninegclip.scenes.places import PLACES
from omninegclip.scenes.scene import Scene
from omninegclip.scoring.texts import whole_texts

PLACE_NUMBER = {place.name: number for number, place in enumerate(PLACES)}
Array = NDArray[np.float32]


@pytest.fixture(scope="module")
def benchmark() -> ScenesBenchmark:
    return make_benchmark(seed=2, size=96)


def normalised(rows: Array) -> Array:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def image(scene: Scene, absent: float) -> Array:
    """Mark what is there with 1 and what is not with `absent`, then the place."""
    kinds = np.full(len(KINDS), absent, dtype=np.float32)
    kinds[[kind.index for kind in scene.kinds]] = 1
    places = np.zeros(len(PLACES), dtype=np.float32)
    places[PLACE_NUMBER[scene.place.name]] = 1
    return np.concatenate([kinds, places])


def text(sentence: str, denied: float) -> Array:
    """Mark what is affirmed with 1 and what is denied with `denied`, then the place."""
    claims = read(sentence)
    kinds = np.zeros(len(KINDS), dtype=np.float32)
    kinds[[kind.index for kind in claims.affirmed]] = 1
    if claims.denied:
        kinds[claims.denied.index] = denied
    places = np.zeros(len(PLACES), dtype=np.float32)
    if claims.place:
        places[PLACE_NUMBER[claims.place]] = 1
    return np.concatenate([kinds, places])


def texts(sentences: Sequence[str], denied: float) -> Array:
    return normalised(np.stack([text(sentence, denied) for sentence in sentences]))


def constant(sentences: Sequence[str]) -> Array:
    return np.full((len(sentences), 4), 0.5, np.float32)


def test_a_model_that_reads_mentions_alone_has_clips_illness(benchmark: ScenesBenchmark) -> None:
    images = normalised(np.stack([image(scene, 0.0) for scene in benchmark.scenes]))
    figures = evaluate_scenes(benchmark, images, whole_texts(partial(texts, denied=1.0)))
    assert figures["absence_choice_accuracy"]["seen"].value == 0
    assert figures["absence_choice_accuracy"]["held_out"].value == 0
    assert figures["negated_retrieval_r5"]["seen"].value < 0.3
    assert figures["exclusion_at_10"]["seen"].value > 0.65, "the seven wrong ones of the family come first"
    assert figures["retrieval_text_to_image_r5"]["seen"].value > 0.95
    assert figures["zero_shot_auc"]["seen"].value > 0.98


def test_a_model_that_reads_negation_is_cured(benchmark: ScenesBenchmark) -> None:
    images = normalised(np.stack([image(scene, -0.05) for scene in benchmark.scenes]))
    figures = evaluate_scenes(benchmark, images, whole_texts(partial(texts, denied=-1.0)))
    for group in ("seen", "held_out", "held_out_phrasings", "held_out_both"):
        assert figures["absence_choice_accuracy"][group].value == 1
        assert figures["negated_retrieval_r5"][group].value > 0.95
        assert figures["presence_accuracy"][group].value > 0.95
    assert figures["multiple_choice_accuracy"]["seen"].value > 0.6


def test_exclusion_asks_that_a_denial_outweighs_all_that_is_affirmed(benchmark: ScenesBenchmark) -> None:
    images = normalised(np.stack([image(scene, -0.05) for scene in benchmark.scenes]))
    for weight, low, high in ((-1.0, 0.6, 0.75), (-6.0, 0.0, 0.02)):
        figures = evaluate_scenes(benchmark, images, whole_texts(partial(texts, denied=weight)))
        assert low <= figures["exclusion_at_10"]["seen"].value <= high
        assert figures["negated_retrieval_r5"]["seen"].value > 0.95


def test_a_constant_model_scores_chance_everywhere(benchmark: ScenesBenchmark) -> None:
    images = np.full((len(benchmark.scenes), 4), 0.5, dtype=np.float32)
    figures = evaluate_scenes(benchmark, images, whole_texts(constant))
    assert figures["presence_accuracy"]["seen"].value == 0.5
    assert figures["absence_choice_accuracy"]["seen"].value == 0.5
    assert figures["multiple_choice_accuracy"]["seen"].value == 0.25
    assert figures["retrieval_text_to_image_r1"]["seen"].value == pytest.approx(1 / 96)
    assert figures["retrieval_image_to_text_r5"]["seen"].value == pytest.approx(5 / 96)
    assert figures["zero_shot_auc"]["seen"].value == 0.5
    shares = [held_share(benchmark, query) for query in benchmark.negated_queries]
    assert evaluate_blind(benchmark)["exclusion_at_10"] == ("constant", pytest.approx(np.mean(shares)))
    own = [share for share, query in zip(shares, benchmark.negated_queries, strict=True) if is_seen(query)]
    assert figures["exclusion_at_10"]["seen"].value == pytest.approx(np.mean(own))


def lookalikes(benchmark: ScenesBenchmark) -> list[int]:
    queries = benchmark.negated_queries
    return sorted({scene_number(image) for each in queries for image in (*each.relevant, *each.excluded)})


def denies_one_of(query: SearchQuery, scene: Scene) -> bool:
    return read(query.text).denied in scene.kinds


def held_share(benchmark: ScenesBenchmark, query: SearchQuery) -> float:
    shown = lookalikes(benchmark)
    return float(np.mean([denies_one_of(query, benchmark.scenes[number]) for number in shown]))


def is_seen(query: SearchQuery) -> bool:
    return query.groups == {"condition": "seen"}


def test_exclusion_counts_what_the_first_ten_images_hold(benchmark: ScenesBenchmark) -> None:
    draw = np.random.default_rng(0)
    images = normalised(draw.normal(size=(len(benchmark.scenes), 8)).astype(np.float32))
    embedded: dict[str, Array] = {}

    def embed(sentences: Sequence[str]) -> Array:
        for sentence in sentences:
            embedded.setdefault(sentence, normalised(draw.normal(size=(1, 8)).astype(np.float32))[0])
        return np.stack([embedded[sentence] for sentence in sentences])

    found = evaluate_scenes(benchmark, images, whole_texts(embed))["exclusion_at_10"]["seen"]
    shares = []
    for query in filter(is_seen, benchmark.negated_queries):
        first = sorted(lookalikes(benchmark), key=lambda n: -float(images[n] @ embedded[query.text]))
        shares.append(np.mean([denies_one_of(query, benchmark.scenes[n]) for n in first[:10]]))
    assert found.value == pytest.approx(np.mean(shares))
    assert found.n == len(shares)


def test_a_model_that_gives_nan_gets_no_figure(benchmark: ScenesBenchmark) -> None:
    images = np.full((len(benchmark.scenes), 4), np.nan, dtype=np.float32)
    with pytest.raises(ValueError, match="NaN"):
        evaluate_scenes(benchmark, images, whole_texts(lambda s: np.ones((len(s), 4), np.float32)))


def test_every_figure_says_how_many_items_and_how_sure(benchmark: ScenesBenchmark) -> None:
    images = normalised(np.stack([image(scene, 0.0) for scene in benchmark.scenes]))
    figures = evaluate_scenes(benchmark, images, whole_texts(partial(texts, denied=0.5)))
    for groups in figures.values():
        for estimate in groups.values():
            assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
            assert estimate.n > 0
    assert figures["presence_accuracy"]["seen"].n == 24
    assert set(figures["multiple_choice_accuracy"]) >= {"positive", "negative", "hybrid"}


def test_blind_rules_stand_beside_every_metric(benchmark: ScenesBenchmark) -> None:
    images = np.full((len(benchmark.scenes), 4), 0.5, dtype=np.float32)
    figures = evaluate_scenes(benchmark, images, whole_texts(constant))
    blind = evaluate_blind(benchmark)
    assert set(blind) == set(figures)
    assert blind["presence_accuracy"][1] > 0.7, "counting negation words solves much of it, and we say so"
    assert blind["absence_choice_accuracy"] == ("constant", 0.5)


def test_figures_and_intervals_are_those_of_the_scorer_of_its_own_that_once_was() -> None:
    benchmark = make_benchmark(seed=0, size=48)

    def embed(sentences: Sequence[str]) -> Array:
        rows = [np.random.default_rng([zlib.crc32(each.encode()), 0]).normal(size=4) for each in sentences]
        return normalised(np.stack(rows)).astype(np.float32)

    draw = np.random.default_rng(0)
    images = normalised(draw.normal(size=(len(benchmark.scenes), 4))).astype(np.float32)
    figures = evaluate_scenes(benchmark, images, whole_texts(embed))
    for metric, group, expected in (
        (
            "presence_accuracy",
            "held_out_phrasings",
            (0.8333333333333334, 0.5519691377470266, 0.9530348578161463, 12),
        ),
        (
            "absence_choice_accuracy",
            "held_out",
            (0.4166666666666667, 0.19326031365875665, 0.6804886874504503, 12),
        ),
        ("multiple_choice_accuracy", "negative", (0.3125, 0.14164643854782036, 0.5559564416525933, 16)),
        (
            "negated_retrieval_r5",
            "held_out_both",
            (0.3333333333333333, 0.061491944720396215, 0.7923403991979523, 3),
        ),
        ("exclusion_at_10", "held_out", (0.13333333333333333, 0.011692143661672436, 0.6667390129586942, 3)),
        ("zero_shot_auc", "seen", (0.5250614949096645, 0.45996426943410224, 0.5934151548339711, 66)),
        ("zero_shot_auc", "held_out", (0.5779866525703713, 0.441528181577904, 0.7113089731729878, 14)),
    ):
        assert figures[metric][group] == pytest.approx(expected, abs=1e-12), (metric, group)
