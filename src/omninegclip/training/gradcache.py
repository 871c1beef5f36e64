"""Batches larger than memory, with the gradient of the whole batch: features first, then chunk by chunk.

A contrastive loss is no mean over rows, so adding up the gradients of small batches is another objective. But
it depends on the texts through their features alone. Those are small: they are computed without a graph, the
loss is differentiated with respect to them, and each chunk is encoded again to carry its part to the weights.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

Chunk = TypeVar("Chunk")
NamedFeatures = dict[str, Tensor]


def accumulate_gradients(
    encode: Callable[[Chunk], Mapping[str, Tensor]],
    chunks: Sequence[Chunk],
    objective: Callable[[NamedFeatures], Mapping[str, Tensor]],
    scale_loss: Callable[[Tensor], Tensor] = lambda loss: loss,
) -> dict[str, Tensor]:
    """Add the gradient of the objective of all chunks together to `.grad`, and return its parts, detached.

        dL/dw = sum_chunks (dL/df_chunk) (df_chunk/dw)  +  what of L depends on w without features

    Memory grows with a chunk instead of the batch; each chunk is encoded twice, with the same random numbers.

    Args:
        encode: a chunk to its features by name, each [k, d], differentiable.
        chunks: the batch in parts, at least one.
        objective: the features of the whole batch, each [n, d], to named scalars with `loss` among them.
        scale_loss: what comes before the backward pass, such as the `scale` of a gradient scaler.

    Source: Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup",
        arXiv 2101.06983.
    """
    seeds = torch.randint(2**62, (len(chunks),)).tolist()
    cached: list[Mapping[str, Tensor]] = []
    with torch.no_grad():
        for chunk, seed in zip(chunks, seeds, strict=True):
            with _random_numbers(seed):
                cached.append(encode(chunk))
    leaves = [{name: part.detach().requires_grad_() for name, part in parts.items()} for parts in cached]
    scalars = objective({name: torch.cat([parts[name] for parts in leaves]) for name in leaves[0]})
    torch.autograd.backward(scale_loss(scalars["loss"]))
    for chunk, seed, parts in zip(chunks, seeds, leaves, strict=True):
        with _random_numbers(seed):
            features = encode(chunk)
        trained = [
            name for name, leaf in parts.items() if features[name].requires_grad and leaf.grad is not None
        ]
        torch.autograd.backward([features[name] for name in trained], [parts[name].grad for name in trained])
    return {name: value.detach() for name, value in scalars.items()}


@contextmanager
def _random_numbers(seed: int) -> Iterator[None]:
    """Make dropout the same whenever `seed` is, and leave the random numbers of the run alone."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
