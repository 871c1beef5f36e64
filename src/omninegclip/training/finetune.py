"""From a preset's flat values to objects, and from those to a fine-tuned model."""

from collections.abc import Iterator
from functools import partial

import torch

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.packing import require_causal
from omninegclip.clip.policy import PolicyTable, apply_policy, parameter_groups
from omninegclip.data.sampler import BatchSampler
from omninegclip.training import schedule
from omninegclip.training.loop import Step, train
from omninegclip.training.preset import Preset
from omninegclip.training.task import OmniTask
from omninegclip.training.triplets import Triplets, batches

_SCHEDULES = {"paper": schedule.paper, "mended": schedule.mended}


def freeze(encoder: ClipEncoder, preset: Preset) -> PolicyTable:
    """Set what of the model trains and return it as a table to print."""
    return apply_policy(
        encoder.model,
        text=preset.text_layers,
        text_extras=preset.text_extras,
        image=preset.image_layers,
    )


def fine_tune(encoder: ClipEncoder, triplets: Triplets, preset: Preset, seed: int) -> Iterator[Step]:
    """Fine-tune the model of `encoder` in place, yielding each step; `freeze` comes first.

    `triplets.features` are those of the frozen image tower. Raises OmniNegClipError when the text tower is
    not causal, nothing trains, or the data does not fill a batch.
    """
    require_causal(encoder.model)
    task = OmniTask(
        encoder.model,
        weight_absence=preset.weight_absence,
        weight_original=preset.weight_original,
        weight_text=preset.weight_text,
        margin=preset.margin,
    )
    optimizer = torch.optim.AdamW(
        parameter_groups(encoder.model, preset.weight_decay, decay_all=preset.decay_all),
        lr=preset.learning_rate,
        betas=preset.betas,
        eps=preset.epsilon,
    )
    stream = batches(
        triplets,
        BatchSampler(len(triplets.presence.captions), preset.batch_size, 2 * seed),
        BatchSampler(len(triplets.absence.captions), preset.batch_size, 2 * seed + 1),
        encoder.context_length,
        mask_same_image=preset.mask_same_image,
    )
    factor = partial(_SCHEDULES[preset.schedule], warmup=preset.warmup, total=preset.steps)
    return train(task, task.after_step, optimizer, stream, factor, preset.steps)
