"""Corrections from the text tower's middle layers: of a text's embedding, and of its cosine with an image.

Source: Lu et al., "What CLIP Knows but Cannot Say: Recovering Negation from Frozen Intermediate Features"
(PeakPatch), ECCV 2026, arXiv 2607.23271: what its README says and its published code does; the paper itself
could not be had. As there: a learned query attends to the tokens after two thirds of the blocks (the peak),
the end of the text after half of them is the anchor, and a correction of the embedding is predicted from
them; a second network adds at most 0.2 to a cosine, from the layers' cosines, the text and its product with
the image; both train jointly, the second on what the first corrected. Images are ranked by the corrected
embedding, choices are made by the second network. Other than there: both are trained from the start on our
contrast sets, whose truth is known, instead of on captions and questions made from COCO.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from omninegclip.clip.text.causal import pad_behind_ends
from omninegclip.errors import OmniNegClipError
from omninegclip.objectives.supervised_contrastive import known_contrast
from omninegclip.rivals.network import PairNetwork, some_of
from omninegclip.training.methods.contrast_sets import KnownPairs
from omninegclip.training.methods.method import TokenIds

if TYPE_CHECKING:  # imports transformers
    from omninegclip.clip.encoder import ClipEncoder

_HIDDEN, _CONTEXT, _DROPOUT = 1024, 128, 0.1
_LARGEST = 0.2  # correction of a cosine
_TEMPERATURE, _SHRINK = 0.07, 0.1


class LayerStates(NamedTuple):
    """Texts of a batch as some layers of the tower have them, after its last norm.

    Attributes:
        peak: [T, L, w] all tokens at the peak.
        inside: [T, L] booleans: the token is of the text.
        peak_end: [T, w] its end there.
        anchor_end: [T, w] its end at the anchor.
        late: [T, d] its end in a later layer, projected and L2-normalised.
        embedding: [T, d] its embedding.
    """

    peak: Tensor
    inside: Tensor
    peak_end: Tensor
    anchor_end: Tensor
    late: Tensor
    embedding: Tensor


class CorrectedTexts(NamedTuple):
    """Texts with their corrected embeddings [T, d], and those of the later layer [T, d]."""

    embedding: Tensor
    late: Tensor


class Corrections(PairNetwork[LayerStates, CorrectedTexts]):
    """Both networks."""

    learning_rate = 1e-3
    images_per_step = 64
    epochs = 15
    ranks_by_vectors = True

    def __init__(self, encoder: "ClipEncoder") -> None:
        """Build them for a CLIP; raises OmniNegClipError for a model whose text tower is not causal."""
        super().__init__()
        require_ends(encoder)
        config, depth, d = encoder.family.text_config, encoder.family.depth, encoder.dim
        w = int(config.hidden_size)
        self.layers = {
            "peak": round(depth * 8 / 12),
            "anchor": round(depth / 2),
            "late": round(depth * 7 / 12),
        }
        self.query = nn.Parameter(torch.randn(1, 1, w) * 0.02)
        heads = int(config.num_attention_heads)
        self.attention = nn.MultiheadAttention(w, heads, dropout=_DROPOUT, batch_first=True)
        self.norm = nn.LayerNorm(w)
        self.deviation = nn.Sequential(
            nn.Linear(4 * w, _HIDDEN),
            nn.LayerNorm(_HIDDEN),
            nn.GELU(),
            nn.Dropout(_DROPOUT),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.LayerNorm(_HIDDEN),
            nn.GELU(),
            nn.Dropout(_DROPOUT),
            nn.Linear(_HIDDEN, d),
        )
        self.log_weight = nn.Parameter(torch.tensor(0.5).log())
        self.text = _context(2 * d)
        self.product = _context(d)
        self.score = nn.Sequential(
            nn.Linear(2 + 2 * _CONTEXT, 128), nn.GELU(), nn.Dropout(_DROPOUT), nn.Linear(128, 1)
        )
        for network in (self.deviation, self.score):  # nothing is corrected at the start
            nn.init.normal_(network.get_parameter(f"{len(network) - 1}.weight"), std=1e-3)
            nn.init.zeros_(network.get_parameter(f"{len(network) - 1}.bias"))
        self.scale = encoder.logit_scale

    @torch.no_grad()
    def read(self, encoder: "ClipEncoder", texts: Sequence[TokenIds]) -> LayerStates:
        """Return the states of the tower's layers."""
        family = encoder.family
        padded, ends = pad_behind_ends(texts)
        output = family.text_tower(
            input_ids=padded.to(encoder.device), output_hidden_states=True, return_dict=True
        )
        norm, project = (
            encoder.model.get_submodule(family.text_extras[name]) for name in ("final_norm", "projection")
        )
        every = torch.arange(len(ends))
        peak, anchor, late = (
            norm(output.hidden_states[self.layers[name]]).float() for name in ("peak", "anchor", "late")
        )
        last = norm(output.hidden_states[-1][every, ends])
        return LayerStates(
            peak.cpu(),
            torch.arange(padded.shape[1]) <= ends[:, None],
            peak[every, ends].cpu(),
            anchor[every, ends].cpu(),
            F.normalize(project(late[every, ends]).float(), dim=-1).cpu(),
            F.normalize(project(last).float(), dim=-1).cpu(),
        )

    def prepare(self, texts: LayerStates) -> CorrectedTexts:
        """Return the texts with corrected embeddings, t + exp(a) f(...), L2-normalised."""
        query = self.query.expand(len(texts.peak), -1, -1)
        seen, _ = self.attention(query, texts.peak, texts.peak, key_padding_mask=~texts.inside)
        inside = texts.inside[..., None].to(texts.peak.dtype)
        mean = (texts.peak * inside).sum(dim=1) / inside.sum(dim=1)
        parts = [texts.peak_end, self.norm(seen[:, 0]), texts.anchor_end, mean]
        deviation = self.deviation(torch.cat(parts, dim=-1))
        corrected = F.normalize(texts.embedding + self.log_weight.exp() * deviation, dim=-1)
        return CorrectedTexts(corrected, texts.late)

    def vectors(self, prepared: CorrectedTexts) -> Tensor:
        """Return the corrected embeddings."""
        return prepared.embedding

    def corrections(self, prepared: CorrectedTexts, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the cosines [n] of n texts, each with the image of its row, and what is added to them."""
        cosine = (prepared.embedding * images).sum(dim=-1)
        late = (prepared.late * images).sum(dim=-1)
        context = self.text(torch.cat([prepared.late, prepared.embedding], dim=-1))
        product = self.product(prepared.embedding * images)
        features = torch.cat([late[:, None], cosine[:, None], context, product], dim=-1)
        return cosine, _LARGEST * torch.tanh(self.score(features)[:, 0])

    def forward(self, prepared: CorrectedTexts, images: Tensor) -> Tensor:
        """Return the corrected cosines [n]."""
        cosine, correction = self.corrections(prepared, images)
        return cosine + correction

    def loss(self, prepared: CorrectedTexts, images: Tensor, pairs: KnownPairs) -> dict[str, Tensor]:
        """Return the contrast of the corrected embeddings, and of the scores of own sentences."""
        known = (pairs.own, pairs.true, pairs.false, pairs.hard)
        ranked = known_contrast(self.scale * prepared.embedding @ images.T, *known)
        own = torch.stack([torch.arange(len(pairs.own)), pairs.own])
        hard = torch.stack([torch.arange(len(pairs.own)), pairs.hard])[:, pairs.hard >= 0]
        texts, columns = torch.cat([own, hard], dim=1)
        cosine, correction = self.corrections(some_of(prepared, texts), images[columns])
        scores = torch.zeros(len(pairs.own), len(images))
        scores = scores.index_put((texts, columns), (cosine + correction) / _TEMPERATURE)
        only_own = torch.zeros_like(pairs.false)
        chosen = known_contrast(scores, pairs.own, pairs.true, only_own, pairs.hard)
        shrink = _SHRINK * correction.square().mean()
        return {
            "loss": ranked["loss"] + chosen["loss"] + shrink,
            "ranked": ranked["loss"],
            "chosen": chosen["loss"],
        }


def require_ends(encoder: "ClipEncoder") -> None:
    """Raise OmniNegClipError unless the text tower is read at the end of a text."""
    if not encoder.family.causal:
        raise OmniNegClipError(
            f"The text tower of a {type(encoder.model).__name__} isn't read at a text's end: name a CLIP."
        )


def _context(size: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(size, 256), nn.LayerNorm(256), nn.GELU(), nn.Linear(256, _CONTEXT))
