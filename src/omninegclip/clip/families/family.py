"""The description of a family of dual encoders: adding one takes a file here with one subclass."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from omninegclip.clip.device import moved
from omninegclip.clip.io.build import build_model
from omninegclip.clip.io.config import Towers, known_config
from omninegclip.clip.io.metadata import read_json
from omninegclip.clip.io.quiet import silent_transformers
from omninegclip.clip.io.weights import StateDict, read_folder
from omninegclip.clip.text.packing import PackedTexts
from omninegclip.clip.text.padding import PaddedTexts, WordPlaces, pad, pad_words, say_padded
from omninegclip.clip.text.tokenizer import find_tokenizer
from omninegclip.clip.transform import FILE, PROCESSOR, ImageTransform, find_transform
from omninegclip.errors import OmniNegClipError

TokenIds = Sequence[Sequence[int]]


class ModelParts(NamedTuple):
    """What an encoder is made of."""

    model: nn.Module
    tokenizer: PreTrainedTokenizerBase
    transform: ImageTransform


class Family(ABC):
    """A model, and where its parts are, how its towers are read, and how it is loaded and saved.

    Paths are those of modules and parameters in the model, with dots.

    Attributes:
        model_type: the name of the family; `model_type` of `config.json` where there is one.
        model_class: models of this class are of the family.
        marker: the file by which a folder is known.
        refused: other `model_type`s that a user could take for this family, and why they can't be loaded.
        layouts: those that a model can be saved in, its own first.
        library: the one whose code a model card shows.
        causal: whether a token of a text sees those before it alone, so that a text is read at its end.
        reads_one_token: whether the last blocks are computed for the token alone that a tower is read at.
        whole_context: whether texts are padded to the context length and the padding is seen, as in SigLIP.
        softmax: whether the scale was trained by a softmax over a batch, as our objectives have it; a bias
            that a sigmoid adds to cosines changes no rank.
        text_tower_path: the text tower, which has a configuration.
        image_tower_path: the image tower.
        text_blocks: the list of the text tower's blocks.
        text_extras: what else of the text side may train: name -> path. `projection` makes an embedding.
        image_parts: all of the image side, under the names that its fingerprint counts them by.
    """

    model_type: ClassVar[str]
    model_class: ClassVar[type[nn.Module]]
    marker: ClassVar[str]
    refused: ClassVar[Mapping[str, str]] = {}
    layouts: ClassVar[tuple[str, ...]]
    library: ClassVar[str] = "omninegclip"
    causal: ClassVar[bool] = False
    reads_one_token: ClassVar[bool] = False
    whole_context: ClassVar[bool] = False
    softmax: ClassVar[bool] = True
    text_tower_path: ClassVar[str] = "text_model"
    image_tower_path: ClassVar[str] = "vision_model"
    text_blocks: ClassVar[str]
    text_extras: Mapping[str, str]
    image_parts: ClassVar[Mapping[str, str]] = {name: name for name in ("vision_model", "visual_projection")}

    def __init__(self, model: nn.Module) -> None:
        """Hold a model of the family."""
        self.model = model
        self.text_tower = model.get_submodule(self.text_tower_path)
        self.image_tower = model.get_submodule(self.image_tower_path)

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, activation: str | None, tokenizer_folder: Path | None) -> ModelParts:
        """Return what is in a folder; raises OmniNegClipError when it is incomplete or damaged."""

    @abstractmethod
    def save(self, folder: Path, weights: StateDict) -> None:
        """Write configuration and weights in the layout of the family."""

    def text_features(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Return the projected features [n, d] of padded texts [n, t]; `mask` is 0 at padding, if given."""
        return _pooled(self.model, "get_text_features", ids, mask)

    def token_features(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Return the projected states [n, t, d] of the tokens of texts as `text_features` takes them."""
        states = self.model.get_submodule("text_model")(input_ids=ids, attention_mask=mask).last_hidden_state
        return torch.as_tensor(self.model.get_submodule(self.text_extras["projection"])(states))

    def image_features(self, pixels: Tensor) -> Tensor:
        """Return the projected features [n, d] of images [n, 3, size, size]."""
        return _pooled(self.model, "get_image_features", pixels)

    @property
    def logit_scale(self) -> nn.Parameter:
        """The logarithm of the factor that cosines are multiplied with."""
        return self.model.get_parameter("logit_scale")

    @torch.no_grad()
    def clamp_scale(self) -> None:
        """Clamp the scale's logarithm to [0, ln 100], as after every step of CLIP's training."""
        self.logit_scale.clamp_(0, math.log(100))

    @property
    def dim(self) -> int:
        """Size d of an embedding."""
        return self.model.get_parameter(f"{self.text_extras['projection']}.weight").shape[0]

    @property
    def depth(self) -> int:
        """Number of the text tower's blocks."""
        return len(list(self.model.get_submodule(self.text_blocks).children()))

    @property
    def text_config(self) -> Any:
        """The configuration of the text tower."""
        return self.text_tower.config

    @property
    def image_config(self) -> Any:
        """The configuration of the image tower; None for one that has none."""
        return getattr(self.image_tower, "config", None)

    @property
    def context_length(self) -> int:
        """Tokens of a text at most, begin and end included."""
        return int(self.text_config.max_position_embeddings)

    def image_summary(self, size: int) -> str:
        """Return in a few words what the image tower is; `size` is the side of its images in pixels."""
        config = self.image_config
        blocks = f"{config.num_hidden_layers} blocks of width {config.hidden_size}"
        return f"{blocks}, {size} pixels in patches of {config.patch_size}"

    def image_blocks(self) -> tuple[str, int]:
        """Return the path to the image tower's blocks, and how many there are.

        Raises:
            OmniNegClipError: the tower has no list of blocks.
        """
        lists = [
            (len(module), f"{self.image_tower_path}.{name}")
            for name, module in self.image_tower.named_modules()
            if isinstance(module, nn.ModuleList)
        ]
        if not lists:
            raise OmniNegClipError(
                "The image tower has no list of blocks: image layers can be none or whole."
            )
        count, name = max(lists)
        return name, count

    def prepare_training(self) -> None:
        """Say that captions are padded; a causal family refuses what keeps them from being packed."""
        say_padded()

    def lay_out(
        self, groups: Sequence[TokenIds], context_length: int, padding: int
    ) -> PackedTexts | PaddedTexts:
        """Return tokenized texts as `encode` takes them, those that begin alike in one group."""
        return pad(groups, context_length, padding, whole=self.whole_context)

    def lay_out_words(
        self, sentences: Sequence[WordPlaces], context_length: int, padding: int
    ) -> PackedTexts | PaddedTexts:
        """Return texts of which `encode` returns the features [n, d] at their tokens, text after text."""
        return pad_words(sentences, context_length, padding, whole=self.whole_context)

    def encode(self, texts: PackedTexts | PaddedTexts) -> Tensor:
        """Return the L2-normalised features [n, d] that each text has when it is encoded alone."""
        if isinstance(texts, PackedTexts):
            raise TypeError(f"the texts of {type(self).__name__} are padded, not packed")
        batches = zip(texts.ids, texts.masks, strict=True)
        if texts.at is None:
            features = [self.text_features(ids, mask) for ids, mask in batches]
        else:
            features = [
                self.token_features(ids, mask)[at[:, 0], at[:, 1]]
                for (ids, mask), at in zip(batches, texts.at, strict=True)
            ]
        return F.normalize(torch.cat(features)[texts.places], dim=-1)

    def encode_tokens(self, token_ids: TokenIds, padding: int) -> Tensor:
        """Return the L2-normalised features [n, d] of a batch of tokenized texts."""
        texts = self.lay_out([token_ids], self.context_length, padding)
        return self.encode(moved(texts, self.logit_scale.device))


class HuggingFaceFamily(Family):
    """A family whose models transformers saves and loads.

    Attributes:
        config_class: what `config.json` describes.
        tower_configs: its parts -> the class of each, or the `model_type`s that it may name.
    """

    marker = "config.json"
    layouts: ClassVar[tuple[str, ...]] = ("hf",)
    config_class: ClassVar[type[PreTrainedConfig]]
    tower_configs: ClassVar[Towers]
    model_class: ClassVar[type[PreTrainedModel]]
    model: PreTrainedModel

    @classmethod
    def read_config(cls, folder: Path) -> Any:
        """Return the configuration in a folder, of `config_class`; raises as `known_config` does."""
        path = folder / cls.marker
        return known_config(cls.config_class, read_json(path), path, cls.tower_configs)

    @classmethod
    def load(cls, folder: Path, activation: str | None, tokenizer_folder: Path | None) -> ModelParts:
        """Load a folder that transformers could load, and nothing in it that could run."""
        config = cls.read_config(folder)
        model = build_model(config, read_folder(folder), str(folder), cls.model_class)
        size = getattr(config.vision_config, "image_size", None)
        return complete(cls(model), folder, size, activation, tokenizer_folder)

    def save(self, folder: Path, weights: StateDict) -> None:
        """Write the folder as transformers does."""
        with silent_transformers():
            self.model.save_pretrained(folder, state_dict=weights)


def complete(
    family: Family, folder: Path, size: int | None, activation: str | None, tokenizer_folder: Path | None
) -> ModelParts:
    """Return a loaded model with the tokenizer and the image transform of its folder.

    Raises:
        OmniNegClipError: there is none of them, or the model has another activation than `activation`.
    """
    tokenizer = find_tokenizer(
        tokenizer_folder or folder, family.text_config.vocab_size, needs_end=family.causal
    )
    if not any((folder / name).exists() for name in (FILE, PROCESSOR)):
        raise OmniNegClipError(
            f"{folder} has no {FILE}: how its images are resized and normalised can't be guessed."
        )
    transform = find_transform(folder, size)
    if activation not in (None, family.text_config.hidden_act):
        raise OmniNegClipError(
            f"The activation of {folder} is {family.text_config.hidden_act}, not {activation}: "
            "leave --activation out."
        )
    return ModelParts(family.model, tokenizer, transform)


def _pooled(model: nn.Module, method: str, *inputs: Tensor | None) -> Tensor:
    """Return the features that a method of transformers' dual encoders returns as `pooler_output`."""
    return torch.as_tensor(getattr(model, method)(*inputs).pooler_output)
