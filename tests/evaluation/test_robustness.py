"""Planted scorers whose figures are known: they know the truth, know nothing, or read mentions alone."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scene_reader import kinds_in

from omninegclip.evaluation.robustness import evaluate_blind_captions, evaluate_robustness
from omninegclip.scenes.claims import holds
from omninegclip.scenes.objects import KINDS
from omninegclip.scenes.places import PLACES
from omninegclip.scenes.robustness import PROBES, Robustness, make_robustness
from omninegclip.scoring.texts import whole_texts

SIZE = 40
Array = NDArray[np.float32]


@pytest.fixture(scope="module")
def suite() -> Robustness:
    return make_robustness(seed=1, size=SIZE)


def normalised(rows: Array) -> Array:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def figures_by_mentions(suite: Robustness) -> dict[str, dict[str, float]]:
    """Score a model that sees which kinds and what place are there, and reads which are mentioned."""

    def marks(kinds: set[int], places: set[str]) -> Array:
        return np.array(
            [*(kind.index in kinds for kind in KINDS), *(place.name in places for place in PLACES)],
            np.float32,
        )

    def read(text: str) -> Array:
        places = {place.name for place in PLACES for phrase in place.phrases if text_has(text, phrase)}
        return marks({kind.index for kind in kinds_in(text)}, places)

    images = [marks({kind.index for kind in scene.kinds}, {scene.place.name}) for scene in suite.scenes]
    found = evaluate_robustness(
        suite,
        normalised(np.stack(images)),
        whole_texts(lambda texts: normalised(np.stack([read(text) for text in texts]))),
    )
    return {
        probe: {
            "picture_choice": np.mean([each.value for each in figures["picture_choice"].values()]),
            "caption_choice": np.mean([each.value for each in figures["caption_choice"].values()]),
            "control": figures["control"]["all"].value,
        }
        for probe, figures in found.items()
    }


def text_has(text: str, phrase: str) -> bool:
    return f" {phrase} " in f" {text.replace(',', ' ').replace(':', ' ')} "


def test_a_scorer_that_knows_the_truth_gets_everything(suite: Robustness) -> None:
    contrast_sets = {
        caption.text: caption.statement
        for each in suite.questions
        for caption in (each.caption, each.foil, each.plain)
    }

    def embed(texts: Sequence[str]) -> Array:
        truth = [[holds(contrast_sets[text], scene) for scene in suite.scenes] for text in texts]
        return normalised(np.array(truth, np.float32))

    found = evaluate_robustness(suite, np.eye(len(suite.scenes), dtype=np.float32), whole_texts(embed))
    assert list(found) == list(PROBES)
    for probe, figures in found.items():
        for question, groups in figures.items():
            for group, estimate in groups.items():
                assert estimate.value == 1, (probe, question, group)
                assert estimate.n == (SIZE if question == "control" else SIZE // 2)
                assert 0 < estimate.low < estimate.high == 1


def test_a_constant_scorer_gets_half(suite: Robustness) -> None:
    images = np.full((len(suite.scenes), 4), 0.5, dtype=np.float32)
    found = evaluate_robustness(
        suite, images, whole_texts(lambda texts: np.full((len(texts), 4), 0.5, np.float32))
    )
    values = [
        each.value for figures in found.values() for groups in figures.values() for each in groups.values()
    ]
    assert values == [0.5] * len(values)


def test_a_reader_of_mentions_sees_the_images_and_misses_the_denials(suite: Robustness) -> None:
    found = figures_by_mentions(suite)
    for probe, (images, captions, control) in {
        "double_negation": (1, 1, 1),
        "several_negations": (0, 0, 1),
        "distant_negation": (0, 0, 1),
        "negated_place": (0, 0, 1),
        "negated_count": (0.5, 0.5, 0.5),
        "negated_relation": (0.5, 0.5, 0.5),
        "quantifier": (0.5, 0.5, 1),
    }.items():
        expected = {"picture_choice": images, "caption_choice": captions, "control": control}
        assert found[probe] == pytest.approx(expected), probe


def test_figures_are_those_of_a_loop_over_the_questions(suite: Robustness) -> None:
    draw = np.random.default_rng(0)
    images = normalised(draw.normal(size=(len(suite.scenes), 6)).astype(np.float32))
    texts = {caption.text for each in suite.questions for caption in (each.caption, each.foil, each.plain)}
    embedded = {text: normalised(draw.normal(size=(1, 6)).astype(np.float32))[0] for text in sorted(texts)}
    found = evaluate_robustness(
        suite, images, whole_texts(lambda texts: np.stack([embedded[text] for text in texts]))
    )
    for probe in PROBES:
        questions = [each for each in suite.questions if each.probe == probe]
        for group, held_out in (("seen", False), ("held_out", True)):
            mine = [each for each in questions if each.held_out == held_out]
            by_image = [
                float(images[q.right] @ embedded[q.caption.text] > images[q.wrong] @ embedded[q.caption.text])
                for q in mine
            ]
            by_caption = [
                float(images[q.right] @ embedded[q.caption.text] > images[q.right] @ embedded[q.foil.text])
                for q in mine
            ]
            assert found[probe]["picture_choice"][group].value == pytest.approx(np.mean(by_image))
            assert found[probe]["caption_choice"][group].value == pytest.approx(np.mean(by_caption))
        control = []
        for q in questions:
            true = [n for n in (q.right, q.wrong) if holds(q.plain.statement, suite.scenes[n])]
            scores = {n: float(images[n] @ embedded[q.plain.text]) for n in (q.right, q.wrong)}
            control.append(max(scores, key=lambda n: scores[n]) in true)
        assert found[probe]["control"]["all"].value == pytest.approx(np.mean(control))


def test_a_model_that_gives_nan_gets_no_figure(suite: Robustness) -> None:
    images = np.full((len(suite.scenes), 4), np.nan, dtype=np.float32)
    with pytest.raises(ValueError, match="NaN"):
        evaluate_robustness(suite, images, whole_texts(lambda texts: np.ones((len(texts), 4), np.float32)))


def test_every_probe_has_a_blind_rule(suite: Robustness) -> None:
    blind = evaluate_blind_captions(suite)
    assert list(blind) == list(PROBES)
    assert all(value >= 0.5 for _, value in blind.values()), "constant is one of the rules"
