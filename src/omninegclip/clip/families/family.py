"""Where each family of dual encoders keeps its parts, and how its text tower is read."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import nn
from transformers import CLIPModel, SiglipModel, VisionTextDualEncoderModel

from omninegclip.clip.families.own import JoinedModel
from omninegclip.clip.io.config import BERTS
from omninegclip.errors import OmniNegClipError


class Family(NamedTuple):
    """A family of dual encoders.

    Attributes:
        text_blocks: the list of the text tower's blocks, as a path in the model.
        text_extras: what else of the text side may train: name -> path.
        image_side: all of the image side, as paths.
        causal: whether a token of a text sees those before it alone.
        whole_context: whether texts are padded to the context length and the padding is seen, as in SigLIP.
        softmax: whether scale and cosines were trained by a softmax over a batch, as our objectives have it.
    """

    text_blocks: str
    text_extras: Mapping[str, str]
    image_side: tuple[str, ...] = ("vision_model", "visual_projection")
    causal: bool = False
    whole_context: bool = False
    softmax: bool = True


CLIP_EXTRAS = {
    "token_embedding": "text_model.embeddings.token_embedding",
    "position_embedding": "text_model.embeddings.position_embedding",
    "final_norm": "text_model.final_layer_norm",
    "projection": "text_projection",
    "logit_scale": "logit_scale",
}
CLIP = Family("text_model.encoder.layers", CLIP_EXTRAS, causal=True)
SIGLIP = Family(
    "text_model.encoder.layers",
    CLIP_EXTRAS | {"projection": "text_model.head"},
    image_side=("vision_model",),
    whole_context=True,
    softmax=False,
)


def family_of(model: nn.Module) -> Family:
    """Return the family of a model.

    Raises:
        OmniNegClipError: it is of none that we know the parts of.
    """
    if isinstance(model, CLIPModel):
        return CLIP
    if isinstance(model, SiglipModel):
        return SIGLIP
    if isinstance(model, JoinedModel | VisionTextDualEncoderModel):
        tower: Any = model.text_model
        if tower.config.model_type not in BERTS:
            raise OmniNegClipError(
                f"The text tower is a {tower.config.model_type!r}: beside CLIP's and SigLIP's, those of the "
                f"types {', '.join(BERTS)} are known."
            )
        return _bert(len(tower.encoder.layer))
    raise OmniNegClipError(
        f"A {type(model).__name__} is no dual encoder that is known here: CLIP, SigLIP, "
        "VisionTextDualEncoder, or one of our own layout."
    )


def image_blocks(model: nn.Module) -> tuple[str, int]:
    """Return the list of the image tower's blocks as a path in the model, and how many there are.

    Raises:
        OmniNegClipError: the tower has no such list.
    """
    lists = [(len(m), name) for name, m in model.named_modules() if isinstance(m, nn.ModuleList)]
    lists = [(count, name) for count, name in lists if name.startswith("vision_model.")]
    if not lists:
        raise OmniNegClipError("The image tower has no list of blocks: image layers can be none or whole.")
    count, name = max(lists)
    return name, count


def _bert(depth: int) -> Family:
    """A post-norm tower has no norm behind its blocks: what takes its place is the last norm of the last."""
    extras = {
        "token_embedding": "text_model.embeddings.word_embeddings",
        "position_embedding": "text_model.embeddings.position_embeddings",
        "final_norm": f"text_model.encoder.layer.{depth - 1}.output.LayerNorm",
        "projection": "text_projection",
        "logit_scale": "logit_scale",
    }
    return Family("text_model.encoder.layer", extras)
