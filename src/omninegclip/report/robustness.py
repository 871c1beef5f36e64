"""The figures of the robustness suite as rows of a table."""

from collections.abc import Mapping, Sequence

from omninegclip.evaluation.robustness import CHANCE
from omninegclip.evaluation.scenes import Figures
from omninegclip.report.scenes import GROUPS
from omninegclip.report.table import FigureRow

TITLES = {
    "double_negation": "Double negation",
    "several_negations": "Several negations",
    "negated_count": "Negated count",
    "negated_relation": "Negated relation",
    "negated_place": "Negated place",
    "quantifier": "Quantifier",
    "distant_negation": "Distant negation",
}
QUESTIONS = {"picture_choice": "two images", "caption_choice": "two captions", "control": "plain control"}


def robustness_rows(
    models: Sequence[Mapping[str, Figures]], blind: Mapping[str, tuple[str, float]]
) -> list[FigureRow]:
    """Return a row per probe, question and group, with the figures of every model side by side.

    `blind` is what `evaluate_blind_captions` returned. A text alone can't choose between two images.
    """
    return [
        FigureRow(
            metric=TITLES[probe],
            group=", ".join(filter(None, (QUESTIONS[question], GROUPS.get(group)))),
            values=tuple(figures[probe][question][group] for figures in models),
            blind=blind[probe][1] if question == "caption_choice" else CHANCE,
            chance=CHANCE,
        )
        for probe, questions in models[0].items()
        for question, groups in questions.items()
        for group in groups
    ]
