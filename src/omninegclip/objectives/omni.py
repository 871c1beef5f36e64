"""The combined objective: every step sees one batch of each kind of negation."""

from collections.abc import Mapping

from torch import Tensor


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
