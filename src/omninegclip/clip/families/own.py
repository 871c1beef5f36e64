"""A dual encoder of our own layout: any image tower and a BERT, each with a projection.

LiT's idea: the image tower stays as it was pretrained, and the text tower learns to meet it.
Source: Zhai et al., "LiT: Zero-Shot Transfer with Locked-image text Tuning", CVPR 2022, arXiv 2111.07991.
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import BertConfig, BertModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

from omninegclip.clip.families.family import Family, ModelParts, complete
from omninegclip.clip.families.registry import register
from omninegclip.clip.families.vision_text import BERT_BLOCKS, bert_extras
from omninegclip.clip.io.build import build_empty, depth
from omninegclip.clip.io.config import LARGEST, declared
from omninegclip.clip.io.metadata import read_json, read_part
from omninegclip.clip.io.quiet import silent_transformers
from omninegclip.clip.io.untrusted import in_one_line
from omninegclip.clip.io.weights import StateDict, read_folder
from omninegclip.errors import OmniNegClipError
from omninegclip.extras import needed_for
from omninegclip.files import JsonObject

FILE, WEIGHTS = "dual_encoder.json", "model.safetensors"


class ImageTower(nn.Module):
    """Images [n, 3, size, size] to features [n, width]."""

    width: int


class EfficientNetLite(ImageTower):
    """EfficientNet-Lite without its classifier: the mean of the last feature map over its places.

    Source: Tan and Le, "EfficientNet", ICML 2019, arXiv 1905.11946; the Lite family has ReLU6 and no
    squeeze-and-excitation.
    """

    width = 1280

    def __init__(self, number: int) -> None:
        """Build EfficientNet-Lite `number` with random weights.

        Raises:
            OmniNegClipError: the package that has the architecture is not installed.
        """
        super().__init__()
        with needed_for("The image tower of this model"):
            from efficientnet_lite_pytorch import EfficientNet
        self.net = EfficientNet.from_name(f"efficientnet-lite{number}")
        self.net._fc = nn.Identity()

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the features [n, 1280] of images [n, 3, size, size]."""
        return torch.as_tensor(self.net.extract_features(pixels).mean(dim=(2, 3)))


# The name in a saved model -> its image tower with random weights; `width` is the size of its features.
IMAGE_TOWERS: dict[str, Callable[[], ImageTower]] = {"efficientnet-lite2": lambda: EfficientNetLite(2)}


def build_image_tower(name: str) -> ImageTower:
    """Return the image tower of that name with random weights.

    Raises:
        OmniNegClipError: there is none of that name, or its package is not installed.
    """
    if not isinstance(name, str) or name not in IMAGE_TOWERS:
        raise OmniNegClipError(f"There is no image tower {name!r}: known are {', '.join(IMAGE_TOWERS)}.")
    return IMAGE_TOWERS[name]()


@dataclass(frozen=True)
class DualEncoderConfig:
    """The architecture of a `DualEncoderModel`, as `dual_encoder.json` holds it.

    Args:
        image: name of the image tower, of `IMAGE_TOWERS`.
        text: of the BERT, as transformers' `BertConfig` takes it.
        dim: size d of an embedding.
        hidden: width of the image projection between its two layers.
        context_length: tokens of a text at most, [CLS] and [SEP] included.
        dropout: of the image projection, in training.
    """

    image: str
    text: JsonObject
    dim: int = 256
    hidden: int = 512
    context_length: int = 128
    dropout: float = 0.1


class DualEncoderModel(nn.Module):
    """Image tower -> two layers -> d; BERT -> mean over its tokens -> one layer -> d.

    It has the methods and the names of parts that transformers' dual encoders have.
    """

    def __init__(self, config: DualEncoderConfig) -> None:
        """Build it with random weights; raises as `build_image_tower` does."""
        super().__init__()
        self.config = config
        self.vision_model = build_image_tower(config.image)
        self.text_model = BertModel(BertConfig(**config.text), add_pooling_layer=False)
        self.visual_projection = nn.Sequential(
            nn.Linear(self.vision_model.width, config.hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, config.dim),
        )
        self.text_projection = nn.Linear(self.text_model.config.hidden_size, config.dim, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))  # where CLIP's training begins

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.logit_scale.device

    def get_text_features(self, input_ids: Tensor, attention_mask: Tensor) -> BaseModelOutputWithPooling:
        """Return `pooler_output`: the projected mean [n, d] over the tokens [n, t] that the mask keeps."""
        states = self.text_model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        kept = attention_mask[..., None].to(states.dtype)
        mean = (states * kept).sum(dim=1) / kept.sum(dim=1)
        return BaseModelOutputWithPooling(pooler_output=self.text_projection(mean))

    def get_image_features(self, pixel_values: Tensor) -> BaseModelOutputWithPooling:
        """Return `pooler_output`: the projected features [n, d] of images [n, 3, size, size]."""
        projected = self.visual_projection(self.vision_model(pixel_values))
        return BaseModelOutputWithPooling(pooler_output=projected)


@register
class OwnFamily(Family):
    """A `DualEncoderModel`, in a layout that no other library takes for one of its own."""

    model_type = "omninegclip-dual-encoder"
    model_class = DualEncoderModel
    marker = FILE
    layouts = ("own",)
    text_blocks = BERT_BLOCKS
    model: DualEncoderModel

    def __init__(self, model: nn.Module) -> None:
        """Hold the model."""
        super().__init__(model)
        self.text_extras = bert_extras(self.depth)

    @classmethod
    def load(cls, folder: Path, activation: str | None, tokenizer_folder: Path | None) -> ModelParts:
        """Load a folder; raises as `load_model` does."""
        return complete(cls(load_model(folder)), folder, None, activation, tokenizer_folder)

    def save(self, folder: Path, weights: StateDict) -> None:
        """Write configuration and weights."""
        (folder / FILE).write_text(json.dumps(asdict(self.model.config), indent=2) + "\n")
        contiguous = {name: weight.contiguous() for name, weight in weights.items()}
        save_file(contiguous, folder / WEIGHTS, metadata={"format": "pt"})

    @property
    def context_length(self) -> int:
        """Tokens of a text at most."""
        return self.model.config.context_length

    def image_summary(self, size: int) -> str:
        """Return name and size of the image tower."""
        return f"{self.model.config.image}, {size} pixels"


def load_model(folder: Path) -> DualEncoderModel:
    """Return the model in `folder`, in float32, with all of its weights and no other.

    Raises:
        OmniNegClipError: the folder is incomplete or damaged, or a package is missing.
    """
    config = _read_config(folder / FILE)
    state = read_folder(folder)
    expected = build_empty(
        lambda: DualEncoderModel(config), depth(config.text), state, str(folder)
    ).state_dict()
    wrong = [name for name in expected | state if _shape(expected, name) != _shape(state, name)]
    broken = [name for name in state if name not in wrong and not state[name].isfinite().all()]
    if wrong or broken:
        raise OmniNegClipError(
            f"The weights of {folder} are not those of its {FILE}, first {min(wrong or broken)}: "
            "the folder is incomplete or damaged."
        )
    with silent_transformers():
        model = DualEncoderModel(config)
    model.load_state_dict(state)
    return model


def _read_config(path: Path) -> DualEncoderConfig:
    raw = read_json(path)
    text = declared(BertConfig, read_part(raw, "text", path), f"{path}, text")
    try:
        config = DualEncoderConfig(**(raw | {"text": text}))
        positions = BertConfig(**text).max_position_embeddings
    except Exception as error:  # keys that are missing or left over, and the library's validation
        raise OmniNegClipError(f"{path} describes no dual encoder: {in_one_line(error)}") from error
    sizes = (config.dim, config.hidden, config.context_length)
    if not all(type(size) is int and 0 < size <= LARGEST for size in sizes):
        raise OmniNegClipError(
            f"{path} is wrong: dim, hidden and context_length must be whole numbers above 0."
        )
    if type(config.dropout) not in (int, float) or not 0 <= config.dropout < 1:
        raise OmniNegClipError(f"{path} is wrong: dropout must be a number from 0 to below 1.")
    if config.context_length > positions:
        raise OmniNegClipError(f"{path} is wrong: its context_length exceeds its max_position_embeddings.")
    return config


def _shape(state: StateDict, name: str) -> tuple[int, ...] | None:
    return tuple(state[name].shape) if name in state else None
