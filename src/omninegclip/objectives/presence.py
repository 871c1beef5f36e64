"""The presence-based objective: a caption that denies what the image shows is false."""

import torch
import torch.nn.functional as F
from torch import Tensor

from omninegclip.objectives.contrastive import check_features, cross_entropy_to


def presence(
    images: Tensor, captions: Tensor, negated: Tensor, scale: Tensor, same: Tensor | None = None
) -> dict[str, Tensor]:
    """Rank each image's true caption above the same caption with something present negated.

        L1 = CE(s I [C; N]^T, i)                 `image_to_texts`: negated captions are extra negatives
        L2 = CE(s C I^T, i)                      `caption_to_images`
        L3 = CE(s [<I_i, C_i>, <I_i, N_i>], 0)   `two_way`
        L  = (L1 + L2 + L3) / 3                  `loss`

    Args:
        images: I, [B, d], L2-normalised.
        captions: C, [B, d], L2-normalised; C_i is true of image i.
        negated: N, [B, d], L2-normalised; N_i is C_i with something negated that is in image i.
        scale: s, a scalar: the exponential of CLIP's logit scale.
        same: [B, B] booleans: caption j is true of image i as well, so neither is a negative of the other in
            L1 and L2. N_j stays a negative of image i: where the image is the same, N_j is false of it too.

    Raises:
        ValueError: The features differ in shape or are not 2-D, or `same` does not fit them.

    Source: Omni-NegCLIP, arXiv 2603.29258, presence-based objective.
    """
    check_features(images=images, captions=captions, negated=negated)
    image_to_texts = cross_entropy_to(scale * images @ torch.cat([captions, negated]).T, same)
    caption_to_images = cross_entropy_to(scale * captions @ images.T, None if same is None else same.T)
    own = scale * torch.stack([(images * captions).sum(dim=1), (images * negated).sum(dim=1)], dim=1)
    two_way = F.cross_entropy(own, torch.zeros(len(own), dtype=torch.long, device=own.device))
    return {
        "loss": (image_to_texts + caption_to_images + two_way) / 3,
        "image_to_texts": image_to_texts,
        "caption_to_images": caption_to_images,
        "two_way": two_way,
    }
