"""Dense cosine similarity maps: a convolutional network over the cosines of all tokens with all patches.

Source: Kang et al., "Is CLIP ideal? No. Can we fix it? Yes!", ICCV 2025, arXiv 2503.08723, and the training
code that the authors published. As there: frozen towers, the map of every token with every patch and the
class token, the columns of function words replaced by rows of their own, two convolutions and two layers, a
softmax over the images and texts of a batch in both directions. Other than there: the rows of function words
learn, as the paper's text has it (the code draws them and leaves them); they are those of a text's tokens,
not of its blanks; maps are standardised by numbers of the training data, not of the batch, so that a score
does not depend on what else is asked; and the words are the authors' with those that deny in our phrasings.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from omninegclip.clip.text.causal import pad_behind_ends
from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.objectives.supervised_contrastive import known_contrast
from omninegclip.rivals.network import PairNetwork, all_pairs
from omninegclip.training.methods.contrast_sets import KnownPairs
from omninegclip.training.methods.method import TokenIds

if TYPE_CHECKING:  # imports transformers
    from omninegclip.clip.encoder import ClipEncoder, ImageInput

FUNCTION_WORDS = (
    "above", "below", "left", "right", "small", "big", "not", "no", "without", "but", "absent",  # theirs
    "free", "minus", "sans", "zero", "missing", "absence", "instead", "nowhere", "lacking", "excluded",
    "devoid", "less", "just", "only", "nothing", "isn't", "aren't", "won't", "never", "neither", "nor",
)  # fmt: skip
_CHANNELS, _HIDDEN = 4, 128


class TokenVectors(NamedTuple):
    """Texts of a batch, L tokens each: what is behind the end of a text is 0.

    Attributes:
        tokens: [T, L, d] L2-normalised features of the tokens.
        function: [T, L] the number of the function word that a token is, -1 for none.
        ends: [T, d] the embedding of the text.
    """

    tokens: Tensor
    function: Tensor
    ends: Tensor


class DenseMaps(PairNetwork[TokenVectors, TokenVectors]):
    """The network over maps [1 + P, L]: its score is high where the image fits the text."""

    learning_rate = 1e-3
    images_per_step = 8
    epochs = 3
    ranks_by_vectors = False

    mean: Tensor
    deviation: Tensor
    seen: Tensor

    def __init__(self, encoder: "ClipEncoder", tokens: int) -> None:
        """Build it for maps of a CLIP's patches and so many tokens of a text.

        Raises OmniNegClipError for a model that has no CLIP's vision transformer.
        """
        super().__init__()
        require_patches(encoder)
        config = encoder.family.image_config
        self.length, self.patches = tokens, 1 + (config.image_size // config.patch_size) ** 2
        self.words = nn.Embedding(len(FUNCTION_WORDS), self.patches)
        with torch.no_grad():  # of the size of cosines
            self.words.weight.copy_((F.normalize(self.words.weight, dim=1) + 1) / 3)
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, _CHANNELS, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1),
            nn.ReLU(),
        )
        size = _CHANNELS * self.length * self.patches
        self.head = nn.Sequential(nn.Linear(size, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, 1))
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("deviation", torch.ones(()))
        self.register_buffer("seen", torch.zeros((), dtype=torch.bool))
        ids = encoder.tokenize(list(FUNCTION_WORDS))
        inner = [row[1:-1] for row in ids]
        self._number = {row[0]: number for number, row in enumerate(inner) if len(row) == 1}

    @torch.no_grad()
    def read(self, encoder: "ClipEncoder", texts: Sequence[TokenIds]) -> TokenVectors:
        """Return the features of the first L tokens of each text."""
        padded, ends = pad_behind_ends(texts)
        features = F.normalize(encoder.family.token_features(padded.to(encoder.device), None).float(), dim=-1)
        tokens = torch.zeros(len(ends), self.length, features.shape[-1])
        kept = min(self.length, padded.shape[1])
        inside = (torch.arange(kept) <= ends[:, None])[..., None]
        tokens[:, :kept] = features[:, :kept].cpu() * inside
        function = torch.full((len(ends), self.length), -1)
        for text, ids in enumerate(texts):
            for at, token in enumerate(ids[:kept]):
                function[text, at] = self._number.get(int(token), -1)
        embeddings = features[torch.arange(len(ends)), ends].cpu()
        return TokenVectors(tokens, function, embeddings)

    def prepare(self, texts: TokenVectors) -> TokenVectors:
        """Return the texts as they are."""
        return texts

    def vectors(self, prepared: TokenVectors) -> Tensor:
        """Return the frozen model's own embeddings."""
        return prepared.ends

    def maps(self, prepared: TokenVectors, images: Tensor) -> Tensor:
        """Return the maps [n, 1 + P, L] of n texts, each with the image of its row."""
        cosines = images.float() @ prepared.tokens.transpose(1, 2)
        at = prepared.function >= 0
        rows = self.words(prepared.function.clamp(min=0)).transpose(1, 2)
        return torch.where(at[:, None, :], rows, cosines)

    def forward(self, prepared: TokenVectors, images: Tensor) -> Tensor:
        """Return the scores [n]."""
        maps = (self.maps(prepared, images) - self.mean) / self.deviation
        found: Tensor = self.head(self.convolutions(maps[:, None]).flatten(1))
        return found[:, 0]

    def loss(self, prepared: TokenVectors, images: Tensor, pairs: KnownPairs) -> dict[str, Tensor]:
        """Return the contrast of the scores; the first batch says how maps are standardised."""
        if not self.seen:
            with torch.no_grad():
                maps = self.maps(prepared, images[pairs.own])
                self.mean, self.deviation, self.seen = maps.mean(), maps.std(), torch.tensor(True)
        scores = all_pairs(self, prepared, images)
        return known_contrast(scores, pairs.own, pairs.true, pairs.false, pairs.hard)


def require_patches(encoder: "ClipEncoder") -> None:
    """Raise OmniNegClipError unless the image tower is a CLIP's vision transformer."""
    if encoder.family.model_type != "clip":
        raise OmniNegClipError(
            f"A {type(encoder.model).__name__} has no patches beside its class token: name a CLIP."
        )


def embed_patches(encoder: "ClipEncoder", images: "Iterable[ImageInput]") -> Embeddings:
    """Return the L2-normalised features [n, 1 + P, d] of class token and patches of n images, as float16."""
    return np.concatenate([_patches(encoder, pixels) for pixels in encoder.pixel_batches(images)])


@torch.inference_mode()
def _patches(encoder: "ClipEncoder", pixels: Tensor) -> Embeddings:
    model = encoder.model
    states = model.vision_model(pixels.to(encoder.device)).last_hidden_state  # type: ignore[operator]
    features = model.visual_projection(model.vision_model.post_layernorm(states))  # type: ignore[operator,union-attr]
    return F.normalize(features.float(), dim=-1).half().cpu().numpy()
