"""Texts that a network scores, for the tasks that any scored texts serve."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from omninegclip.embeddings import Embeddings
from omninegclip.progress import track
from omninegclip.rivals.network import PairNetwork, PreparedT, ReadT, some_of
from omninegclip.scoring.scores import Cosines, Rows, Scores
from omninegclip.scoring.texts import Indices, ReadTexts, Texts, owners, ragged

if TYPE_CHECKING:  # imports transformers
    from omninegclip.clip.encoder import ClipEncoder

_PAIRS, _TEXTS = 512, 256  # scored, and read, at a time


@dataclass(frozen=True)
class NetworkTexts(Generic[ReadT, PreparedT]):
    """T texts with what the network made of each; images are what it is given of them.

    Attributes:
        network: that scores them.
        prepared: a named tuple of tensors, a row per text.
        vectors: [T, d].
    """

    network: PairNetwork[ReadT, PreparedT]
    prepared: PreparedT
    vectors: Embeddings

    def some(self, rows: Sequence[int]) -> Texts:
        """Return some of the texts."""
        at = torch.as_tensor(np.arange(len(self.vectors))[rows])
        return replace(self, prepared=some_of(self.prepared, at), vectors=self.vectors[rows])

    def rank_images(self, images: Embeddings) -> Scores:
        """Return the scores [T, n], or the cosines of the vectors where the network ranks by them."""
        if self.network.ranks_by_vectors:
            return Cosines(self.vectors, images)
        every, columns = np.arange(len(self.vectors)), np.arange(len(images))
        rows = track(every, "Scoring all images by each text", len(every))
        return WholeScores(
            np.stack(
                [self.pairs(np.full(len(columns), text), images, columns) for text in rows], dtype=np.float32
            )
        )

    def choose_image(self, images: Embeddings, starts: Indices) -> NDArray[np.float64]:
        """Return the scores [T, k] of texts with their own images."""
        return ragged(self.pairs(owners(starts), images, np.arange(len(images))), starts)

    def choose_text(self, images: Embeddings, starts: Indices) -> NDArray[np.float64]:
        """Return the scores [n, k] of images with their own texts."""
        return ragged(self.pairs(np.arange(len(self.vectors)), images, owners(starts)), starts)

    @torch.inference_mode()
    def pairs(self, texts: Indices, images: Embeddings, columns: Indices) -> NDArray[np.float64]:
        """Return the score [n] of each of `texts`, by number, with its image, by number."""
        scores = np.empty(len(texts))
        for start in range(0, len(texts), _PAIRS):
            part = slice(start, start + _PAIRS)
            prepared = some_of(self.prepared, torch.from_numpy(np.asarray(texts[part])))
            scores[part] = self.network.forward(
                prepared, torch.from_numpy(images[columns[part]]).float()
            ).numpy()
        return scores


class WholeScores(NamedTuple):
    """Scores that are held whole, for asking a network again takes longer than all else.

    Attributes:
        matrix: [q, g].
    """

    matrix: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, int]:
        """Return the numbers of queries and of gallery items."""
        return len(self.matrix), self.matrix.shape[1]

    @property
    def transposed(self) -> Scores:
        """Return the scores with the sides changed."""
        return WholeScores(self.matrix.T)

    def block(self, rows: Rows, columns: Rows) -> NDArray[np.float32]:
        """Return the scores [rows, columns]."""
        return np.asarray(self.matrix[rows][:, columns])

    def pairs(self, rows: NDArray[np.integer], columns: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the score of each query with one item."""
        return np.asarray(self.matrix[rows, columns])


def network_texts(network: PairNetwork[ReadT, PreparedT], encoder: "ClipEncoder") -> ReadTexts:
    """Return what reads texts for a network that has been trained."""

    @torch.inference_mode()
    def read(texts: Sequence[str]) -> Texts:
        row = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        ids = encoder.tokenize(list(row))
        longest_last = sorted(range(len(ids)), key=lambda number: len(ids[number]))
        parts = [longest_last[start : start + _TEXTS] for start in range(0, len(ids), _TEXTS)]
        done = [network.prepare(network.read(encoder, [ids[number] for number in part])) for part in parts]
        whole = type(done[0])(*map(torch.cat, zip(*done, strict=True)))
        place = torch.empty(len(ids), dtype=torch.long)
        place[torch.tensor(longest_last)] = torch.arange(len(ids))
        prepared = some_of(whole, place[torch.tensor([row[text] for text in texts])])
        return NetworkTexts(network, prepared, network.vectors(prepared).numpy())

    return read
