"""SigLIP, and SigLIP 2 at a fixed resolution, which has the same type."""

from collections.abc import Mapping
from typing import ClassVar

from transformers import SiglipConfig, SiglipModel, SiglipTextConfig, SiglipVisionConfig

from omninegclip.clip.families.clip import TEXT_EXTRAS
from omninegclip.clip.families.family import HuggingFaceFamily
from omninegclip.clip.families.registry import register
from omninegclip.clip.io.config import Towers


@register
class SiglipFamily(HuggingFaceFamily):
    """A `SiglipModel`: its text tower reads its padding, and its scale was trained by a sigmoid."""

    model_type = "siglip"
    config_class = SiglipConfig
    model_class = SiglipModel
    tower_configs: ClassVar[Towers] = {"text_config": SiglipTextConfig, "vision_config": SiglipVisionConfig}
    refused: ClassVar[Mapping[str, str]] = {
        "siglip2": "SigLIP 2 for images of any shape (NaFlex) cuts each into a grid of its own, which is not "
        "done here: take a SigLIP 2 of a fixed resolution, whose type is siglip."
    }
    whole_context = True
    softmax = False
    text_blocks = "text_model.encoder.layers"
    text_extras = TEXT_EXTRAS | {"projection": "text_model.head"}
    image_parts: ClassVar[Mapping[str, str]] = {"vision_model": "vision_model"}
