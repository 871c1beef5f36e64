"""A tiny CLIP for all tests of indexes."""

import pytest
from tiny_clip import tiny_encoder

from omninegclip.clip.encoder import ClipEncoder


@pytest.fixture(scope="session")
def encoder() -> ClipEncoder:
    return tiny_encoder()
