"""Dual encoders beside CLIP: any image tower, and a text tower that reads its texts in both directions."""

from collections.abc import Sequence
from typing import Any, cast

from torch import Tensor
from torch.nn import functional as F
from transformers import CLIPModel, PreTrainedTokenizerBase

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.families.family import family_of
from omninegclip.clip.families.own import JoinedModel
from omninegclip.clip.fingerprint import fingerprint
from omninegclip.clip.text.padding import PaddedTexts, encode_padded, pad
from omninegclip.clip.transform import ImageTransform


class DualEncoder(ClipEncoder):
    """A `JoinedModel`, `VisionTextDualEncoderModel` or `SiglipModel` with its tokenizer and its transform.

    Cosines alone are given away, so a bias that the model adds to them, as SigLIP's does, changes no rank.
    """

    model: Any

    def __init__(
        self, model: Any, tokenizer: PreTrainedTokenizerBase, transform: ImageTransform, **batches: int
    ) -> None:
        """Hold the parts as `ClipEncoder` does; raises as `family_of` does."""
        super().__init__(cast(CLIPModel, model), tokenizer, transform, **batches)
        self.family = family_of(model)

    @property
    def layout(self) -> str:
        """The one layout that the model can be saved in."""
        return "own" if isinstance(self.model, JoinedModel) else "hf"

    @property
    def library(self) -> str:
        """The library whose code a model card shows."""
        return "omninegclip"

    @property
    def dim(self) -> int:
        """Size d of an embedding."""
        return int(self.model.get_submodule(self.family.text_extras["projection"]).out_features)

    @property
    def context_length(self) -> int:
        """Tokens that the text tower takes at most."""
        if isinstance(self.model, JoinedModel):
            return self.model.config.context_length
        config = self.model.text_model.config
        # RoBERTa's positions begin behind that of its padding
        reserved = 0 if config.model_type in ("bert", "siglip_text_model") else config.pad_token_id + 1
        return int(config.max_position_embeddings) - reserved

    @property
    def image_fingerprint(self) -> str:
        """Hash of what decides image embeddings alone."""
        side = {name: self.model.get_submodule(name) for name in self.family.image_side}
        activation = getattr(getattr(self.model.vision_model, "config", None), "hidden_act", None)
        return fingerprint(side, [activation, self.transform.to_config()])

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text, special tokens and no padding, cut at the context length."""
        if not texts:
            return []
        ids = self.tokenizer(list(texts), truncation=True, max_length=self.context_length, padding=False)
        return [list(row) for row in ids["input_ids"]]

    def lay_out(self, groups: Sequence[Sequence[Sequence[int]]], context_length: int) -> PaddedTexts:
        """Return texts as the text tower takes them: padded, and sorted by length."""
        return pad(groups, context_length, self._padding, whole=self.family.whole_context)

    def encode_texts(self, token_ids: Sequence[Sequence[int]]) -> Tensor:
        """Return [n, d] normalised features of n tokenized texts, differentiable."""
        return encode_padded(self.model, self.lay_out([token_ids], self.context_length).to(self.device))

    def encode_images(self, pixels: Tensor) -> Tensor:
        """Return [n, d] normalised features of n transformed images [n, 3, size, size], differentiable."""
        features = self.model.get_image_features(pixel_values=pixels.to(self.device)).pooler_output
        return F.normalize(features, dim=-1)

    @property
    def _padding(self) -> int:
        padding = self.tokenizer.pad_token_id
        return 0 if padding is None else int(padding)
