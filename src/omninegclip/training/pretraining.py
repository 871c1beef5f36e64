"""Training with CLIP's own loss alone: both towers, or a text tower and projections beside frozen images."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from omninegclip.clip.device import ComputePlace, moved
from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.policy import parameter_groups
from omninegclip.data.features import FrozenFeatures
from omninegclip.data.sampler import BatchSampler
from omninegclip.files import JsonObject
from omninegclip.objectives.clip import clip
from omninegclip.objectives.objective import Parts
from omninegclip.training.checkpoint import restore_tensors, tensors_of
from omninegclip.training.loop import Step, backward_through, train
from omninegclip.training.preset import check_steps
from omninegclip.training.schedule import cosine

BETAS, CLIP_NORM = (0.9, 0.98), 1.0


class PairFeatures(NamedTuple):
    """B images and a caption of each, L2-normalised and with the graph of what trains.

    Attributes:
        images: [B, d].
        captions: [B, d]; caption i is true of image i.
        same: [B, B] booleans: caption j is true of image i as well, so it is no negative; None for no such.
    """

    images: Tensor
    captions: Tensor
    same: Tensor | None = None


class PretrainingSettings(NamedTuple):
    """How a model is pretrained, beside its data.

    Attributes:
        steps: of the whole run.
        warmup: steps until the learning rate is at its peak; from there it falls along half a cosine.
        batch_size: pairs in a step.
        learning_rate: at the peak.
        weight_decay: of matrices; embeddings, biases, norms and the logit scale have none.
        seed: of dropout and whatever else a step draws.
        precision: `fp32`, or `bf16` for the products of the towers.
        fresh: what the names of parameters begin with that learn at `fresh_rate`, because they begin with
            nothing beside pretrained ones.
        fresh_rate: at the peak.
    """

    steps: int
    warmup: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int
    precision: str = "fp32"
    fresh: tuple[str, ...] = ()
    fresh_rate: float = 0.0


class Pretraining:
    """A pretraining run: its state at any step is the weights, the optimizer's moments and the step's number.

    Attributes:
        total: steps of the whole run.
        done: steps taken so far.
        texts_per_step: captions in a step.
    """

    def __init__(
        self,
        encoder: ClipEncoder,
        features_of: Callable[[int], PairFeatures],
        settings: PretrainingSettings,
    ) -> None:
        """Make ready for the first step.

        Args:
            encoder: what of its model has `requires_grad` is trained in place.
            features_of: the number of a step to the features of its pairs. Which pairs they are follows from
                the number alone, and so do the random numbers that PyTorch gives meanwhile.
            settings: every choice.

        Raises:
            OmniNegClipError: Nothing trains, or the run is shorter than its warm-up.
        """
        check_steps(settings.steps, settings.warmup)
        self.total, self.done, self.texts_per_step = settings.steps, 0, float(settings.batch_size)
        self._encoder, self._features_of, self._settings = encoder, features_of, settings
        self._optimizer = torch.optim.AdamW(_groups(encoder.model, settings), betas=BETAS)

    def run(self) -> Iterator[Step]:
        """Take the steps that are left, yielding each when it is done, with the model in evaluation mode."""
        numbers = range(self.done, self.total)
        steps = train(
            backward_through(self._loss),
            self._optimizer,
            iter(numbers),
            partial(cosine, warmup=self._settings.warmup, total=self.total),
            numbers,
            clip_norm=CLIP_NORM,
        )
        for step in steps:
            self._encoder.family.clamp_scale()
            self._encoder.model.eval()
            self.done = step.number + 1
            yield step

    def state(self) -> tuple[dict[str, Tensor], JsonObject]:
        """Return what the rest of the run depends on beside data and settings: tensors, and JSON values."""
        return tensors_of(self._encoder.model, self._optimizer), {"done": self.done}

    def restore(self, tensors: Mapping[str, Tensor], metadata: JsonObject) -> None:
        """Continue from where `state` was taken; raises OmniNegClipError when that was another model."""
        restore_tensors(tensors, self._encoder.model, self._optimizer)
        self.done = metadata["done"]

    def _loss(self, step: int) -> Parts:
        """Return the loss of a step and the scale of its cosines."""
        for part in self._encoder.model.children():  # frozen parts stay as they are measured
            part.train(any(parameter.requires_grad for parameter in part.parameters()))
        torch.manual_seed(self._settings.seed * 1_000_003 + step + 1)
        with ComputePlace(self._encoder.device, self._settings.precision).autocast():
            images, captions, same = self._features_of(step)
        scale = self._encoder.family.logit_scale.exp()
        return clip(images.float(), captions.float(), scale, same) | {"scale": scale}


def captioned_features(
    encoder: ClipEncoder,
    captions: Sequence[Sequence[str]],
    pooled: FrozenFeatures,
    batch_size: int,
    seed: int,
) -> Callable[[int], PairFeatures]:
    """Return the `features_of` a pretraining whose image tower is frozen but for its projection.

    Captions are drawn pass after pass, and those of one image are no negatives of each other.

    Args:
        encoder: has a `visual_projection`.
        captions: those of each image.
        pooled: what the tower makes of each image before its projection, [n, width].
        batch_size: captions in a step.
        seed: of their order.

    Raises:
        OmniNegClipError: The captions don't fill a batch.
    """
    shown = np.repeat(np.arange(len(captions)), [len(each) for each in captions])
    ids = encoder.tokenize([caption for each in captions for caption in each])
    sampler = BatchSampler(len(ids), batch_size, seed)
    projection = encoder.model.get_submodule("visual_projection")

    def features_of(step: int) -> PairFeatures:
        drawn = sampler.batch(step)
        texts = encoder.lay_out([[ids[row] for row in drawn]], encoder.context_length)
        numbers = torch.from_numpy(shown[drawn]).to(encoder.device)
        images = F.normalize(projection(pooled[shown[drawn]].to(encoder.device)), dim=-1)
        same = numbers[:, None] == numbers
        return PairFeatures(images, encoder.family.encode(moved(texts, encoder.device)), same)

    return features_of


def _groups(model: nn.Module, settings: PretrainingSettings) -> list[JsonObject]:
    """Return the optimizer's groups, each cut in two by learning rate where some of it is fresh."""
    fresh = {id(weight) for name, weight in model.named_parameters() if name.startswith(settings.fresh)}
    groups = [
        {**group, "lr": rate, "params": [each for each in group["params"] if (id(each) in fresh) == chosen]}
        for group in parameter_groups(model, settings.weight_decay, decay_all=False)
        for rate, chosen in ((settings.learning_rate, False), (settings.fresh_rate, True))
    ]
    return [group for group in groups if group["params"]]
