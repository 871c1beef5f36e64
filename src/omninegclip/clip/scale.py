"""Whether the factor of a model's cosines is one that training can have left."""

import math

from omninegclip.clip.encoder import ClipEncoder

# CLIP clamps its scale to 100, and half precision rounds its logarithm by up to 2 %. SigLIP's sigmoid has no
# such clamp: its models have 110 to 120.
LARGEST_OF_SOFTMAX, LARGEST_OF_SIGMOID = 102.0, 1000.0


def wrong_scale(encoder: ClipEncoder) -> str | None:
    """Return what is wrong with the logit scale of a model, None when nothing is."""
    scale = encoder.logit_scale
    largest = LARGEST_OF_SOFTMAX if encoder.family.softmax else LARGEST_OF_SIGMOID
    if math.isfinite(scale) and 0 < scale <= largest:
        return None
    return f"its logit scale is {scale:,.6g}, and training leaves one above 0 and at most {largest:g}"
