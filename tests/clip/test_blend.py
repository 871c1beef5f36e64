import pytest
import torch
from torch import nn
from transformers import CLIPModel

from omninegclip.clip.blend import blend
from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.transform import ImageTransform
from omninegclip.errors import OmniNegClipError


@pytest.fixture
def other(encoder: ClipEncoder) -> ClipEncoder:
    torch.manual_seed(5)
    return ClipEncoder(CLIPModel(encoder.model.config), encoder.tokenizer, encoder.transform)


def test_weights_are_interpolated(encoder: ClipEncoder, other: ClipEncoder) -> None:
    blended = blend(encoder, other, 0.25).model.state_dict()
    for name, start in encoder.model.state_dict().items():
        torch.testing.assert_close(blended[name], 0.75 * start + 0.25 * other.model.state_dict()[name])


def test_the_ends_are_the_models_themselves(encoder: ClipEncoder, other: ClipEncoder) -> None:
    assert blend(encoder, other, 0.0).fingerprint == encoder.fingerprint
    assert blend(encoder, other, 1.0).fingerprint == other.fingerprint


def test_what_does_not_fit_is_refused(encoder: ClipEncoder, other: ClipEncoder) -> None:
    with pytest.raises(OmniNegClipError, match=r"--alpha 1\.5 is outside"):
        blend(encoder, other, 1.5)
    resized = ClipEncoder(encoder.model, encoder.tokenizer, ImageTransform(32))
    with pytest.raises(OmniNegClipError, match="different image transforms"):
        blend(encoder, resized, 0.5)
    other.model.text_projection = nn.Linear(64, 16, bias=False)
    with pytest.raises(OmniNegClipError, match="different architectures"):
        blend(encoder, other, 0.5)
