"""Meanings that are kept, composed and told apart: losses against targets from before fine-tuning."""

import torch
import torch.nn.functional as F
from torch import Tensor

from omninegclip.objectives.contrastive import mean_or_zero

_SAME = 1e-4  # cosine distance below which two targets are one


def target_losses(texts: Tensor, targets: Tensor, negates: Tensor, scale: float = 20.0) -> dict[str, Tensor]:
    """Keep the meaning of what negates nothing, and compose the meaning of what does.

        L_distilled     = mean, t negating nothing, of     1 - <T_t, q_t>                    `distilled`
        L_composed      = mean, t negating something, of   1 - <T_t, q_t>                    `composed`
        L_discriminated = mean, t negating something, of   -log softmax_u(z <T_t, q_u>)_t    `discriminated`

    q_t is the embedding before fine-tuning of a text that negates nothing, so that plain retrieval and
    recognition are guarded, and `composed_target` of the two halves of one that negates. L_discriminated asks
    which of the batch's targets is meant. Without it a model stays long on a plateau where every negation
    means the same, whatever is negated: sentences that differ in the negated object alone have targets so
    near each other that the cosine hardly rewards telling them apart.

    Args:
        texts: T, [T, d], L2-normalised.
        targets: q, [T, d], L2-normalised.
        negates: [T] booleans: the sentence negates something.
        scale: z, what the cosines with targets are multiplied with; targets are fixed, and so is it.

    Raises:
        ValueError: The shapes don't fit together.
    """
    if texts.ndim != 2 or texts.shape != targets.shape or negates.shape != texts.shape[:1]:
        raise ValueError(
            f"texts and targets must be [T, d] and negates [T], not {list(texts.shape)}, "
            f"{list(targets.shape)} and {list(negates.shape)}"
        )
    distance = 1 - (texts * targets).sum(dim=1)
    twins = targets @ targets.T > 1 - _SAME
    twins.fill_diagonal_(False)  # a target that two sentences share is no wrong answer for either
    logits = (scale * texts @ targets.T).masked_fill(twins, -torch.inf)
    surprise = torch.logsumexp(logits, dim=1) - logits.diagonal()
    return {
        "distilled": mean_or_zero(distance[~negates]),
        "composed": mean_or_zero(distance[negates]),
        "discriminated": mean_or_zero(surprise[negates]),
    }


def composed_target(affirmed: Tensor, concepts: Tensor, weights: Tensor) -> Tensor:
    """Compose the embedding of "A but not N" of what the model made of A and of N before fine-tuning.

        q = (a - w n) / |a - w n|

    Args:
        affirmed: a, [T, d], L2-normalised embeddings of what the sentences affirm.
        concepts: n, [T, d], L2-normalised directions of what they negate.
        weights: w, [T]; from 0.4 to 0.9 the negated thing is pushed away and the affirmed one still found.

    Raises:
        ValueError: The shapes differ.
    """
    if affirmed.ndim != 2 or affirmed.shape != concepts.shape or weights.shape != affirmed.shape[:1]:
        raise ValueError(
            "affirmed and concepts must be [T, d] and weights [T], "
            f"not {list(affirmed.shape)}, {list(concepts.shape)} and {list(weights.shape)}"
        )
    return F.normalize(affirmed - weights[:, None] * concepts, dim=-1)
