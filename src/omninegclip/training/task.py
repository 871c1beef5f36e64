"""The task: model and objective in one forward, so that a loop knows nothing of negation."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import CLIPModel

from omninegclip.clip.packing import PackedTexts, encode_packed
from omninegclip.objectives import absence, omni, presence


class Batch(NamedTuple):
    """One step's data: a batch of each kind of negation, with image features that were computed before.

    Attributes:
        presence_images: I, [B, d].
        absence_images: J, [B, d].
        texts: C and N of each picture of the first batch in turn, then O and U of each of the second: 4B.
        presence_same: [B, B], true where two rows show one picture; None where that is ignored.
        absence_same: likewise for the second batch.
    """

    presence_images: Tensor
    absence_images: Tensor
    texts: PackedTexts
    presence_same: Tensor | None
    absence_same: Tensor | None


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
    ) -> None:
        """Hold the model and the weights of the objective, as `objectives.absence` and `omni` take them."""
        super().__init__()
        self.model = model
        self.weight_absence, self.weight_original = weight_absence, weight_original
        self.weight_text, self.margin = weight_text, margin

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Return `loss` and its named parts."""
        texts = encode_packed(self.model, batch.texts)
        kinds = [2 * len(batch.presence_images), 2 * len(batch.absence_images)]
        first, second = torch.split(texts, kinds)
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
