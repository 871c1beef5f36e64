"""The benchmark of the picture world, scored: embeddings in, estimates by metric and condition out."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from omninegclip.evaluation.blind import best_rule
from omninegclip.evaluation.intervals import Estimate, bootstrap_mean, proportion
from omninegclip.evaluation.metrics import Credits, auc, choice, exclusion_at_k, pairwise, recall_at_k
from omninegclip.scenes.benchmark import Condition, ScenesBenchmark
from omninegclip.scenes.objects import KINDS

Embeddings = NDArray[np.float32]
EmbedText = Callable[[Sequence[str]], Embeddings]
Figures = dict[str, dict[str, Estimate]]

# What guessing scores, where that does not depend on the size of a gallery.
CHANCE = {
    "presence_accuracy": 0.5,
    "absence_choice_accuracy": 0.5,
    "multiple_choice_accuracy": 0.25,
    "zero_shot_auc": 0.5,
}
LOWER_IS_BETTER = frozenset({"exclusion_at_10"})


def evaluate_scenes(benchmark: ScenesBenchmark, images: Embeddings, embed_text: EmbedText) -> Figures:
    """Score a model on every task of the benchmark.

    Each metric has `seen` and, where that makes sense, `held_out` objects (asked in seen phrasings),
    `held_out_phrasings` (of seen objects) and `held_out_both`, and for multiple choice one figure per
    template. Intervals are Wilson's, for every question has an image of its own, and bootstrapped over kinds
    of objects for the AUC.

    Args:
        benchmark: n scenes and the questions about them.
        images: [n, d] L2-normalised embeddings of all scenes of the benchmark.
        embed_text: texts to [m, d] L2-normalised embeddings.

    Raises:
        ValueError: an embedding holds NaN.
    """
    gallery = images[benchmark.gallery.start : benchmark.gallery.stop]
    return {
        "presence_accuracy": _presence(benchmark, images, embed_text),
        "absence_choice_accuracy": _absence_choice(benchmark, images, embed_text),
        "multiple_choice_accuracy": _multiple_choice(benchmark, images, embed_text),
        **_retrieval(gallery, embed_text(benchmark.captions)),
        **_negated_retrieval(benchmark, images, embed_text),
        "zero_shot_auc": _zero_shot(benchmark, gallery, embed_text),
    }


def evaluate_blind(benchmark: ScenesBenchmark) -> dict[str, tuple[str, float]]:
    """Return for every metric the best rule that sees no image, and what it scores.

    Where both answers go with one text, no such rule exists and `constant` stands for chance.
    """
    pairs = [(item.right, item.wrong) for item in benchmark.presence]
    options = [item.options for item in benchmark.multiple_choice]
    answers = np.array([item.answer for item in benchmark.multiple_choice])
    size, lookalikes = len(benchmark.gallery), len(benchmark.lookalikes)
    held = float(_held_by_lookalikes(benchmark).mean())
    relevant = np.array([len(query.relevant) for query in benchmark.negated_queries])
    return {
        "presence_accuracy": best_rule(pairs, np.zeros(len(pairs), dtype=np.int64)),
        "absence_choice_accuracy": ("constant", 0.5),
        "multiple_choice_accuracy": best_rule(options, answers),
        **{
            f"retrieval_{direction}_r{k}": ("constant", k / size)
            for direction in ("text_to_image", "image_to_text")
            for k in (1, 5)
        },
        **{
            f"negated_retrieval_r{k}": ("constant", float(np.mean(1 - (1 - relevant / lookalikes) ** k)))
            for k in (1, 5)
        },
        "exclusion_at_10": ("constant", held),
        "zero_shot_auc": ("constant", 0.5),
    }


def as_dict(figures: Figures) -> dict[str, dict[str, dict[str, float | int]]]:
    """Return the figures as plain numbers under their names, ready for JSON."""
    return {
        metric: {group: estimate.as_dict() for group, estimate in groups.items()}
        for metric, groups in figures.items()
    }


def _presence(benchmark: ScenesBenchmark, images: Embeddings, embed_text: EmbedText) -> dict[str, Estimate]:
    items = benchmark.presence
    shown = images[[item.image for item in items]]
    right = cosines(shown, embed_text([item.right for item in items]))
    wrong = cosines(shown, embed_text([item.wrong for item in items]))
    return _by_condition(pairwise(right, wrong), [item.condition for item in items])


def _absence_choice(
    benchmark: ScenesBenchmark, images: Embeddings, embed_text: EmbedText
) -> dict[str, Estimate]:
    items = benchmark.absence_choice
    texts = embed_text([item.text for item in items])
    right = cosines(images[[item.right for item in items]], texts)
    wrong = cosines(images[[item.wrong for item in items]], texts)
    return _by_condition(pairwise(right, wrong), [item.condition for item in items])


def _multiple_choice(
    benchmark: ScenesBenchmark, images: Embeddings, embed_text: EmbedText
) -> dict[str, Estimate]:
    items = benchmark.multiple_choice
    options = embed_text([text for item in items for text in item.options])
    shown = images[[item.image for item in items]]
    scores = np.einsum("nd,nkd->nk", shown, options.reshape(len(items), 4, -1))
    credits = choice(scores, np.array([item.answer for item in items]))  # noqa: A001 -- the field's word
    templates = np.array([item.template for item in items])
    return {
        **_by_condition(credits, [item.condition for item in items]),
        **{name: proportion(credits[templates == name]) for name in dict.fromkeys(templates.tolist())},
    }


def _retrieval(gallery: Embeddings, captions: Embeddings) -> Figures:
    own = np.arange(len(gallery))
    directions = {"text_to_image": (captions, gallery), "image_to_text": (gallery, captions)}
    return {
        f"retrieval_{direction}_r{k}": {"seen": proportion(credits)}
        for direction, (queries, targets) in directions.items()
        for k, credits in recall_at_k(queries, targets, own, (1, 5)).items()  # noqa: A001
    }


def _negated_retrieval(benchmark: ScenesBenchmark, images: Embeddings, embed_text: EmbedText) -> Figures:
    queries = benchmark.negated_queries
    gallery = images[benchmark.lookalikes.start : benchmark.lookalikes.stop]
    relevant = [np.array(query.relevant) for query in queries]
    texts = embed_text([query.text for query in queries])
    found = recall_at_k(texts, gallery, relevant, (1, 5))
    shares = exclusion_at_k(texts, gallery, _held_by_lookalikes(benchmark), 10)
    conditions = [query.condition for query in queries]
    return {
        **{f"negated_retrieval_r{k}": _by_condition(found[k], conditions) for k in (1, 5)},
        "exclusion_at_10": _by_condition(shares, conditions),
    }


def _held_by_lookalikes(benchmark: ScenesBenchmark) -> NDArray[np.bool_]:
    """Tell for every query and image of its gallery whether the image holds what the query denies."""
    shown = [benchmark.scenes[index].kinds for index in benchmark.lookalikes]
    return np.array([[query.denied in kinds for kinds in shown] for query in benchmark.negated_queries])


def _zero_shot(benchmark: ScenesBenchmark, gallery: Embeddings, embed_text: EmbedText) -> dict[str, Estimate]:
    """Score by kind how well "a photo of a dog" tells images with a dog from images without one."""
    scenes = [benchmark.scenes[index].kinds for index in benchmark.gallery]
    labels = np.array([[kind in kinds for kinds in scenes] for kind in KINDS])
    scores = embed_text([f"a photo of {kind.indefinite}" for kind in KINDS]) @ gallery.T
    shown = [kind.index for kind in KINDS if 0 < labels[kind.index].sum() < len(scenes)]
    areas = np.array([auc(scores[index], labels[index]) for index in shown])
    held_out = np.array([KINDS[index].held_out for index in shown])
    return {
        "seen": bootstrap_mean(areas[~held_out], benchmark.seed),
        "held_out": bootstrap_mean(areas[held_out], benchmark.seed),
    }


def cosines(left: Embeddings, right: Embeddings) -> Embeddings:
    """Return the cosine of each row with its counterpart, [n]; both [n, d] are L2-normalised."""
    return np.asarray(np.einsum("nd,nd->n", left, right))


def _by_condition(credits: Credits, conditions: Sequence[Condition]) -> dict[str, Estimate]:  # noqa: A002
    names = np.array([condition.name for condition in conditions])
    groups = ("seen", "held_out", "held_out_phrasings", "held_out_both")
    return {group: proportion(credits[names == group]) for group in groups}
