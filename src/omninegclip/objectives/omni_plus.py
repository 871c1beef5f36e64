"""Beyond the paper: contrast by what is known to be true or false, and meanings that are kept or composed."""

from torch import Tensor

from omninegclip.objectives.features import ContrastFeatures
from omninegclip.objectives.objective import Objective, Weight
from omninegclip.objectives.supervised_contrastive import supervised_contrastive
from omninegclip.objectives.target_losses import target_losses


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
    """Add the supervised contrast and the target losses; all parts keep their names.

        L = w_s L_contrast + w_i L_discriminated + s (w_d L_distilled + w_c L_composed)      `loss`

    The cosine distances are multiplied with the scale, without a gradient to it, since the contrast sees
    cosines times the scale: so the weights mean the same for any CLIP.

    Args:
        contrast: what `supervised_contrastive` returned.
        meaning: what `target_losses` returned.
        scale: s, a scalar: the exponential of CLIP's logit scale.
        weight_supervised: w_s.
        weight_distilled: w_d.
        weight_composed: w_c.
        weight_discriminated: w_i.
    """
    distances = weight_distilled * meaning["distilled"] + weight_composed * meaning["composed"]
    loss = (
        weight_supervised * contrast["loss"]
        + weight_discriminated * meaning["discriminated"]
        + scale.detach() * distances
    )
    named = {f"contrast/{name}": value for name, value in contrast.items()}
    return {"loss": loss, **named, **{f"meaning/{name}": value for name, value in meaning.items()}}


def _of_contrast_sets(
    contrast_sets: ContrastFeatures,
    scale: Tensor,
    *,
    weight_supervised: Weight = 1.0,
    weight_distilled: Weight = 12.0,
    weight_composed: Weight = 1.0,
    weight_discriminated: Weight = 8.0,
) -> dict[str, Tensor]:
    sets = contrast_sets
    contrast = supervised_contrastive(
        sets.images, sets.texts, sets.own, sets.true, sets.false, sets.hard, scale
    )
    meant = sets.meant
    return omni_plus(
        contrast,
        target_losses(sets.texts[meant], sets.targets[meant], sets.negates[meant]),
        scale,
        weight_supervised=weight_supervised,
        weight_distilled=weight_distilled,
        weight_composed=weight_composed,
        weight_discriminated=weight_discriminated,
    )


OBJECTIVE = Objective(
    _of_contrast_sets,
    curves=(
        "contrast/loss",
        "contrast/hard",
        "meaning/distilled",
        "meaning/composed",
        "meaning/discriminated",
    ),
    source="omni-plus of omninegclip, after Omni-NegCLIP, arXiv 2603.29258",
)
