"""The task: model and objective in one forward, so that a loop knows nothing of negation."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import CLIPModel

from omninegclip.clip.packing import PackedTexts, encode_packed
from omninegclip.objectives import absence, omni, presence
from omninegclip.training.distributed import gather

AUTOCAST = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


class Batch(NamedTuple):
    """One step's data: a batch of each kind of negation, with image features that were computed before.

    Of B pictures of each kind, this process encodes the captions of its share.

    Attributes:
        presence_images: I, [B, d].
        absence_images: J, [B, d].
        texts: in one chunk or several, C and N of each picture of the first batch in turn, then O and U of
            each of the second: 4B over all processes.
        presence_pairs: how many of the pairs in `texts` are of the first batch.
        presence_same: [B, B], true where two rows show one picture; None where that is ignored.
        absence_same: likewise for the second batch.
    """

    presence_images: Tensor
    absence_images: Tensor
    texts: tuple[PackedTexts, ...]
    presence_pairs: int
    presence_same: Tensor | None
    absence_same: Tensor | None

    def to(self, device: torch.device) -> "Batch":
        """Return the same batch with every tensor on `device`."""

        def moved(tensor: Tensor) -> Tensor:
            return tensor.to(device, non_blocking=True)

        masks = (None if mask is None else moved(mask) for mask in (self.presence_same, self.absence_same))
        texts = tuple(chunk.to(device) for chunk in self.texts)
        pictures = moved(self.presence_images), moved(self.absence_images)
        return Batch(*pictures, texts, self.presence_pairs, *masks)


class OmniTask(nn.Module):
    """Encodes a batch's captions and returns the parts of the combined objective."""

    def __init__(
        self,
        model: CLIPModel,
        *,
        weight_absence: float,
        weight_original: float,
        weight_text: float,
        margin: float,
        precision: str = "fp32",
    ) -> None:
        """Hold the model, and the weights of the objective as `objectives.absence` and `omni` take them.

        Args:
            model: its text tower must be causal.
            weight_absence: of the absence-based objective.
            weight_original: of the original captions in it.
            weight_text: of the hinge in it.
            margin: of the hinge.
            precision: `fp32`, `bf16` or `fp16` for the tower's matrix products; losses are in float32.
        """
        super().__init__()
        self.model = model
        self.weight_absence, self.weight_original = weight_absence, weight_original
        self.weight_text, self.margin = weight_text, margin
        self.autocast = AUTOCAST[precision]

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Return `loss` and its named parts."""
        features = [self.encode(chunk)["texts"] for chunk in batch.texts]
        return self.objective({"texts": torch.cat(features)}, batch)

    def encode(self, chunk: PackedTexts) -> dict[str, Tensor]:
        """Return the features of one chunk of captions as `texts`, [n, d]."""
        device = chunk.ids.device.type
        with torch.autocast(device, dtype=self.autocast, enabled=self.autocast is not None):
            return {"texts": encode_packed(self.model, chunk).float()}

    def objective(self, features: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """Return `loss` and its named parts for the features of all of the batch's chunks.

        The features of all processes are gathered, so that each has the loss of the whole batch.
        """
        own = features["texts"]
        kinds = [2 * batch.presence_pairs, len(own) - 2 * batch.presence_pairs]
        first, second = map(gather, torch.split(own, kinds))
        scale = self.model.logit_scale.exp()
        return omni(
            presence(batch.presence_images, first[0::2], first[1::2], scale, batch.presence_same),
            absence(
                batch.absence_images,
                second[0::2],
                second[1::2],
                scale,
                weight_original=self.weight_original,
                weight_text=self.weight_text,
                margin=self.margin,
                same=batch.absence_same,
            ),
            weight_absence=self.weight_absence,
        )

    @torch.no_grad()
    def after_step(self) -> None:
        """Clamp logit_scale to [0, ln 100], as after every step of CLIP's training."""
        self.model.logit_scale.clamp_(0, math.log(100))
