"""Image files to their vectors: what every way of indexing does between finding files and writing rows."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from omninegclip.errors import OmniNegClipError
from omninegclip.index.decode import Decoded, Task, decode_all

if TYPE_CHECKING:
    from omninegclip.clip.encoder import ClipEncoder

# Yields what files hold, with the vectors of those that are images and not known.
Embedder = Callable[[Sequence[Task]], Iterator[Decoded]]


def on_this_machine(encoder: "ClipEncoder", workers: int | None = None) -> Embedder:
    """Return what embeds in this process, while so many others decode, or one for each core."""

    def run(tasks: Sequence[Task]) -> Iterator[Decoded]:
        decoded = decode_all(tasks, encoder.transform, min(workers or os.cpu_count() or 1, len(tasks)))
        return embedded(decoded, encoder)

    return run


def embedded(decoded: Iterable[Decoded], encoder: "ClipEncoder") -> Iterator[Decoded]:
    """Yield decoded files with their vectors, embedded batch by batch; those without pixels come first.

    Raises OmniNegClipError when the model's features are not finite.
    """
    batch: list[Decoded] = []
    for each in decoded:
        if each.pixels is None:
            yield each
            continue
        batch.append(each)
        if len(batch) == encoder.image_batch:
            yield from _embed(batch, encoder)
            batch = []
    yield from _embed(batch, encoder)


def _embed(batch: Sequence[Decoded], encoder: "ClipEncoder") -> Iterator[Decoded]:
    import torch

    if not batch:
        return
    pixels = torch.from_numpy(np.stack([each.pixels for each in batch if each.pixels is not None]))
    with torch.inference_mode():
        vectors = encoder.encode_images(pixels).float().cpu().numpy()
    for each, vector in zip(batch, vectors, strict=True):
        if not np.isfinite(vector).all():
            raise OmniNegClipError(f"The model's features of {each.path} are not finite: check its weights.")
        each.pixels, each.vector = None, vector  # or the pixels would stay in memory until the row is written
        yield each
