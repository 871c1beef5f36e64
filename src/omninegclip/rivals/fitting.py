"""Training of a network beside a frozen CLIP, on contrast sets: as for any method, only that less trains."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Generic, NamedTuple

import numpy as np
import torch
from torch import Tensor

from omninegclip.data.sampler import BatchSampler
from omninegclip.progress import track
from omninegclip.rivals.network import PairNetwork, PreparedT, ReadT
from omninegclip.training.loop import backward_through, train
from omninegclip.training.methods.contrast_sets import ContrastSets, KnownPairs, find_hard, known_pairs
from omninegclip.training.schedule import cosine

if TYPE_CHECKING:  # imports transformers
    from omninegclip.clip.encoder import ClipEncoder

SENTENCES = 4  # of each image in a step
_WARMUP, _CLIP_NORM = 50, 1.0


class FittingBatch(NamedTuple, Generic[ReadT]):
    """One step's data: what the frozen towers give of texts and images, and what is known of their pairs."""

    texts: ReadT
    images: Tensor
    pairs: KnownPairs


def fit(
    network: PairNetwork[ReadT, PreparedT],
    encoder: "ClipEncoder",
    contrast_sets: ContrastSets,
    seen: Tensor,
    seed: int,
) -> dict[str, float]:
    """Train a network in place and return the scalars of the last step.

    Args:
        network: with random weights.
        encoder: the CLIP, which stays as it is.
        contrast_sets: sentences whose truth is known.
        seen: [N, ...] what the network is given of the images of all records.
        seed: of the batches.

    Raises:
        OmniNegClipError: the loss is not finite, or there are fewer images than a step takes.
    """
    sampler = BatchSampler(len(contrast_sets.of_image), network.images_per_step, seed)
    steps = network.epochs * len(sampler)
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=network.learning_rate)
    taken = train(
        backward_through(partial(_loss, network)),
        optimizer,
        _batches(network, encoder, contrast_sets, seen, sampler),
        partial(cosine, warmup=min(_WARMUP, steps - 1), total=steps),
        range(steps),
        clip_norm=_CLIP_NORM,
    )
    last: dict[str, float] = {}
    for step in track(taken, "Training a network beside the model", steps):
        if step.number == steps - 1:
            last = dict(step.scalars)
    network.eval()
    return last


def _loss(network: PairNetwork[ReadT, PreparedT], batch: FittingBatch[ReadT]) -> dict[str, Tensor]:
    return network.loss(network.prepare(batch.texts), batch.images, batch.pairs)


def _batches(
    network: PairNetwork[ReadT, PreparedT],
    encoder: "ClipEncoder",
    contrast_sets: ContrastSets,
    seen: Tensor,
    sampler: BatchSampler,
) -> Iterator[FittingBatch[ReadT]]:
    names = torch.from_numpy(encoder.embed_tokens(contrast_sets.concepts))
    find = find_hard(contrast_sets, names)
    for step, numbers in enumerate(sampler.batches()):
        random = np.random.default_rng([sampler.seed, step])
        said = []
        for number in numbers:
            all_of = contrast_sets.of_image[number]
            chosen = random.choice(len(all_of), min(SENTENCES, len(all_of)), replace=False)
            said.append([all_of[each] for each in sorted(chosen)])
        pairs = known_pairs(contrast_sets, numbers, said, find, random)
        texts = network.read(encoder, [each.tokens for each in pairs.said])
        yield FittingBatch(texts, seen[contrast_sets.image_rows[pairs.images]].float(), pairs)
