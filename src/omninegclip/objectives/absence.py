"""The absence-based objective: a caption that denies what the image does not show is true."""

from typing import NamedTuple

from torch import Tensor

from omninegclip.objectives.contrastive import check_features, symmetric


class AbsenceWeights(NamedTuple):
    """What the parts beside L_neg count: w_orig and w_text."""

    original: float = 1.0
    text: float = 1.0


def absence(
    images: Tensor,
    originals: Tensor,
    negated: Tensor,
    scale: Tensor,
    same: Tensor | None = None,
    *,
    weights: AbsenceWeights = AbsenceWeights(),
    margin: float = 0.9,
) -> dict[str, Tensor]:
    """Match each image to its caption with and without a true negation, and keep the two texts distinct.

        L_neg  = sym(J, U)                             `negated`
        L_orig = sym(J, O)                             `original`
        L_text = mean_i max(0, <O_i, U_i> + m)         `text`
        L = L_neg + w_orig L_orig + w_text L_text      `loss`

    `hinge_active` is the share of pairs, from 0 to 1, with <O_i, U_i> + m > 0; it has no gradient.

    Args:
        images: J, [B, d], L2-normalised.
        originals: O, [B, d], L2-normalised; O_i is true of image i.
        negated: U, [B, d], L2-normalised; U_i is O_i with something negated that is not in image i, so true.
        scale: s, a scalar: the exponential of CLIP's logit scale.
        same: [B, B] booleans: the texts of row j are true of image i as well, so they are no negatives.
        weights: w_orig and w_text.
        margin: m, in cosine: the hinge lets go where the two texts' cosine is below -m.

    Raises:
        ValueError: The features differ in shape or are not 2-D, or `same` does not fit them.

    Source: Omni-NegCLIP, arXiv 2603.29258, absence-based objective.
    """
    check_features(images=images, originals=originals, negated=negated)
    image_to_negated = symmetric(images, negated, scale, same)
    image_to_original = symmetric(images, originals, scale, same)
    hinge = ((originals * negated).sum(dim=1) + margin).relu()
    text = hinge.mean()
    return {
        "loss": image_to_negated + weights.original * image_to_original + weights.text * text,
        "negated": image_to_negated,
        "original": image_to_original,
        "text": text,
        "hinge_active": (hinge.detach() > 0).to(hinge.dtype).mean(),
    }
