"""Several models asked the robustness suite, side by side."""

from collections.abc import Mapping, Sequence

from omninegclip.clip.io.load import load_clip
from omninegclip.evaluation.robustness import evaluate_robustness
from omninegclip.evaluation.scenes import Figures, as_dict
from omninegclip.evaluation.scorer import Scorer
from omninegclip.progress import console
from omninegclip.scenes.graphics import graphics_folder
from omninegclip.scenes.robustness import Robustness
from omninegclip.study.world import embed_scenes

ByModel = dict[str, dict[str, Figures]]  # model -> probe -> figures


def ask_models(models: Sequence[str], suite: Robustness, scorer: Scorer) -> ByModel:
    """Return the figures of every model on the same questions; images are drawn in memory.

    Raises OmniNegClipError when a model can't be loaded or has no calibration that the scorer needs, or the
    Twemoji graphics are missing.
    """
    graphics_folder()
    found = {}
    for model in models:
        console.print(model, style="bold")
        encoder = load_clip(model)
        read_texts = scorer.of(model, encoder)
        images = embed_scenes(encoder, "robustness suite", suite.scenes, suite.seed)
        found[model] = evaluate_robustness(suite, images, read_texts)
    return found


def summary(found: ByModel, blind: Mapping[str, tuple[str, float]]) -> dict[str, object]:
    """Return the figures and what the best blind rules score, ready for JSON."""
    return {
        "models": {
            model: {probe: as_dict(figures) for probe, figures in probes.items()}
            for model, probes in found.items()
        },
        "blind": {probe: {"rule": rule, "value": value} for probe, (rule, value) in blind.items()},
    }
