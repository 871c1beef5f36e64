"""Draw docs/images/before-after.png: top images for the fixed queries, before and after fine-tuning.

Command:   omninegclip quickstart --out runs/quickstart && python docs/images/before_after.py runs/quickstart
"""

import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from omninegclip.clip.io.load import load_clip
from omninegclip.scenes.render import image_of
from omninegclip.scenes.showcase import make_showcase
from omninegclip.study.world import embed_scenes

QUERIES, TOP = (0, 2, 4, 5, 6), 5
RIGHT, WRONG = "#1a7f5a", "#c0392b"


def show(axes: Axes, image: np.ndarray, right: bool) -> None:
    """Draw an image in a frame, with a mark in its corner; what is wrong fades."""
    colour = RIGHT if right else WRONG
    axes.imshow(image, interpolation="bicubic", alpha=1.0 if right else 0.55)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(color=colour, linewidth=4)
    badge = {"boxstyle": "circle,pad=0.2", "facecolor": colour, "edgecolor": "white"}
    axes.text(86, 10, "✓" if right else "✗", color="white", size=13, ha="center", va="center", bbox=badge)


def main() -> None:
    """Read the run folder, rank the showcase's images by both models, draw."""
    run = Path(sys.argv[1])
    seed = yaml.safe_load((run / "config.yaml").read_text())["seed"]
    models = {"CLIP": load_clip("scenes-small"), "fine-tuned": load_clip(run / "model")}
    showcase = make_showcase(seed)
    images = embed_scenes(models["CLIP"], "showcase", showcase.scenes, seed)
    figure = Figure(figsize=(16, 8.6), dpi=140)
    # an empty column between the models
    grid = figure.subplots(len(QUERIES), 2 * TOP + 1, gridspec_kw={"wspace": 0.06, "hspace": 0.3})
    for row, query in enumerate(QUERIES):
        question = showcase.questions[query]
        grid[row][TOP].axis("off")
        for model, (name, encoder) in enumerate(models.items()):
            first = model * (TOP + 1)
            grid[row][first].set_title(f"{name}: “{question.text}”", loc="left", size=13)
            scores = (encoder.embed_text([question.text]) @ images.T)[0]
            for place, index in enumerate(np.argsort(-scores, kind="stable")[:TOP].tolist()):
                scene = showcase.scenes[index]
                pixels = np.asarray(image_of("showcase", scene, seed, index))
                show(grid[row][first + place], pixels, question.is_right(scene))
    drawn = BytesIO()
    figure.savefig(drawn, bbox_inches="tight", facecolor="white")
    # a palette, for a file of a fifth of the size
    picture = Image.open(drawn).convert("RGB").quantize(256)
    picture.save(Path(__file__).with_name("before-after.png"), optimize=True)


if __name__ == "__main__":
    main()
