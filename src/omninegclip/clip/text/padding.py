"""Captions for text towers that are not causal: sorted by length, padded batch by batch, padding masked."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from omninegclip.errors import OmniNegClipError
from omninegclip.progress import console

BATCH = 32  # texts that are padded to one length


class WordPlaces(NamedTuple):
    """A text, and the tokens in it at which it is read.

    Attributes:
        tokens: ids of the text.
        at: places of those tokens.
    """

    tokens: Sequence[int]
    at: Sequence[int]


class PaddedTexts(NamedTuple):
    """n texts in batches of like length, or n tokens of such texts.

    Attributes:
        ids: of each batch, [r, t] token ids.
        masks: of each batch, [r, t] 1 where there is a text and 0 behind it; None where padding is seen.
        places: [n] the row of each text, or of each token that is read, among those of all batches.
        tokens_padded: tokens of the same texts padded to the context length.
        at: of each batch, [m, 2] row and column of the tokens that are read; None where whole texts are.
    """

    ids: tuple[Tensor, ...]
    masks: tuple[Tensor | None, ...]
    places: Tensor
    tokens_padded: int
    at: tuple[Tensor, ...] | None = None

    @property
    def device(self) -> torch.device:
        """Where the texts are."""
        return self.places.device

    @property
    def tokens_packed(self) -> int:
        """Tokens that the tower computes."""
        return sum(ids.numel() for ids in self.ids)

    @property
    def row_length(self) -> float:
        """Mean length of a row, in tokens."""
        return self.tokens_packed / sum(len(ids) for ids in self.ids)


def pad(
    groups: Sequence[Sequence[Sequence[int]]], context_length: int, padding: int, *, whole: bool = False
) -> PaddedTexts:
    """Pad texts, those of like length together.

    Args:
        groups: texts as token ids without padding, in groups as `pack` takes them.
        context_length: tokens of the longest text.
        padding: the token id to pad with.
        whole: pad to the context length and mask nothing, as SigLIP was trained.

    Raises:
        OmniNegClipError: There is no text, or one has no token or more than `context_length`.
    """
    texts = [text for group in groups for text in group]
    if not texts:
        raise OmniNegClipError("There is no text to encode: give at least one.")
    for index, text in enumerate(texts):
        if not 0 < len(text) <= context_length:
            raise OmniNegClipError(
                f"Text {index} has {len(text)} tokens, but must have 1 to {context_length}: truncate it."
            )
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    places = torch.empty(len(texts), dtype=torch.long)
    places[order] = torch.arange(len(texts))
    ids: list[Tensor] = []
    masks: list[Tensor | None] = []
    for start in range(0, len(order), BATCH):
        rows = [torch.as_tensor(texts[index]) for index in order[start : start + BATCH]]
        batch = pad_sequence(rows, batch_first=True, padding_value=padding)
        if whole:
            batch = F.pad(batch, (0, context_length - batch.shape[1]), value=padding)
        lengths = torch.tensor([len(row) for row in rows])
        ids.append(batch)
        masks.append(None if whole else (torch.arange(batch.shape[1]) < lengths[:, None]).long())
    return PaddedTexts(tuple(ids), tuple(masks), places, len(texts) * context_length)


def pad_words(
    sentences: Sequence[WordPlaces], context_length: int, padding: int, *, whole: bool = False
) -> PaddedTexts:
    """Pad texts as `pad` does, to be read at some of their tokens; raises as `pad` does."""
    texts = pad([[each.tokens for each in sentences]], context_length, padding, whole=whole)
    row = texts.places.tolist()
    read = [(row[number], at) for number, each in enumerate(sentences) for at in each.at]
    order = sorted(range(len(read)), key=lambda word: read[word][0])  # batch by batch
    places = torch.empty(len(read), dtype=torch.long)
    places[order] = torch.arange(len(read))
    columns = torch.tensor([read[word] for word in order]).reshape(-1, 2)
    at, start = [], 0
    for ids in texts.ids:
        inside = (columns[:, 0] >= start) & (columns[:, 0] < start + len(ids))
        at.append(columns[inside] - torch.tensor([start, 0]))
        start += len(ids)
    return texts._replace(places=places, at=tuple(at))


@cache  # once per process, for any number of runs
def say_padded() -> None:
    """Say on standard error that captions are not packed."""
    console.print("This text tower is not causal: captions are padded, sorted by length, instead of packed.")
