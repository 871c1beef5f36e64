"""The combined objective: every step sees one batch of each kind of negation."""

from collections.abc import Mapping

from torch import Tensor

from omninegclip.objectives.absence import AbsenceWeights
from omninegclip.objectives.absence import absence as absence_based
from omninegclip.objectives.features import CaptionFeatures
from omninegclip.objectives.objective import Objective, Weight
from omninegclip.objectives.presence import presence as presence_based


def omni(
    presence_parts: Mapping[str, Tensor],
    absence_parts: Mapping[str, Tensor],
    *,
    weight_absence: float = 1.0,
) -> dict[str, Tensor]:
    """Add the two objectives, and keep the parts of both as `presence/...` and `absence/...`.

        L = L_presence + w_absence L_absence      `loss`

    Args:
        presence_parts: What `presence` returned for one batch.
        absence_parts: What `absence` returned for another.
        weight_absence: w_absence.

    Raises:
        ValueError: One of the two has no `loss`.

    Source: Omni-NegCLIP, arXiv 2603.29258, combined objective.
    """
    for name, parts in {"presence_parts": presence_parts, "absence_parts": absence_parts}.items():
        if "loss" not in parts:
            raise ValueError(f"{name} has no 'loss', only {sorted(parts)}")
    return {
        "loss": presence_parts["loss"] + weight_absence * absence_parts["loss"],
        **{f"presence/{name}": value for name, value in presence_parts.items()},
        **{f"absence/{name}": value for name, value in absence_parts.items()},
    }


def _of_pairs(
    presence: CaptionFeatures,
    absence: CaptionFeatures,
    scale: Tensor,
    *,
    weight_absence: Weight = 1.0,
    weight_original: Weight = 1.0,
    weight_text: Weight = 1.0,
    margin: float = 0.9,
) -> dict[str, Tensor]:
    images, originals, negated, same = absence
    weights = AbsenceWeights(weight_original, weight_text)
    absent = absence_based(images, originals, negated, scale, same, weights=weights, margin=margin)
    present = presence_based(presence.images, presence.captions, presence.negated, scale, presence.same)
    return omni(present, absent, weight_absence=weight_absence)


OBJECTIVE = Objective(
    _of_pairs,
    curves=("presence/loss", "presence/two_way", "absence/loss", "absence/negated", "absence/text"),
    source="Omni-NegCLIP, arXiv 2603.29258",
)
