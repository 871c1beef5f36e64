"""A tower that says of every word of a sentence which half it belongs to."""

import torch.nn.functional as F
from torch import Tensor

from omninegclip.objectives.features import WordFeatures
from omninegclip.objectives.objective import Objective

_SCALE = 20.0


def part_logits(vectors: Tensor, parts: int, scale: float = _SCALE) -> Tensor:
    """Return the logits [..., parts] of the parts of a sentence: z v_p, the first coordinates of a vector.

    Args:
        vectors: v, [..., d], L2-normalised.
        parts: how many there are.
        scale: z.
    """
    return scale * vectors[..., :parts]


def reader(vectors: Tensor, said: Tensor, parts: int, *, scale: float = _SCALE) -> dict[str, Tensor]:
    """Say of each word which part of its sentence it belongs to.

        L_part = mean over words of   -log softmax_p(z v_p)_said                                        `loss`
        the share of words for which that part is the likeliest                                        `right`

    Args:
        vectors: v, [W, d], L2-normalised, of the words of all sentences.
        said: [W] the numbers of their parts.
        parts: how many there are.
        scale: z.

    Raises:
        ValueError: the shapes don't fit together.
    """
    if vectors.ndim != 2 or said.shape != vectors.shape[:1] or vectors.shape[1] < parts:
        raise ValueError(
            f"vectors must be [W, d] with d of {parts} or more and said [W], not "
            f"{list(vectors.shape)} and {list(said.shape)}"
        )
    logits = part_logits(vectors, parts, scale)
    right = (logits.detach().argmax(dim=1) == said).float().mean()
    return {"loss": F.cross_entropy(logits, said), "right": right}


def _of_words(words: WordFeatures) -> dict[str, Tensor]:
    return reader(words.vectors, words.said, words.parts)


OBJECTIVE = Objective(
    _of_words,
    curves=("loss", "right"),
    source="the learned reader of omninegclip, after Omni-NegCLIP, arXiv 2603.29258",
)
