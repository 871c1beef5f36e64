"""A tower that says the halves of a sentence: near what they meant to it before, and told from all others."""

import torch
import torch.nn.functional as F
from torch import Tensor

from omninegclip.objectives.features import HalvesFeatures
from omninegclip.objectives.objective import Objective, Weight

_SAME = 1e-4  # cosine distance below which two targets are one
# A vector is nothing above this cosine with what says nothing, which is itself at 1: no text came near it.
_NOTHING = 0.7


def presence_logits(vectors: Tensor, nothing: Tensor, scale: float = 10.0) -> Tensor:
    """Return the log-odds that vectors say something: z (0.7 - <v, o>).

    Args:
        vectors: v, [..., d], L2-normalised.
        nothing: o, [d], L2-normalised: what is said where there is nothing to say.
        scale: z.
    """
    return scale * (_NOTHING - vectors @ nothing)


def reader(
    vectors: Tensor,
    targets: Tensor,
    nothing: Tensor,
    *,
    weight_told_apart: float = 1.0,
    weight_presence: float = 1.0,
    scale: float = 20.0,
) -> dict[str, Tensor]:
    """Say each half of a sentence as the model embedded its words before, and nothing where there is none.

        L_distance   = mean over slots of   1 - <v, q>                                              `distance`
        L_told_apart = mean over slots of   -log softmax_u(z <v, q_u>)_own                        `told_apart`
        L_presence   = mean over slots of   the cross-entropy of "q is not nothing"                 `presence`
        L = z L_distance + w_t L_told_apart + w_p L_presence                                            `loss`

    L_told_apart asks which of all targets in the batch is meant, those of other slots included: what lies
    between the two halves has a high cosine with either, and is neither.

    Args:
        vectors: v, [T, S, d], L2-normalised: the affirmed half of T sentences, and S - 1 slots of denials.
        targets: q, [T, S, d], L2-normalised embeddings of the halves in words, or `nothing`.
        nothing: o, [d], L2-normalised.
        weight_told_apart: w_t.
        weight_presence: w_p.
        scale: z, what the cosines with targets are multiplied with.

    Raises:
        ValueError: the shapes don't fit together.
    """
    if vectors.ndim != 3 or vectors.shape != targets.shape or nothing.shape != vectors.shape[-1:]:
        raise ValueError(
            "vectors and targets must be [T, S, d] and nothing [d], not "
            f"{list(vectors.shape)}, {list(targets.shape)} and {list(nothing.shape)}"
        )
    v, q = vectors.flatten(0, 1), targets.flatten(0, 1)
    there = (q @ nothing < 1 - _SAME).float()
    twins = q @ q.T > 1 - _SAME
    twins.fill_diagonal_(False)  # a target that two slots share is no wrong answer for either
    logits = (scale * v @ q.T).masked_fill(twins, -torch.inf)
    parts = {
        "distance": (1 - (v * q).sum(dim=1)).mean(),
        "told_apart": (torch.logsumexp(logits, dim=1) - logits.diagonal()).mean(),
        "presence": F.binary_cross_entropy_with_logits(presence_logits(v, nothing), there),
    }
    loss = (
        scale * parts["distance"]
        + weight_told_apart * parts["told_apart"]
        + weight_presence * parts["presence"]
    )
    return {"loss": loss, **parts}


def _of_halves(
    halves: HalvesFeatures, *, weight_told_apart: Weight = 1.0, weight_presence: Weight = 1.0
) -> dict[str, Tensor]:
    return reader(*halves, weight_told_apart=weight_told_apart, weight_presence=weight_presence)


OBJECTIVE = Objective(
    _of_halves,
    curves=("distance", "told_apart", "presence"),
    source="the learned reader of omninegclip, after Omni-NegCLIP, arXiv 2603.29258",
)
