"""Which part of the text tower learns negation: each layer group alone, at the same budget."""

import copy
import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from omninegclip.clip.load import load_clip
from omninegclip.evaluation.scenes import Figures
from omninegclip.memory import keep_freed_memory
from omninegclip.study.world import Size, ask, make_world, train_on
from omninegclip.training.finetune import freeze
from omninegclip.training.preset import load_preset

GROUPS = ("front", "back", "whole")


def compare_groups(
    model: str, preset_name: str, overrides: Sequence[str], seed: int, size: Size
) -> dict[str, Figures]:
    """Fine-tune `model` once per layer group and return the figures of each, `pretrained` first.

    Raises OmniNegClipError when the preset or the model is unknown, or a package is missing.
    """
    preset = load_preset(preset_name, overrides)
    keep_freed_memory()
    encoder = load_clip(model)
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(encoder, Path(folder) / "data", seed, size)
    figures = {"pretrained": ask(encoder, world)}
    for group in GROUPS:
        torch.manual_seed(seed)
        tuned = copy.deepcopy(encoder)
        grouped = dataclasses.replace(preset, text_layers=group)
        freeze(tuned, grouped)
        for _ in train_on(tuned, world, grouped, seed, description=f"Fine-tuning {group}"):
            pass
        figures[group] = ask(tuned, world)
    return figures
