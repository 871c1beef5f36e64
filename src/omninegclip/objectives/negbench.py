"""NegBench's objective: CLIP's own, and a little of multiple choice."""

import torch
import torch.nn.functional as F
from torch import Tensor

from omninegclip.objectives.contrastive import symmetric
from omninegclip.objectives.features import CaptionFeatures
from omninegclip.objectives.objective import Objective


def negbench(
    images: Tensor,
    captions: Tensor,
    options: Tensor,
    scale: Tensor,
    *,
    weight_clip: float = 0.99,
    same: Tensor | None = None,
) -> dict[str, Tensor]:
    """Match image and caption, and choose the one option that is true of the image.

        L_clip = sym(I, C)                                   `clip`
        L_mcq  = mean_i -log softmax_k(s <I_i, O_ik>)_0      `choice`
        L      = a L_clip + (1 - a) L_mcq                    `loss`

    Args:
        images: I, [B, d], L2-normalised.
        captions: C, [B, d], L2-normalised; C_i is true of image i.
        options: O, [B, K, d], L2-normalised; option 0 is true of image i, the others are false.
        scale: s, a scalar: the exponential of CLIP's logit scale.
        weight_clip: a.
        same: [B, B] booleans: caption j is true of image i as well, so it is no negative.

    Raises:
        ValueError: The features differ in shape or are not 2-D, `options` does not fit them, or `same`.

    Source: NegBench, Alhamoud et al., CVPR 2025, arXiv 2501.09425.
    """
    if options.ndim != 3 or (len(options), options.shape[2]) != tuple(images.shape) or options.shape[1] < 2:
        raise ValueError(
            f"options must be [{len(images)}, K, {images.shape[-1]}] with K of at least 2, "
            f"not {list(options.shape)}"
        )
    matched = symmetric(images, captions, scale, same)
    scores = scale * torch.einsum("bd,bkd->bk", images, options)
    choice = F.cross_entropy(scores, torch.zeros(len(scores), dtype=torch.long, device=scores.device))
    return {"loss": weight_clip * matched + (1 - weight_clip) * choice, "clip": matched, "choice": choice}


def _of_pairs(presence: CaptionFeatures, scale: Tensor) -> dict[str, Tensor]:
    """Choose from an image's own true and negated caption, and those of the next image in the batch."""
    images, captions, negated, same = presence
    options = torch.stack([captions, negated, captions.roll(1, 0), negated.roll(1, 0)], dim=1)
    return negbench(images, captions, options, scale, same=same)


OBJECTIVE = Objective(_of_pairs)
