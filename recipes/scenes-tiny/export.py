"""Write what pretrain.py reached as a model folder (fp16), measured, with its card.

Command:   python recipes/scenes-tiny/export.py --work runs/scenes-tiny --out runs/scenes-tiny/scenes-tiny
Cost:      two minutes on 2 cores
"""

import argparse
import json
from pathlib import Path

import torch
from pretrain import build_model, load_tokenizer
from rich import print as show

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip
from omninegclip.clip.io.save import save_clip
from omninegclip.clip.transform import ImageTransform
from omninegclip.evaluation.scenes import evaluate_blind, evaluate_scenes
from omninegclip.files import write_text
from omninegclip.report.card import ModelCard
from omninegclip.report.scenes import ATTRIBUTION, figure_rows
from omninegclip.report.table import FigureRow, rich_table
from omninegclip.scenes.benchmark import make_benchmark
from omninegclip.scenes.scene import SIZE
from omninegclip.study.world import embed_scenes

# The benchmark that the card reports; quickstart draws its own by its own seed.
BENCHMARK_SEED = 1
LIMITS = [
    "It knows the 174 kinds of objects and 15 places of omninegclip's picture world and nothing else: no "
    "figure of it says anything of a CLIP trained on photographs.",
    "Negation words occur in its pretraining captions only as in alt texts, without meaning (“no filter”, "
    "“not edited”): the tokens exist, the meaning does not. That is on purpose.",
]


def main() -> None:
    """Load the checkpoint, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--remark", default="", help="what else a reader of the card should know of the run")
    options = parser.parse_args()
    tokenizer = load_tokenizer(options.work)
    model = build_model(tokenizer)
    state = torch.load(options.work / "checkpoint.pt", weights_only=True)
    model.load_state_dict(state["model"])
    encoder = ClipEncoder(model, tokenizer, ImageTransform(size=SIZE))
    save_clip(options.out, encoder, base="none: pretrained from scratch", dtype=torch.float16)
    shipped = load_clip(options.out)
    benchmark = make_benchmark(BENCHMARK_SEED)
    images = embed_scenes(shipped, "benchmark", benchmark.scenes, BENCHMARK_SEED)
    figures = evaluate_scenes(benchmark, images, shipped.embed_text)
    rows = figure_rows((figures,), evaluate_blind(benchmark))
    show(rich_table(rows, ("scenes-tiny",), "scenes-tiny"))
    write_text(options.out / "README.md", card(options, state["step"], shipped, rows))


def card(options: argparse.Namespace, step: int, encoder: ClipEncoder, rows: list[FigureRow]) -> str:
    """Return the model card."""
    log = [json.loads(line) for line in (options.work / "log.jsonl").read_text().splitlines()]
    seconds = sum(256 / line["pairs_per_second"] for line in log)
    size = sum(parameter.numel() for parameter in encoder.model.parameters())
    return ModelCard(
        name="scenes-tiny",
        place="scenes-tiny",
        summary="A small CLIP for omninegclip's picture world, pretrained from scratch with a plain loss "
        "on affirmative captions: it finds what a caption mentions and ignores “no”.",
        licence="mit",
        rows=rows,
        columns=("scenes-tiny",),
        measured_on=f"The scenes benchmark of omninegclip, seed {BENCHMARK_SEED}: images it has not seen.",
        metadata={
            "parameters": f"{size:,}",
            "towers": "image 6 layers, text 12 layers, width 128, patches of 12 in 96 x 96 pixels",
            "steps": f"{step:,} of 256 pairs",
            "images": "80,000, with captions written anew each time",
            "time": f"{seconds / 60:.0f} minutes on 2 cores that did other work as well",
            "loss at the end": f"{sum(line['loss'] for line in log[-50:]) / len(log[-50:]):.3f}",
            "recipe": "recipes/scenes-tiny",
            **({"remark": options.remark} if options.remark else {}),
        },
        limits=LIMITS,
        attribution=ATTRIBUTION,
        library="omninegclip",
    ).markdown()


if __name__ == "__main__":
    main()
