"""The training step of photos-mini: CLIP's loss on photos whose features are kept, and its checkpoint."""

import argparse
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from photos import Photo
from torch import Tensor, nn
from torch.nn import functional as F

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.families.registry import family_of
from omninegclip.clip.policy import parameter_groups
from omninegclip.clip.text.padding import PaddedTexts
from omninegclip.data.features import FrozenFeatures
from omninegclip.data.sampler import BatchSampler
from omninegclip.objectives.contrastive import symmetric
from omninegclip.training.checkpoint import load_checkpoint, save_checkpoint


class Pairs(NamedTuple):
    """A batch: pooled features [B, 1280] of photos, B texts, and the photo that each shows [B]."""

    features: Tensor
    texts: PaddedTexts
    photos: Tensor


class Join(nn.Module):
    """CLIP's loss of a batch, whose photos have been through the frozen image tower."""

    def __init__(self, model: nn.Module) -> None:
        """Train what of `model` requires gradients."""
        super().__init__()
        self.model = model

    def forward(self, batch: Pairs) -> dict[str, Tensor]:
        """Return `loss`; captions of one photo are no negatives of each other."""
        images = F.normalize(self.model.visual_projection(batch.features), dim=-1)
        texts = family_of(self.model).encode(batch.texts)
        same = batch.photos[:, None] == batch.photos[None, :]
        return {"loss": symmetric(images, texts, self.model.logit_scale.exp(), same)}

    @torch.no_grad()
    def after_step(self) -> None:
        """Clamp logit_scale as CLIP does."""
        self.model.logit_scale.clamp_(0, math.log(100))


def optimizer_for(model: Any, options: argparse.Namespace) -> torch.optim.Optimizer:
    """Let text tower, projections and scale train, fresh projections at a rate of their own."""
    model.vision_model.requires_grad_(False)
    fresh = {id(p) for part in (model.visual_projection, model.text_projection) for p in part.parameters()}
    fresh.add(id(model.logit_scale))
    groups = []
    for group in parameter_groups(model, options.weight_decay, decay_all=False):
        for rate, chosen in ((options.text_rate, False), (options.projection_rate, True)):
            members = [p for p in group["params"] if (id(p) in fresh) == chosen]
            groups.append({**group, "params": members, "lr": rate})
    return torch.optim.AdamW([group for group in groups if group["params"]], betas=(0.9, 0.98))


def batches(
    encoder: ClipEncoder, photos: list[Photo], features: FrozenFeatures, sampler: BatchSampler, seed: int
) -> Iterator[Pairs]:
    """Yield the captions that the sampler draws, with their photos; dropout follows from the step too."""
    rows = [(number, caption) for number, photo in enumerate(photos) for caption in photo.captions]
    ids = encoder.tokenize([caption for _, caption in rows])
    shown = np.array([number for number, _ in rows])
    for drawn in sampler:
        torch.manual_seed(seed * 1_000_003 + sampler.step)
        texts = encoder.lay_out([[ids[row] for row in drawn]], encoder.context_length)
        yield Pairs(features[shown[drawn]], texts, torch.from_numpy(shown[drawn]))


def save(path: Path, model: Any, optimizer: torch.optim.Optimizer, metadata: dict[str, Any]) -> None:
    """Write what learns, the optimizer's moments and a few facts."""
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    names = {weight: name for name, weight in trained.items()}
    moments = {
        f"optimizer/{key}/{names[weight]}": value
        for weight, values in optimizer.state.items()
        for key, value in values.items()
    }
    save_checkpoint(path, {f"weights/{name}": weight for name, weight in trained.items()} | moments, metadata)


@torch.no_grad()
def restore(path: Path, model: Any, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Put back what `save` wrote, and return the facts."""
    tensors, metadata = load_checkpoint(path)
    trained = dict(model.named_parameters())
    for name, value in tensors.items():
        kind, _, rest = name.partition("/")
        if kind == "weights":
            trained[rest].copy_(value)
        else:
            key, _, parameter = rest.partition("/")
            optimizer.state[trained[parameter]][key] = value
    return metadata
