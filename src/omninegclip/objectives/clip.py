"""CLIP's own objective: the baseline that sees no negation."""

from torch import Tensor

from omninegclip.objectives.contrastive import symmetric
from omninegclip.objectives.features import CaptionFeatures
from omninegclip.objectives.objective import Objective


def clip(images: Tensor, captions: Tensor, scale: Tensor, same: Tensor | None = None) -> dict[str, Tensor]:
    """Match each image to its true caption.

        L = sym(I, C)      `loss`

    Args:
        images: I, [B, d], L2-normalised.
        captions: C, [B, d], L2-normalised; C_i is true of image i.
        scale: s, a scalar: the exponential of CLIP's logit scale.
        same: [B, B] booleans: caption j is true of image i as well, so it is no negative.

    Raises:
        ValueError: The features differ in shape or are not 2-D, or `same` does not fit them.

    Source: CLIP, Radford et al., arXiv 2103.00020, figure 3.
    """
    return {"loss": symmetric(images, captions, scale, same)}


def _of_pairs(presence: CaptionFeatures, absence: CaptionFeatures, scale: Tensor) -> dict[str, Tensor]:
    """Take the true captions of both batches, and the mean of the two."""
    losses = [clip(each.images, each.captions, scale, each.same)["loss"] for each in (presence, absence)]
    return {"loss": (losses[0] + losses[1]) / 2}


OBJECTIVE = Objective(_of_pairs)
