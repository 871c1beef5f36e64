"""CoN-CLIP's objective: negated captions are wrong answers of images, distractor images of captions."""

import torch
from torch import Tensor

from omninegclip.objectives.contrastive import check_features, cross_entropy_to
from omninegclip.objectives.features import CaptionFeatures
from omninegclip.objectives.objective import Objective


def conclip(
    images: Tensor,
    captions: Tensor,
    negated: Tensor,
    scale: Tensor,
    *,
    distractors: Tensor | None = None,
    same: Tensor | None = None,
) -> dict[str, Tensor]:
    """Add both directions, each with its own further wrong answers.

        L1 = CE(s I [C; N]^T, i)      `image_to_texts`
        L2 = CE(s C [I; D]^T, i)      `caption_to_images`; without D where there are none
        L  = L1 + L2                  `loss`

    Args:
        images: I, [B, d], L2-normalised.
        captions: C, [B, d], L2-normalised; C_i is true of image i.
        negated: N, [B, d], L2-normalised; N_i is C_i with something negated that is in image i, so false.
        scale: s, a scalar: the exponential of CLIP's logit scale.
        distractors: D, [B, d], L2-normalised; images that no caption of the batch is true of.
        same: [B, B] booleans: caption j is true of image i as well, so neither is a negative of the other.

    Raises:
        ValueError: The features differ in shape or are not 2-D, or `same` does not fit them.

    Source: CoN-CLIP, Singh et al., WACV 2025, arXiv 2403.20312.
    """
    extra = {} if distractors is None else {"distractors": distractors}
    check_features(images=images, captions=captions, negated=negated, **extra)
    shown = torch.cat([images, *extra.values()])
    image_to_texts = cross_entropy_to(scale * images @ torch.cat([captions, negated]).T, same)
    caption_to_images = cross_entropy_to(scale * captions @ shown.T, None if same is None else same.T)
    return {
        "loss": image_to_texts + caption_to_images,
        "image_to_texts": image_to_texts,
        "caption_to_images": caption_to_images,
    }


def _of_pairs(presence: CaptionFeatures, scale: Tensor) -> dict[str, Tensor]:
    return conclip(presence.images, presence.captions, presence.negated, scale, same=presence.same)


OBJECTIVE = Objective(_of_pairs)
