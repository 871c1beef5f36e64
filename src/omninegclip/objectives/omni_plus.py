"""Beyond the paper: contrast by what is known to be true or false, and meanings that are kept or composed."""

import torch
import torch.nn.functional as F
from torch import Tensor

_SAME = 1e-4  # cosine distance below which two targets are one


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

        s_tp = s <T_t, I_p>,  o(t) the image that statement t was written for
        L_ti = mean, t true, of   log(exp s_to(t) + sum_{p: F_tp} exp s_tp) - s_to(t)         `text_to_images`
        L_it = mean, t true, of   log(exp s_to(t) + sum_{u: F_uo(t)} exp s_uo(t)) - s_to(t)   `image_to_texts`
        L_2  = mean, t true and u false of one image, of   log(1 + exp(s_uo(t) - s_to(t)))  `two_way`
        L_h  = mean, t true with a hard image h, of   log(1 + exp(s_th - s_to(t)))          `hard`
        L    = (L_ti + L_it + L_2 + L_h) / 4                                                  `loss`

    With the statements C and N of each image, all false of every other image, and no hard image, the
    first three are L2, L1 and L3 of the paper's presence-based objective. L_h is what the paper lacks: a
    image that holds what a true statement denies is a worse match for it. `hard_right` is the share of such
    pairs, from 0 to 1, that are ranked right; it has no gradient. A mean over nothing is 0.

    Args:
        images: I, [P, d], L2-normalised: the images of the batch and any others, such as hard ones.
        texts: T, [T, d], L2-normalised.
        own: o, [T] columns of `images`.
        true: [T] booleans: the statement is true of its own image; it is known false of it where not.
        false: F, [T, P] booleans, as `false_pairs` returns it; own images are set by `true` alone.
        hard: h, [T] columns of `images`, images of which the statement is false though much of it fits;
            -1 where there is none.
        scale: s, a scalar: the exponential of CLIP's logit scale.

    Raises:
        ValueError: Shapes or types don't fit together.
    """
    _check(images, texts, own=own, true=true, hard=hard, false=false)
    rows = torch.arange(len(texts), device=texts.device)
    logits = scale * texts @ images.T
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
        "text_to_images": _mean(over_images[true]),
        "image_to_texts": _mean(over_texts[true]),
        "two_way": _mean(F.softplus(matched[second] - matched[first])),
        "hard": _mean(F.softplus(gap)),
    }
    return {
        "loss": torch.stack(list(parts.values())).mean(),
        **parts,
        "hard_right": _mean((gap.detach() < 0).to(gap.dtype)),
    }


def target_losses(texts: Tensor, targets: Tensor, negates: Tensor, scale: float = 20.0) -> dict[str, Tensor]:
    """Keep the meaning of what denies nothing, and compose the meaning of what does.

        L_kept     = mean, t denying nothing, of   1 - <T_t, q_t>                             `kept`
        L_composed = mean, t denying something, of   1 - <T_t, q_t>                           `composed`
        L_apart    = mean, t denying something, of   -log softmax_u(z <T_t, q_u>)_t           `apart`

    q_t is the embedding before fine-tuning of a text that denies nothing, so that plain retrieval and
    recognition are guarded, and `composed_target` of the two halves of one that denies. L_apart asks which of
    the batch's targets is meant. Without it a model stays long on a plateau where every denial has the same
    meaning, whatever is denied: sentences that differ in the denied object alone have targets so near each
    other that the cosine hardly rewards telling them apart.

    Args:
        texts: T, [T, d], L2-normalised.
        targets: q, [T, d], L2-normalised.
        negates: [T] booleans: the statement denies something.
        scale: z, what the cosines with targets are multiplied with; targets are fixed, and so is it.

    Raises:
        ValueError: The shapes don't fit together.
    """
    if texts.ndim != 2 or texts.shape != targets.shape or negates.shape != texts.shape[:1]:
        raise ValueError(
            f"texts and targets must be [T, d] and denies [T], not {list(texts.shape)}, "
            f"{list(targets.shape)} and {list(negates.shape)}"
        )
    distance = 1 - (texts * targets).sum(dim=1)
    twins = targets @ targets.T > 1 - _SAME
    twins.fill_diagonal_(False)  # a target that two statements share is no wrong answer for either
    logits = (scale * texts @ targets.T).masked_fill(twins, -torch.inf)
    surprise = torch.logsumexp(logits, dim=1) - logits.diagonal()
    return {
        "kept": _mean(distance[~negates]),
        "composed": _mean(distance[negates]),
        "apart": _mean(surprise[negates]),
    }


def composed_target(affirmed: Tensor, concepts: Tensor, weight: float) -> Tensor:
    """Compose the embedding of "A but not N" of what the model made of A and of N before fine-tuning.

        q = (a - w n) / |a - w n|, as `evaluation.training_free.subtract` on arrays

    Args:
        affirmed: a, [T, d], L2-normalised embeddings of what the statements affirm.
        concepts: n, [T, d], L2-normalised directions of what they deny.
        weight: w; from 0.4 to 0.8 the denied thing is pushed away and the affirmed one still found.

    Raises:
        ValueError: The shapes differ.
    """
    if affirmed.ndim != 2 or affirmed.shape != concepts.shape:
        raise ValueError(f"both must be [T, d], not {list(affirmed.shape)} and {list(concepts.shape)}")
    return F.normalize(affirmed - weight * concepts, dim=-1)


def omni_plus(
    contrast: dict[str, Tensor],
    meaning: dict[str, Tensor],
    scale: Tensor,
    *,
    weight_supervised: float = 1.0,
    weight_distilled: float = 12.0,
    weight_composed: float = 1.0,
    weight_discriminated: float = 8.0,
) -> dict[str, Tensor]:
    """Add the contrast of known truth and the two meanings; all parts keep their names.

        L = w_c L_contrast + w_a L_apart + s (w_k L_kept + w_m L_composed)      `loss`

    The cosine distances are multiplied with the scale, without a gradient to it, since the contrast sees
    cosines times the scale: so the weights mean the same for any CLIP.

    Args:
        contrast: what `supervised_contrastive` returned.
        meaning: what `target_losses` returned.
        scale: s, a scalar: the exponential of CLIP's logit scale.
        weight_supervised: w_c.
        weight_distilled: w_k.
        weight_composed: w_m.
        weight_discriminated: w_a.
    """
    distances = weight_distilled * meaning["kept"] + weight_composed * meaning["composed"]
    loss = (
        weight_supervised * contrast["loss"]
        + weight_discriminated * meaning["apart"]
        + scale.detach() * distances
    )
    named = {f"contrast/{name}": value for name, value in contrast.items()}
    return {"loss": loss, **named, **{f"meaning/{name}": value for name, value in meaning.items()}}


def _mean(values: Tensor) -> Tensor:
    """Return the mean, or a zero that has a gradient where there is nothing."""
    return values.sum() / max(1, values.numel())


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
