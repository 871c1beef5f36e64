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
    with torch.no_grad():
        for mine, theirs in zip(model.parameters(), end.model.parameters(), strict=True):
            mine.lerp_(theirs.to(mine.device), alpha)
    return ClipEncoder(model, start.tokenizer, start.transform)


def architecture(encoder: ClipEncoder) -> dict[str, object]:
    """Return all that two models must share for their weights to mean the same: every shape and the heads."""
    shapes: dict[str, object] = {
        name: tuple(weight.shape) for name, weight in encoder.model.named_parameters()
    }
    text, vision = encoder.model.text_model.config, encoder.model.vision_model.config
    return shapes | {"heads": (text.num_attention_heads, vision.num_attention_heads)}
