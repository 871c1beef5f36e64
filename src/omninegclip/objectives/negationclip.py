"""NegationCLIP's objective: CLIP's own, on captions that truly deny what is not there."""

from torch import Tensor

from omninegclip.objectives.contrastive import symmetric
from omninegclip.objectives.features import CaptionFeatures
from omninegclip.objectives.objective import Objective


def negationclip(
    images: Tensor, negated: Tensor, scale: Tensor, same: Tensor | None = None
) -> dict[str, Tensor]:
    """Match each image to its caption with a true negation.

        L = sym(J, U)      `loss`

    Args:
        images: J, [B, d], L2-normalised.
        negated: U, [B, d], L2-normalised; U_i denies something that is not in image i, so it is true.
        scale: s, a scalar: the exponential of CLIP's logit scale.
        same: [B, B] booleans: text j is true of image i as well, so it is no negative.

    Raises:
        ValueError: The features differ in shape or are not 2-D, or `same` does not fit them.

    Source: NegationCLIP, Park et al., ICCV 2025, arXiv 2501.10913.
    """
    return {"loss": symmetric(images, negated, scale, same)}


def _of_pairs(absence: CaptionFeatures, scale: Tensor) -> dict[str, Tensor]:
    return negationclip(absence.images, absence.negated, scale, absence.same)


OBJECTIVE = Objective(_of_pairs)
