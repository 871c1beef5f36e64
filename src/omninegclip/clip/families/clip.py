"""CLIP: a vision transformer, and a causal text tower that is read at the end of a text."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F
from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPVisionConfig, PreTrainedTokenizerBase

from omninegclip.clip.families.family import HuggingFaceFamily, ModelParts, TokenIds
from omninegclip.clip.families.registry import register
from omninegclip.clip.io.activation import decide_activation, stated
from omninegclip.clip.io.build import build_model
from omninegclip.clip.io.config import Towers
from omninegclip.clip.io.weights import StateDict, read_folder
from omninegclip.clip.pooled import image_features, text_features
from omninegclip.clip.text.causal import pad_behind_ends
from omninegclip.clip.text.packing import PackedTexts, encode_packed, pack, require_mask
from omninegclip.clip.text.padding import PaddedTexts, WordPlaces
from omninegclip.clip.text.tokenizer import find_tokenizer
from omninegclip.clip.transform import find_transform
from omninegclip.errors import OmniNegClipError

TEXT_EXTRAS = {
    "token_embedding": "text_model.embeddings.token_embedding",
    "position_embedding": "text_model.embeddings.position_embedding",
    "final_norm": "text_model.final_layer_norm",
    "projection": "text_projection",
    "logit_scale": "logit_scale",
}


@register
class ClipFamily(HuggingFaceFamily):
    """A `CLIPModel`, whose captions are packed; saved in the layouts of all libraries that know CLIP."""

    model_type = "clip"
    config_class = CLIPConfig
    model_class = CLIPModel
    tower_configs: ClassVar[Towers] = {
        "text_config": CLIPTextConfig,
        "vision_config": CLIPVisionConfig,
        "text_config_dict": CLIPTextConfig,  # of older versions of transformers
        "vision_config_dict": CLIPVisionConfig,
    }
    layouts = ("hf", "openai", "open_clip")
    library = "transformers"
    causal = True
    reads_one_token = True
    text_blocks = "text_model.encoder.layers"
    text_extras = TEXT_EXTRAS
    image_parts: ClassVar[Mapping[str, str]] = {"tower": "vision_model", "projection": "visual_projection"}
    model: CLIPModel

    @classmethod
    def load(cls, folder: Path, activation: str | None, tokenizer_folder: Path | None) -> ModelParts:
        """Load a folder whose files must agree on the activation and on where a text ends."""
        config = cls.read_config(folder)
        text, vision = config.text_config, config.vision_config
        sources = {"its text_config": text.hidden_act, "its vision_config": vision.hidden_act}
        decide_activation(str(folder), sources | stated(folder, activation))
        tokenizer = find_tokenizer(tokenizer_folder or folder, text.vocab_size)
        if text.eos_token_id == 2:  # legacy (transformers#24650): pool at the end of text by its real id
            text.eos_token_id = tokenizer.eos_token_id
        if text.eos_token_id != tokenizer.eos_token_id:
            raise OmniNegClipError(
                f"The end-of-text id is {text.eos_token_id} in {folder / cls.marker} and "
                f"{tokenizer.eos_token_id} in the tokenizer: correct the wrong one."
            )
        return assemble(folder, config, read_folder(folder), tokenizer)

    def image_features(self, pixels: Tensor) -> Tensor:
        """Return the features, read at the class tokens."""
        return image_features(self.model, pixels)

    def prepare_training(self) -> None:
        """Refuse attention that takes no mask; raises as `require_mask` does."""
        require_mask(self.model)

    def lay_out(self, groups: Sequence[TokenIds], context_length: int, padding: int) -> PackedTexts:
        """Return texts packed: what begins alike is computed once."""
        return pack(groups, context_length)

    def lay_out_words(
        self, sentences: Sequence[WordPlaces], context_length: int, padding: int
    ) -> PackedTexts:
        """Return texts packed up to each of their tokens that is read: they begin alike."""
        beginnings = [[each.tokens[: at + 1] for at in each.at] for each in sentences]
        return pack(beginnings, context_length)._replace(tokens_padded=len(sentences) * context_length)

    def encode(self, texts: PackedTexts | PaddedTexts) -> Tensor:
        """Return the features [n, d] of packed texts."""
        return encode_packed(self.model, texts) if isinstance(texts, PackedTexts) else super().encode(texts)

    def encode_tokens(self, token_ids: TokenIds, padding: int) -> Tensor:
        """Return the features [n, d], read at each text's last token.

        The batch is as long as its longest text: the tower is causal, so what follows a text can't change it.
        """
        device = self.logit_scale.device
        padded, ends = pad_behind_ends(token_ids)
        return F.normalize(text_features(self.model, padded.to(device), ends.to(device)), dim=-1)


def assemble(
    path: Path, config: CLIPConfig, weights: StateDict, tokenizer: PreTrainedTokenizerBase
) -> ModelParts:
    """Return the CLIP that a configuration and weights under Hugging Face's names make.

    Raises:
        OmniNegClipError: they don't fit, or the transform beside them doesn't.
    """
    folder = path if path.is_dir() else path.parent
    transform = find_transform(folder, getattr(config.vision_config, "image_size", None))
    return ModelParts(build_model(config, weights, str(path), CLIPModel), tokenizer, transform)
