"""What pretrain.py reached, measured and written as a model folder in fp16 with its card."""

import argparse

import numpy as np
import torch
from draw import CAPTIONS

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.save import save_clip
from omninegclip.environment import versions
from omninegclip.evaluation.scenes import evaluate_blind, evaluate_scenes
from omninegclip.progress import show
from omninegclip.report.card import ModelCard
from omninegclip.report.scenes import ATTRIBUTION, figure_rows
from omninegclip.report.table import rich_table
from omninegclip.run.log import read_log, seconds_in
from omninegclip.scenes.benchmark import make_benchmark
from omninegclip.scoring.texts import whole_texts
from omninegclip.study.world import embed_scenes

# The benchmark that the card reports; quickstart draws its own by its own seed.
BENCHMARK_SEED = 1
LIMITS = [
    "It knows the 174 kinds of objects and 15 places of omninegclip's picture world and nothing else: no "
    "figure of it says anything of a CLIP trained on photographs.",
    "Negation words occur in its pretraining captions only as in alt texts, without meaning (“no filter”, "
    "“not edited”): the tokens exist, the meaning does not. That is on purpose.",
]


def export(encoder: ClipEncoder, options: argparse.Namespace) -> None:
    """Measure the weights as they will be loaded, show the figures, and write the folder.

    Raises OmniNegClipError when the folder is occupied or can't be written.
    """
    encoder.model.half().float()
    benchmark = make_benchmark(BENCHMARK_SEED, options.questions)
    images = embed_scenes(encoder, "benchmark", benchmark.scenes, BENCHMARK_SEED)
    figures = evaluate_scenes(benchmark, images, whole_texts(encoder.embed_text))
    rows = figure_rows((figures,), evaluate_blind(benchmark))
    name, log = options.out.name, read_log(options.work / "log.jsonl")
    minutes = seconds_in(options.work / "log.jsonl", options.batch) / 60
    on = torch.cuda.get_device_name() if encoder.device.type == "cuda" else f"{options.threads} CPU threads"
    installed = versions()
    card = ModelCard(
        name=name,
        place=options.out,
        summary="A small CLIP for omninegclip's picture world, pretrained from scratch with a plain loss "
        "on affirmative captions: it finds what a caption mentions and ignores “no”.",
        licence="mit",
        rows=rows,
        columns=(name,),
        measured_on=f"The scenes benchmark of omninegclip, seed {BENCHMARK_SEED}: images it has not seen.",
        metadata={
            "recipe": "recipes/scenes-small",
            "parameters": f"{sum(weight.numel() for weight in encoder.model.parameters()):,}",
            "image tower": encoder.family.image_summary(encoder.transform.size),
            "text tower": "12 blocks of width 128",
            "steps": f"{options.steps:,} of {options.batch:,} pairs",
            "images": f"{options.scenes:,} of seed {options.seed}, with {CAPTIONS} captions each",
            "learning rate": f"{options.rate:g}, {options.warm_up} steps of warm-up",
            "time": f"{minutes:.1f} minutes of training on {on}, {options.precision}",
            **({"loss at the end": f"{np.mean([line['loss'] for line in log[-50:]]):.3f}"} if log else {}),
            **({"remark": options.remark} if options.remark else {}),
            **{package: installed[package] for package in ("omninegclip", "torch", "transformers")},
        },
        limits=LIMITS,
        attribution=ATTRIBUTION,
        library="omninegclip",
    ).markdown()
    save_clip(options.out, encoder, base="none: pretrained from scratch", dtype=torch.float16, card=card)
    show(rich_table(rows, (name,), name))
