"""NegCLIP's objective: hard negative captions, told apart from true ones in one direction."""

import torch
from torch import Tensor

from omninegclip.objectives.contrastive import check_features, cross_entropy_to
from omninegclip.objectives.features import CaptionFeatures
from omninegclip.objectives.objective import Objective


def negclip(
    images: Tensor, captions: Tensor, negatives: Tensor, scale: Tensor, same: Tensor | None = None
) -> dict[str, Tensor]:
    """Match image and caption, with hard negative captions as further wrong answers of every image.

        L1 = CE(s I [C; N]^T, i)      `image_to_texts`
        L2 = CE(s C I^T, i)           `caption_to_images`
        L  = (L1 + L2) / 2            `loss`

    Args:
        images: I, [B, d], L2-normalised.
        captions: C, [B, d], L2-normalised; C_i is true of image i.
        negatives: N, [B, d], L2-normalised; N_i is false of image i.
        scale: s, a scalar: the exponential of CLIP's logit scale.
        same: [B, B] booleans: caption j is true of image i as well, so neither is a negative of the other.

    Raises:
        ValueError: The features differ in shape or are not 2-D, or `same` does not fit them.

    Source: NegCLIP, Yuksekgonul et al., ICLR 2023, arXiv 2210.01936.
    """
    check_features(images=images, captions=captions, negatives=negatives)
    image_to_texts = cross_entropy_to(scale * images @ torch.cat([captions, negatives]).T, same)
    caption_to_images = cross_entropy_to(scale * captions @ images.T, None if same is None else same.T)
    return {
        "loss": (image_to_texts + caption_to_images) / 2,
        "image_to_texts": image_to_texts,
        "caption_to_images": caption_to_images,
    }


def _of_pairs(presence: CaptionFeatures, scale: Tensor) -> dict[str, Tensor]:
    return negclip(presence.images, presence.captions, presence.negated, scale, presence.same)


OBJECTIVE = Objective(_of_pairs)
