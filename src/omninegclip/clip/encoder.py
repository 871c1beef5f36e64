"""One dual encoder in memory: texts and images in, L2-normalised embeddings out."""

import reprlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedTokenizerBase

from omninegclip.clip.device import ComputePlace, moved
from omninegclip.clip.families.family import Family
from omninegclip.clip.families.registry import family_of
from omninegclip.clip.fingerprint import fingerprint
from omninegclip.clip.text.language import warn_foreign
from omninegclip.clip.text.packing import PackedTexts
from omninegclip.clip.text.padding import PaddedTexts, WordPlaces
from omninegclip.clip.transform import ImageTransform
from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError

ImageInput = Image.Image | Path


class Encoder(Protocol):
    """What evaluation and search need of a model, whatever lies behind it."""

    @property
    def dim(self) -> int:
        """Size d of an embedding."""

    @property
    def logit_scale(self) -> float:
        """The factor s = exp(logit_scale) that the model was trained to multiply cosines with."""

    @property
    def fingerprint(self) -> str:
        """A hash of all that decides the embeddings; equal for equal models."""

    @property
    def image_fingerprint(self) -> str:
        """A hash of all that decides the embeddings of images."""

    @property
    def activation(self) -> str:
        """The activation of the MLP blocks: "quick_gelu" or "gelu"."""

    def embed_text(self, texts: Sequence[str]) -> Embeddings:
        """Return [n, d] L2-normalised float32 embeddings of n texts."""

    def embed_image(self, images: Iterable[ImageInput]) -> Embeddings:
        """Return [n, d] L2-normalised float32 embeddings of n images or paths of images."""


class ClipEncoder:
    """A CLIP, or a dual encoder of another family, with its tokenizer and its image transform.

    Attributes:
        precision: of the matrix products of `embed_text` and `embed_image`: `fp32`, or `bf16` or `fp16` where
            `clip.parity.place` found that embeddings keep their meaning.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        transform: ImageTransform,
        *,
        text_batch: int = 64,
        image_batch: int = 32,
        workers: int = 2,
    ) -> None:
        """Hold the parts; `model` is put into evaluation mode.

        Args:
            model: of any registered family, and any size; computing happens where it is.
            tokenizer: a fast one, which frames a text with the tokens that the model needs.
            transform: images to pixels.
            text_batch: texts per forward pass of `embed_text`.
            image_batch: images per forward pass of `embed_image`.
            workers: threads that decode images while the model works.

        Raises:
            OmniNegClipError: the model is of no family that is known.
        """
        family_of(model)
        self.model = model
        self.model.train(False)
        self.tokenizer = tokenizer
        self.transform = transform
        self.text_batch, self.image_batch, self.workers = text_batch, image_batch, workers
        self.precision = "fp32"

    def __repr__(self) -> str:
        """Show what tells models apart; the fingerprint reads all weights."""
        parameters = sum(weight.numel() for weight in self.model.parameters())
        return (
            f"ClipEncoder(family={self.family.model_type!r}, dim={self.dim}, parameters={parameters:,}, "
            f"activation={self.activation!r}, fingerprint={self.fingerprint!r})"
        )

    @property
    def family(self) -> Family:
        """Where the parts of the model are, and how its towers are read."""
        return family_of(self.model)

    @property
    def dim(self) -> int:
        """Size d of an embedding."""
        return self.family.dim

    @property
    def context_length(self) -> int:
        """Tokens that the text tower takes at most, begin and end included."""
        return self.family.context_length

    @property
    def logit_scale(self) -> float:
        """The factor s = exp(logit_scale) of the cosines."""
        return float(self.family.logit_scale.detach().exp())

    @property
    def activation(self) -> str:
        """The activation of the MLP blocks."""
        return str(self.family.text_config.hidden_act)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.family.logit_scale.device

    @property
    def fingerprint(self) -> str:
        """Hash of all weights, the activation, the vocabulary and the transform, computed anew each time."""
        vocabulary = sorted(self.tokenizer.get_vocab().items())
        facts = [self.activation, self.transform.to_config(), vocabulary, *self._inexact]
        return fingerprint({"model": self.model}, facts)

    @property
    def image_fingerprint(self) -> str:
        """Hash of what decides image embeddings alone: the key for frozen image features."""
        parts = {name: self.model.get_submodule(path) for name, path in self.family.image_parts.items()}
        activation = getattr(self.family.image_config, "hidden_act", None)
        return fingerprint(parts, [activation, self.transform.to_config(), *self._inexact])

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text, special tokens included and no padding.

        A text that is too long is cut so that the end-of-text token stays the last (open_clip#1151).
        """
        if not texts:
            return []
        ids = self.tokenizer(list(texts), truncation=True, max_length=self.context_length, padding=False)
        rows = [list(row) for row in ids["input_ids"]]
        if not self.family.causal:
            return rows
        end = self.tokenizer.eos_token_id
        # a text may spell the end-of-text token itself: CLIP pools at the first one
        return [row[: row.index(end) + 1] for row in rows]

    def lay_out(
        self, groups: Sequence[Sequence[Sequence[int]]], context_length: int
    ) -> PackedTexts | PaddedTexts:
        """Return texts packed or padded as the text tower takes them; those of a group begin alike."""
        return self.family.lay_out(groups, context_length, self._padding)

    def lay_out_words(self, sentences: Sequence[WordPlaces]) -> PackedTexts | PaddedTexts:
        """Return texts to be read at some of their tokens as the text tower takes them."""
        return self.family.lay_out_words(sentences, self.context_length, self._padding)

    def encode_texts(self, token_ids: Sequence[Sequence[int]]) -> Tensor:
        """Return [n, d] normalised features of n tokenized texts, differentiable."""
        return self.family.encode_tokens(token_ids, self._padding)

    def encode_images(self, pixels: Tensor) -> Tensor:
        """Return [n, d] normalised features of n transformed images [n, 3, size, size], differentiable."""
        return F.normalize(self.family.image_features(pixels.to(self.device)), dim=-1)

    def embed_text(self, texts: Sequence[str]) -> Embeddings:
        """Return [n, d] L2-normalised float32 embeddings of n texts; warns as `warn_foreign` does.

        A text alone counts as a list of one.

        Raises:
            OmniNegClipError: one of them is no text.
        """
        texts = [texts] if isinstance(texts, str) else list(texts)
        if wrong := [text for text in texts if not isinstance(text, str)]:
            raise OmniNegClipError(
                f"{reprlib.repr(wrong[0])} is not a text: embed_text takes a list of texts."
            )
        warn_foreign(texts, self.tokenizer)
        return self.embed_tokens(self.tokenize(texts))

    @torch.inference_mode()
    def embed_tokens(self, token_ids: Sequence[Sequence[int]]) -> Embeddings:
        """Return [n, d] L2-normalised float32 embeddings of n texts as `tokenize` returns them."""
        # texts of like length together, so that little is padded
        order = sorted(range(len(token_ids)), key=lambda i: len(token_ids[i]))
        embeddings = np.empty((len(token_ids), self.dim), dtype=np.float32)
        for start in range(0, len(order), self.text_batch):
            batch = order[start : start + self.text_batch]
            with ComputePlace(self.device, self.precision).autocast():
                features = self.encode_texts([token_ids[i] for i in batch])
            embeddings[batch] = features.float().cpu().numpy()
        return embeddings

    @torch.inference_mode()
    def embed_words(self, sentences: Sequence[WordPlaces]) -> Embeddings:
        """Return the L2-normalised float32 features [n, d] at the tokens of texts, text after text."""
        embeddings = [np.empty((0, self.dim), np.float32)]
        for start in range(0, len(sentences), self.text_batch):
            texts = moved(self.lay_out_words(sentences[start : start + self.text_batch]), self.device)
            with ComputePlace(self.device, self.precision).autocast():
                embeddings.append(self.family.encode(texts).float().cpu().numpy())
        return np.concatenate(embeddings)

    @torch.inference_mode()
    def embed_image(self, images: Iterable[ImageInput]) -> Embeddings:
        """Return [n, d] L2-normalised float32 embeddings of n images or paths of images.

        `images` may be a generator: at most two batches of pixels are held at a time. An image alone counts
        as a list of one.

        Raises:
            OmniNegClipError: an image that can't be read.
        """
        if isinstance(images, str | Path | Image.Image):
            images = [Path(images) if isinstance(images, str) else images]
        batches = []
        for pixels in self.pixel_batches(images):
            with ComputePlace(self.device, self.precision).autocast():
                features = self.encode_images(pixels)
            batches.append(features.float().cpu().numpy())
        return np.concatenate(batches) if batches else np.empty((0, self.dim), dtype=np.float32)

    def similarity(self, texts: Sequence[str], images: Iterable[ImageInput]) -> Embeddings:
        """Return the cosines [n, m] of n texts and m images or paths of images."""
        return np.asarray(self.embed_text(texts) @ self.embed_image(images).T)

    def pixel_batches(self, images: Iterable[ImageInput]) -> Iterator[Tensor]:
        """Yield the pixels [n, 3, size, size] of images, batch by batch; raises as `embed_image` does."""
        remaining = iter(images)
        with ThreadPoolExecutor(self.workers) as pool:
            pending: deque[Future[NDArray[np.float32]]] = deque()

            def submit() -> None:
                pending.extend(pool.submit(self.transform, x) for x in islice(remaining, self.image_batch))

            submit()
            while pending:
                batch = [pending.popleft() for _ in range(min(self.image_batch, len(pending)))]
                submit()  # decoded while the model works on this batch
                yield torch.from_numpy(np.stack([pixels.result() for pixels in batch]))

    @property
    def _inexact(self) -> list[str]:
        """The precision, where it is among what decides embeddings beside the model itself."""
        return [] if self.precision == "fp32" else [self.precision]

    @property
    def _padding(self) -> int:
        padding = self.tokenizer.pad_token_id
        return 0 if padding is None else int(padding)
