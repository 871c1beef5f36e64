"""The figures of the picture world as rows of a table."""

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from omninegclip.evaluation.intervals import Estimate
from omninegclip.evaluation.scenes import CHANCE, LOWER_IS_BETTER, Figures
from omninegclip.report.table import FigureRow

TITLES = {
    "presence_accuracy": "Presence accuracy",
    "absence_choice_accuracy": "Absence choice",
    "multiple_choice_accuracy": "Multiple choice",
    "retrieval_text_to_image_r1": "Text to image R@1",
    "retrieval_text_to_image_r5": "Text to image R@5",
    "retrieval_image_to_text_r1": "Image to text R@1",
    "retrieval_image_to_text_r5": "Image to text R@5",
    "negated_retrieval_r1": "Negated retrieval R@1",
    "negated_retrieval_r5": "Negated retrieval R@5",
    "exclusion_at_10": "Exclusion@10",
    "zero_shot_auc": "Zero-shot AUC",
    "hinge_active": "Hinge active at the last step",
}
GROUPS = {
    "seen": "seen objects",
    "held_out": "held-out objects",
    "held_out_phrasings": "held-out phrasings",
    "held_out_both": "both held out",
}
# What a terminal shows; the rest is in the report.
SUMMARY = (
    "presence_accuracy",
    "absence_choice_accuracy",
    "multiple_choice_accuracy",
    "retrieval_text_to_image_r1",
    "retrieval_image_to_text_r1",
    "negated_retrieval_r5",
    "exclusion_at_10",
    "zero_shot_auc",
)
ATTRIBUTION = (
    "Pictures are drawn with graphics from Twemoji, copyright 2019 Twitter, Inc and other contributors, "
    "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
)
BLIND = (
    "Blind: the best rule that reads the captions and sees no image, over all groups of a metric together."
)
NOTES = (
    "Measured on the picture world of the package, not on photographs and not on a large CLIP.",
    "Held-out objects are never negated in the fine-tuning data; held-out phrasings never occur in it.",
    f"{BLIND} Where it does well, as on presence accuracy, a high score alone proves little: read it beside "
    "absence choice.",
    "Absence choice shows two images that hold what the caption affirms, one of which also holds what "
    "the caption denies. Below 50 % a model prefers the image with the denied object.",
    "Negated retrieval searches families of eight look-alikes, seven of which hold what the query denies.",
    "Exclusion@10 is the share of the first ten images of that search that hold what the query denies: the "
    "lower the better. A model that finds nothing does well on it: read it beside negated retrieval.",
)


def figure_rows(models: Sequence[Figures], blind: Mapping[str, tuple[str, float]]) -> list[FigureRow]:
    """Return a row per metric and group, with the figures of every model side by side.

    `blind` is what `evaluate_blind` returned, or empty.
    """
    first = models[0]
    return [
        FigureRow(
            metric=TITLES[metric],
            group=GROUPS.get(group, group) if len(first[metric]) > 1 else "all",
            values=tuple(figures[metric][group] for figures in models),
            blind=blind[metric][1] if metric in blind else None,
            chance=CHANCE.get(metric),
            higher_is_better=metric not in LOWER_IS_BETTER,
        )
        for metric in first
        for group in first[metric]
    ]


def summary_rows(models: Sequence[Figures], blind: Mapping[str, tuple[str, float]]) -> list[FigureRow]:
    """Return the rows that a terminal shows: the main metrics, by seen and held-out objects."""
    objects = ("seen", "held_out")
    short = [
        {name: {key: each[name][key] for key in objects if key in each[name]} for name in SUMMARY}
        for each in models
    ]
    return figure_rows(short, blind)


def grid_table(cells: Mapping[str, Figures], title: str) -> Table:
    """Return a line per cell of a study, seen objects above held-out ones, each with its interval."""
    metrics = grid_metrics(cells)
    table = Table(
        title=Text(title, "table.title"),
        box=SIMPLE_HEAD,
        pad_edge=False,
        caption=Text("Per cent, 95 % interval.", "table.caption"),
    )
    table.add_column("", no_wrap=True)
    for metric in metrics:
        table.add_column(TITLES[metric], justify="right")
    for name, figures in cells.items():
        table.add_row(
            Text.assemble(name, "\n", ("held-out objects", "dim")),
            *(
                Text("\n").join(map(_percent, _seen_and_held_out(figures.get(metric, {}))))
                for metric in metrics
            ),
        )
    return table


def limits_table(generic: float, shares: Mapping[str, Estimate]) -> Table:
    """Return what the image tower leaves possible, a line per limit."""
    table = Table("limits set by the image tower", "", box=SIMPLE_HEAD, pad_edge=False)
    table.add_row("largest mean cosine of one vector with the images", f"{generic:.3f}")
    for name, each in shares.items():
        interval = f"[{100 * each.low:.1f}, {100 * each.high:.1f}]"
        table.add_row(name, f"{100 * each.value:.1f} % {interval}")
    return table


def grid_metrics(cells: Mapping[str, Figures]) -> list[str]:
    """Return what a study shows: the main metrics that it has, the hinge where two cells have one."""
    hinges = sum("hinge_active" in figures for figures in cells.values())
    found = [metric for metric in SUMMARY if any(metric in figures for figures in cells.values())]
    return [*found, *(["hinge_active"] if hinges > 1 else [])]


def _seen_and_held_out(groups: Mapping[str, Estimate]) -> list[Estimate | None]:
    return [groups.get("seen", groups.get("last_step")), groups.get("held_out")]


def _percent(figure: Estimate | None) -> Text:
    if figure is None:
        return Text()
    interval = f"[{100 * figure.low:.0f}, {100 * figure.high:.0f}]"
    return Text.assemble(f"{100 * figure.value:.1f} ", (interval, "dim"))
