"""Benchmark items to estimates by metric and group, for the picture world and whatever is asked like it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from omninegclip.data.items import BenchmarkItem, ImageRef, TextChoice
from omninegclip.embeddings import Embeddings
from omninegclip.evaluation.blind import best_rule
from omninegclip.evaluation.intervals import Estimate, bootstrap_mean, proportion
from omninegclip.evaluation.tasks import Figure, build
from omninegclip.scenes.benchmark import ScenesBenchmark, scene_number
from omninegclip.scenes.objects import KINDS
from omninegclip.scoring.texts import ReadTexts

Figures = dict[str, dict[str, Estimate]]

# What guessing scores, where that does not depend on the size of a gallery.
CHANCE = {
    "presence_accuracy": 0.5,
    "absence_choice_accuracy": 0.5,
    "multiple_choice_accuracy": 0.25,
    "zero_shot_auc": 0.5,
}
LOWER_IS_BETTER = frozenset({"exclusion_at_10"})
_CONDITIONS = ("seen", "held_out", "held_out_phrasings", "held_out_both")
_GROUPS_OF_TASKS = ("cue", "object", "class")  # breakdowns that no item asked for


class Measure(NamedTuple):
    """How items are scored.

    Attributes:
        task: the kind of their task.
        names: figure of the task -> what it is called; others are left out.
        options: of the task.
        wilson: Wilson's interval for every figure, not for proportions alone.
    """

    task: str
    names: Mapping[str, str]
    options: Mapping[str, object] = MappingProxyType({})
    wilson: bool = False


_MEASURES = {
    "presence": Measure("choose text", {"accuracy": "presence_accuracy"}),
    "absence_choice": Measure("choose image", {"accuracy": "absence_choice_accuracy"}),
    "multiple_choice": Measure("choose text", {"accuracy": "multiple_choice_accuracy"}),
    "gallery": Measure(
        "retrieve",
        {
            "text_to_image_r1": "retrieval_text_to_image_r1",
            "text_to_image_r5": "retrieval_text_to_image_r5",
            "image_to_text_r1": "retrieval_image_to_text_r1",
            "image_to_text_r5": "retrieval_image_to_text_r5",
        },
    ),
    "negated_queries": Measure(
        "search",
        {
            "text_to_image_r1": "negated_retrieval_r1",
            "text_to_image_r5": "negated_retrieval_r5",
            "exclusion_at_10": "exclusion_at_10",
        },
        wilson=True,
    ),
    "objects": Measure(
        "recognise",
        {"auc": "zero_shot_auc"},
        {"template": "a photo of {}", "objects": [kind.indefinite for kind in KINDS]},
    ),
}


def evaluate_scenes(
    benchmark: ScenesBenchmark,
    images: Embeddings,
    read_texts: ReadTexts,
    left_out: Collection[str] = (),
) -> Figures:
    """Score a model on every task of the benchmark.

    Each metric has `seen` and, where that makes sense, `held_out` objects (asked in seen phrasings),
    `held_out_phrasings` (of seen objects) and `held_out_both`, and for multiple choice one figure per
    template. Intervals are Wilson's, for every question has an image of its own, and bootstrapped over kinds
    of objects for the AUC.

    Args:
        benchmark: n scenes and the questions about them.
        images: [n, d] L2-normalised embeddings of all scenes of the benchmark.
        read_texts: how texts are scored (`scoring.texts`).
        left_out: kinds of questions that are not asked, as `ScenesBenchmark.by_measure` names them.

    Raises:
        ValueError: an embedding holds NaN.
    """
    return score_items(
        {name: items for name, items in benchmark.by_measure().items() if name not in left_out},
        _MEASURES,
        lambda some: images[list(map(scene_number, some))],
        read_texts,
        benchmark.seed,
    )


def score_items(
    asked: Mapping[str, Sequence[BenchmarkItem]],
    measures: Mapping[str, Measure],
    images: Callable[[Sequence[ImageRef]], Embeddings],
    read_texts: ReadTexts,
    seed: int,
) -> Figures:
    """Return the figures of every measure that has items.

    Figures are strict (see `protocols`). Their groups are the items' `condition`, `seen` where they have
    none, and then those of every other breakdown of the items; a group without a name is left out.

    Args:
        asked: name of a measure -> its items.
        measures: name -> how its items are scored.
        images: n images to their embeddings [n, d].
        read_texts: how texts are scored (`scoring.texts`).
        seed: of bootstrapped intervals.

    Raises:
        ValueError: an embedding holds NaN.
    """
    found: Figures = {}
    for name, measure in measures.items():
        if not asked.get(name):
            continue
        task = build(asked[name], measure.task, **measure.options)
        scored = task.score(images(task.images), read_texts(task.texts), "strict")
        figures = {figure.name: figure for figure in scored}
        for figure, title in measure.names.items():
            found[title] = _by_group(figures[figure], seed, wilson=measure.wilson)
    return found


def _by_group(figure: Figure, seed: int, *, wilson: bool) -> dict[str, Estimate]:
    breakdowns = {"condition": ["seen"] * len(figure.values)} | {
        name: groups for name, groups in figure.groups.items() if name not in _GROUPS_OF_TASKS
    }
    found = {}
    for groups in map(np.array, breakdowns.values()):
        for group in dict.fromkeys((*_CONDITIONS, *groups.tolist())):
            values = figure.values[groups == group]
            if group and len(values):
                as_share = wilson or figure.proportion
                found[group] = proportion(values) if as_share else bootstrap_mean(values, seed)
    return found


def evaluate_blind(benchmark: ScenesBenchmark) -> dict[str, tuple[str, float]]:
    """Return for every metric the best rule that sees no image, and what it scores.

    Where both answers go with one text, no such rule exists and `constant` stands for chance.
    """
    gallery, queries = benchmark.gallery, benchmark.negated_queries
    lookalikes = len({image for query in queries for image in (*query.relevant, *query.excluded)})
    relevant = np.array([len(query.relevant) for query in queries])
    return {
        "presence_accuracy": best_of_choices(benchmark.presence),
        "absence_choice_accuracy": ("constant", 0.5),
        "multiple_choice_accuracy": best_of_choices(benchmark.multiple_choice),
        **{
            f"retrieval_{direction}_r{k}": ("constant", k / len(gallery))
            for direction in ("text_to_image", "image_to_text")
            for k in (1, 5)
        },
        **{
            f"negated_retrieval_r{k}": ("constant", float(np.mean(1 - (1 - relevant / lookalikes) ** k)))
            for k in (1, 5)
        },
        "exclusion_at_10": (
            "constant",
            sum(len(query.excluded) for query in queries) / (len(queries) * lookalikes),
        ),
        "zero_shot_auc": ("constant", 0.5),
    }


def best_of_choices(items: Sequence[BenchmarkItem]) -> tuple[str, float]:
    """Return the best rule that sees no image, and what it scores on choices between texts."""
    choices = [item for item in items if isinstance(item, TextChoice)]
    return best_rule([item.options for item in choices], np.array([item.answer for item in choices]))


def as_dict(figures: Figures) -> dict[str, dict[str, dict[str, float | int]]]:
    """Return the figures as plain numbers under their names, ready for JSON."""
    return {
        metric: {group: estimate.as_dict() for group, estimate in groups.items()}
        for metric, groups in figures.items()
    }
