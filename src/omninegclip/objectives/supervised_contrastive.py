"""Contrast by what is known to be true or false of each image."""

import torch
import torch.nn.functional as F
from torch import Tensor

from omninegclip.objectives.contrastive import mean_or_zero


def supervised_contrastive(
    images: Tensor,
    texts: Tensor,
    own: Tensor,
    true: Tensor,
    false: Tensor,
    hard: Tensor,
    scale: Tensor,
) -> dict[str, Tensor]:
    """Rank every true pair above the pairs that are known to be false, and use no other pair.

        s_tp = s <T_t, I_p>,  o(t) the image that sentence t was written for
        L_ti = mean, t true, of   log(exp s_to(t) + sum_{p: F_tp} exp s_tp) - s_to(t)         `text_to_images`
        L_it = mean, t true, of   log(exp s_to(t) + sum_{u: F_uo(t)} exp s_uo(t)) - s_to(t)   `image_to_texts`
        L_2  = mean, t true and u false of one image, of   log(1 + exp(s_uo(t) - s_to(t)))  `two_way`
        L_h  = mean, t true with a hard image h, of   log(1 + exp(s_th - s_to(t)))          `hard`
        L    = (L_ti + L_it + L_2 + L_h) / 4                                                  `loss`

    With the sentences C and N of each image, all false of every other image, and no hard image, the
    first three are L2, L1 and L3 of the paper's presence-based objective. L_h is what the paper lacks: an
    image that holds what a true sentence negates is a worse match for it. `hard_right` is the share of such
    pairs, from 0 to 1, that are ranked right; it has no gradient. A mean over nothing is 0.

    Args:
        images: I, [P, d], L2-normalised: the images of the batch and any others, such as hard ones.
        texts: T, [T, d], L2-normalised.
        own: o, [T] columns of `images`.
        true: [T] booleans: the sentence is true of its own image; it is known false of it where not.
        false: F, [T, P] booleans, as `false_pairs` returns it; own images are set by `true` alone.
        hard: h, [T] columns of `images`, images of which the sentence is false though much of it fits;
            -1 where there is none.
        scale: s, a scalar: the exponential of CLIP's logit scale.

    Raises:
        ValueError: Shapes or types don't fit together.
    """
    _check(images, texts, own=own, true=true, hard=hard, false=false)
    return known_contrast(scale * texts @ images.T, own, true, false, hard)


def known_contrast(
    logits: Tensor, own: Tensor, true: Tensor, false: Tensor, hard: Tensor
) -> dict[str, Tensor]:
    """Do what `supervised_contrastive` does with scores that need not be cosines.

    Args:
        logits: s_tp, [T, P], of sentences with images, as a softmax takes them.
        own: o, [T] columns of `logits`.
        true: [T] booleans.
        false: F, [T, P] booleans.
        hard: h, [T] columns of `logits`, -1 for none.
    """
    rows = torch.arange(len(logits), device=logits.device)
    matched = logits[rows, own]
    false = false.clone()
    false[rows, own] = ~true
    against = torch.where(false, logits, -torch.inf)
    over_images = torch.logsumexp(torch.cat([matched[:, None], against], dim=1), dim=1) - matched
    over_texts = F.softplus(torch.logsumexp(against, dim=0)[own] - matched)
    rivals = (own[:, None] == own[None, :]) & true[:, None] & ~true[None, :]
    first, second = rivals.nonzero().unbind(1)
    held = true & (hard >= 0)
    gap = logits[rows[held], hard[held]] - matched[held]
    parts = {
        "text_to_images": mean_or_zero(over_images[true]),
        "image_to_texts": mean_or_zero(over_texts[true]),
        "two_way": mean_or_zero(F.softplus(matched[second] - matched[first])),
        "hard": mean_or_zero(F.softplus(gap)),
    }
    return {
        "loss": torch.stack(list(parts.values())).mean(),
        **parts,
        "hard_right": mean_or_zero((gap.detach() < 0).to(gap.dtype)),
    }


def _check(images: Tensor, texts: Tensor, *, false: Tensor, **by_text: Tensor) -> None:
    if images.ndim != 2 or texts.ndim != 2 or images.shape[1] != texts.shape[1]:
        raise ValueError(
            f"images and texts must be [P, d] and [T, d], not {list(images.shape)}, {list(texts.shape)}"
        )
    for name, tensor in by_text.items():
        if tensor.shape != texts.shape[:1]:
            raise ValueError(f"{name} must be [{len(texts)}], not {list(tensor.shape)}")
    if false.dtype != torch.bool or false.shape != (len(texts), len(images)):
        raise ValueError(
            f"false must be booleans [{len(texts)}, {len(images)}], not {false.dtype} {list(false.shape)}"
        )
