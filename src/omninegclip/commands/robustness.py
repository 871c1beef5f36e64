"""The verb `robustness`."""

from omninegclip.commands.options import Count, Json, ModelOptions, Models, Seed
from omninegclip.printable import say_json


def robustness(
    models: Models,
    /,
    *,
    seed: Seed = 0,
    count: Count = 400,
    weights: ModelOptions = ModelOptions(),
    json_: Json = False,
) -> None:
    """Compare models on negation harder than "no": doubled, counts, places, "only", far from its object.

    Args:
        seed: Decides images and questions.
        count: Questions of each probe.
    """
    from omninegclip.evaluation.robustness import evaluate_blind_captions
    from omninegclip.progress import show
    from omninegclip.report.robustness import robustness_rows
    from omninegclip.report.table import rich_table
    from omninegclip.scenes.robustness import make_robustness
    from omninegclip.study.robustness import ask_models, summary

    suite = make_robustness(seed, count)
    found = ask_models(weights.named(models), suite)
    blind = evaluate_blind_captions(suite)
    if json_:
        say_json(summary(found, blind))
        return
    rows = robustness_rows(list(found.values()), blind)
    show(rich_table(rows, list(found), "The robustness suite of the picture world"))
