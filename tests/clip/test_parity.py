import hashlib

import numpy as np
import torch

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.parity import TOLERANCE, probe_cosines, probe_images


def test_images_never_change() -> None:
    digest = hashlib.sha256(b"".join(image.tobytes() for image in probe_images())).hexdigest()
    assert digest[:16] == "783b56bc0e5c1eb2"


def test_probe_shows_a_wrong_activation(encoder: ClipEncoder) -> None:
    right = probe_cosines(encoder)
    np.testing.assert_allclose(np.diag(right), 1, atol=1e-5)
    for layer in [*encoder.model.text_model.encoder.layers, *encoder.model.vision_model.encoder.layers]:
        layer.mlp.activation_fn = torch.nn.GELU()
    assert np.abs(probe_cosines(encoder) - right).max() > TOLERANCE
