"""transformers' `VisionTextDualEncoderModel`: one of many image towers, and a BERT."""

from collections.abc import Mapping
from typing import ClassVar

from torch import nn
from transformers import VisionTextDualEncoderConfig, VisionTextDualEncoderModel

from omninegclip.clip.families.family import HuggingFaceFamily
from omninegclip.clip.families.registry import register
from omninegclip.clip.io.config import Towers
from omninegclip.errors import OmniNegClipError

BERTS = ("bert", "roberta", "xlm-roberta")  # text towers with one layout of their parts
IMAGE_TYPES = ("vit", "deit", "beit", "dinov2", "clip_vision_model", "siglip_vision_model", "swin")
BERT_BLOCKS = "text_model.encoder.layer"


def bert_extras(depth: int) -> Mapping[str, str]:
    """Return what of a BERT may train beside its blocks, as `Family.text_extras`.

    A post-norm tower has no norm behind its blocks: what takes its place is the last norm of the last.
    """
    return {
        "token_embedding": "text_model.embeddings.word_embeddings",
        "position_embedding": "text_model.embeddings.position_embeddings",
        "final_norm": f"{BERT_BLOCKS}.{depth - 1}.output.LayerNorm",
        "projection": "text_projection",
        "logit_scale": "logit_scale",
    }


@register
class VisionTextFamily(HuggingFaceFamily):
    """A `VisionTextDualEncoderModel` with a text tower of BERTS."""

    model_type = "vision-text-dual-encoder"
    config_class = VisionTextDualEncoderConfig
    model_class = VisionTextDualEncoderModel
    tower_configs: ClassVar[Towers] = {"text_config": BERTS, "vision_config": IMAGE_TYPES}
    text_blocks = BERT_BLOCKS

    def __init__(self, model: nn.Module) -> None:
        """Hold the model; raises OmniNegClipError when its text tower is none of BERTS."""
        super().__init__(model)
        kind = self.text_config.model_type
        if kind not in BERTS:
            raise OmniNegClipError(
                f"The text tower is a {kind!r}: beside CLIP's and SigLIP's, those of the types "
                f"{', '.join(BERTS)} are known."
            )
        self.text_extras = bert_extras(self.depth)

    @property
    def context_length(self) -> int:
        """Tokens of a text at most; RoBERTa's positions begin behind that of its padding."""
        config = self.text_config
        reserved = 0 if config.model_type == "bert" else config.pad_token_id + 1
        return int(config.max_position_embeddings) - reserved
