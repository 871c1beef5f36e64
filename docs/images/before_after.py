"""Draw docs/images/before-after.png: top images for the fixed queries, before and after fine-tuning.

Command:   omninegclip quickstart --out runs/quickstart && python docs/images/before_after.py runs/quickstart
"""

import sys
from pathlib import Path

import numpy as np
import yaml
from matplotlib.figure import Figure

from omninegclip.clip.io.load import load_clip
from omninegclip.scenes.render import image_of
from omninegclip.scenes.showcase import make_showcase
from omninegclip.study.world import embed_scenes

QUERIES, TOP = (0, 2, 4, 5), 5
RIGHT, WRONG = "#1a7f5a", "#c0392b"


def main() -> None:
    """Read the run folder, rank the showcase's images by both models, draw."""
    run = Path(sys.argv[1])
    seed = yaml.safe_load((run / "config.yaml").read_text())["seed"]
    models = {"pretrained": load_clip("scenes-tiny"), "omni-plus": load_clip(run / "model")}
    showcase = make_showcase(seed)
    images = embed_scenes(models["pretrained"], "showcase", showcase.scenes, seed)
    figure = Figure(figsize=(11, 5.6), dpi=130)
    grid = figure.subplots(len(QUERIES), 2 * TOP + 1, gridspec_kw={"wspace": 0.08, "hspace": 0.45})
    for row, query in enumerate(QUERIES):
        question = showcase.questions[query]
        grid[row][TOP].axis("off")
        for model, (name, encoder) in enumerate(models.items()):
            scores = (encoder.embed_text([question.text]) @ images.T)[0]
            for place, index in enumerate(np.argsort(-scores, kind="stable")[:TOP].tolist()):
                axes = grid[row][place + model * (TOP + 1)]
                scene = showcase.scenes[index]
                axes.imshow(image_of("showcase", scene, seed, index))
                right = question.is_right(scene)
                axes.set_xticks([])
                axes.set_yticks([])
                axes.set_xlabel(
                    "✓" if right else "✗", color=RIGHT if right else WRONG, fontsize=11, labelpad=1
                )
                for spine in axes.spines.values():
                    spine.set(color=RIGHT if right else WRONG, linewidth=3)
                if place == 0:
                    axes.set_title(f"{name}: “{question.text}”", loc="left", fontsize=10)
    figure.savefig(Path(__file__).with_name("before-after.png"), bbox_inches="tight", facecolor="white")


if __name__ == "__main__":
    main()
