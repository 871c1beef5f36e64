"""Several models asked the robustness suite, side by side."""

import json
import sys
from collections.abc import Mapping, Sequence

from omninegclip.clip.io.load import load_clip
from omninegclip.evaluation.robustness import evaluate_blind_captions, evaluate_robustness
from omninegclip.evaluation.scenes import Figures, as_dict
from omninegclip.progress import console, show
from omninegclip.report.robustness import robustness_rows
from omninegclip.report.table import rich_table
from omninegclip.scenes.graphics import graphics_folder
from omninegclip.scenes.robustness import Robustness, make_robustness
from omninegclip.study.world import embed_scenes


def ask_models(models: Sequence[str], suite: Robustness) -> dict[str, dict[str, Figures]]:
    """Return the figures of every model on the same questions; images are drawn in memory.

    Raises OmniNegClipError when a model can't be loaded or the Twemoji graphics are missing.
    """
    graphics_folder()
    found = {}
    for model in models:
        console.print(model, style="bold")
        encoder = load_clip(model)
        images = embed_scenes(encoder, "robustness suite", suite.scenes, suite.seed)
        found[model] = evaluate_robustness(suite, images, encoder.embed_text)
    return found


def run_robustness(models: Sequence[str], seed: int, count: int, *, as_json: bool) -> None:
    """Ask `count` questions of each probe and print the figures.

    Raises OmniNegClipError as `make_robustness` and `ask_models` do.
    """
    suite = make_robustness(seed, count)
    found = ask_models(models, suite)
    blind = evaluate_blind_captions(suite)
    if as_json:
        sys.stdout.write(json.dumps(_summary(found, blind)) + "\n")
        return
    rows = robustness_rows(list(found.values()), blind)
    show(rich_table(rows, list(found), "The robustness suite of the picture world"))


def _summary(
    found: Mapping[str, Mapping[str, Figures]], blind: Mapping[str, tuple[str, float]]
) -> dict[str, object]:
    return {
        "models": {
            model: {probe: as_dict(figures) for probe, figures in probes.items()}
            for model, probes in found.items()
        },
        "blind": {probe: {"rule": rule, "value": value} for probe, (rule, value) in blind.items()},
    }
