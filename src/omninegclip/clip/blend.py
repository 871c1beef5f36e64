"""Interpolation of two models in weight space, the known remedy against forgetting."""

from copy import deepcopy

import torch

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.errors import OmniNegClipError


def blend(start: ClipEncoder, end: ClipEncoder, alpha: float) -> ClipEncoder:
    """Return the model with the weights (1 - alpha) * start + alpha * end, logit_scale included.

    Source: Wortsman et al., "Robust fine-tuning of zero-shot models" (WiSE-FT), CVPR 2022, equation 1.

    Args:
        start: usually the pretrained model.
        end: usually the fine-tuned one.
        alpha: share of `end`, in [0, 1].

    Raises:
        OmniNegClipError: the two differ in architecture, activation, vocabulary or image transform.
    """
    if not 0 <= alpha <= 1:
        raise OmniNegClipError(f"--alpha {alpha} is outside [0, 1]: 0 gives the first model, 1 the second.")
    for what, one, other in (
        ("activations", start.activation, end.activation),
        ("architectures", architecture(start), architecture(end)),
        ("vocabularies", start.tokenizer.get_vocab(), end.tokenizer.get_vocab()),
        ("image transforms", start.transform, end.transform),
    ):
        if one != other:
            raise OmniNegClipError(
                f"The two models have different {what}: only a model and its fine-tune blend."
            )
    model = deepcopy(start.model)
    ends = end.model.state_dict()
    with torch.no_grad():
        for name, mine in model.state_dict().items():
            if mine.is_floating_point():  # a batch norm counts its batches
                mine.lerp_(ends[name].to(mine.device), alpha)
    blended = ClipEncoder(model, start.tokenizer, start.transform)
    blended.precision = start.precision
    return blended


def architecture(encoder: ClipEncoder) -> dict[str, object]:
    """Return all that two models must share for their weights to mean the same: every shape and the heads."""
    shapes: dict[str, object] = {
        name: tuple(weight.shape) for name, weight in encoder.model.named_parameters()
    }
    configs = (encoder.family.text_config, encoder.family.image_config)
    return shapes | {"heads": tuple(getattr(config, "num_attention_heads", None) for config in configs)}
