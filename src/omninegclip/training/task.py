"""The task: model and objective in one forward, so that a loop knows nothing of negation."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from omninegclip.clip.device import ComputePlace
from omninegclip.clip.families.registry import family_of
from omninegclip.objectives.objective import Parts
from omninegclip.training.methods.method import Texts, TrainingBatch


class TrainingTask(nn.Module):
    """Encodes a batch's captions and returns the parts of an objective."""

    def __init__(
        self,
        model: nn.Module,
        minimised: Callable[[Mapping[str, object]], Parts],
        precision: str = "fp32",
        encode: Callable[[Texts], Tensor] | None = None,
    ) -> None:
        """Hold the model and the objective.

        Args:
            model: a CLIP, or another dual encoder, as the texts of the batches are laid out for it.
            minimised: what a batch serves to `loss` and its named parts.
            precision: `fp32`, `bf16` or `fp16` for the tower's matrix products; losses are in float32.
            encode: texts to their features [n, d]; the model's own by default.
        """
        super().__init__()
        self.model = model
        self.family = family_of(model)
        self.precision = precision
        self._features = encode or self.family.encode
        self.minimised = minimised

    def forward(self, batch: TrainingBatch) -> Parts:
        """Return `loss` and its named parts."""
        features = [self.encode(chunk)["texts"] for chunk in batch.texts]
        return self.objective({"texts": torch.cat(features)}, batch)

    def encode(self, chunk: Texts) -> Parts:
        """Return the features of one chunk of captions as `texts`, [n, d]."""
        with ComputePlace(chunk.device, self.precision).autocast():
            return {"texts": self._features(chunk).float()}

    def objective(self, features: Parts, batch: TrainingBatch) -> Parts:
        """Return `loss` and its named parts for the features of all of the batch's chunks.

        The features of all processes are gathered, so that each has the loss of the whole batch.
        """
        return self.minimised(batch.served(features["texts"], self.family.logit_scale.exp()))
