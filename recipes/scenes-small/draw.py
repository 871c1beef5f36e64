"""Scenes drawn once by all processes, their captions as tokens beside them, in memory-mapped files."""

import os
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from omninegclip.clip.text.padding import PaddedTexts
from omninegclip.clip.transform import ImageTransform
from omninegclip.progress import console
from omninegclip.scenes.grammar import affirmative
from omninegclip.scenes.graphics import graphics_folder
from omninegclip.scenes.render import render
from omninegclip.scenes.scene import SIZE, rng, sample_scene
from omninegclip.study.workers import each_done

CAPTIONS, LENGTH = 6, 40  # of a scene, and tokens of a caption at most; the longest have about 30
CHUNK = 500  # scenes that a process draws at a time
BUCKETS = 4  # of the captions of a batch by length; more would keep a GPU waiting for their small products
TRANSFORM = ImageTransform(size=SIZE)
# What is kept of a scene.
ARRAYS = {
    "pixels": ((SIZE, SIZE, 3), np.uint8),
    "tokens": ((CAPTIONS, LENGTH), np.int16),
    "lengths": ((CAPTIONS,), np.int16),
    "objects": ((), np.int16),
}
DRAWN = "drawn"  # which chunks are


class Scenes(NamedTuple):
    """n scenes; images and tokens are on the device that trains, or in the files where that is the CPU.

    Attributes:
        pixels: [n, 96, 96, 3] uint8.
        tokens: [n, CAPTIONS, LENGTH] int16.
        lengths: [n, CAPTIONS] of the captions, where the loop itself can see them.
        objects: [n] how many a scene has.
    """

    pixels: Tensor
    tokens: Tensor
    lengths: NDArray[np.int16]
    objects: NDArray[np.int16]

    def images(self, rows: NDArray[np.int64]) -> Tensor:
        """Return the transformed images [B, 3, 96, 96] of some scenes."""
        device = self.pixels.device
        levels = torch.tensor([TRANSFORM.mean, TRANSFORM.std], device=device)[:, :, None, None]
        chosen = self.pixels[torch.from_numpy(rows).to(device)].permute(0, 3, 1, 2)
        return (chosen.float() / 255 - levels[0]) / levels[1]

    def texts(self, rows: NDArray[np.int64], said: NDArray[np.int64]) -> PaddedTexts:
        """Return a caption of each of some scenes, those of like length together; `said` says which."""
        device = self.tokens.device
        lengths = self.lengths[rows, said]
        order = np.argsort(lengths, kind="stable")
        which = torch.from_numpy(np.stack([rows[order], said[order]])).to(device)
        captions = self.tokens[which[0], which[1]]
        buckets = zip(captions.tensor_split(BUCKETS), np.array_split(lengths[order], BUCKETS), strict=True)
        ids = tuple(bucket[:, : int(longest[-1])].long() for bucket, longest in buckets)
        places = torch.from_numpy(np.argsort(order)).to(device)
        return PaddedTexts(ids, (None,) * BUCKETS, places, len(rows) * LENGTH)


def draw(
    folder: Path, count: int, seed: int, tokenizer: PreTrainedTokenizerBase, device: torch.device
) -> Scenes:
    """Return `count` scenes, drawn into `folder` unless they are there; a stopped call goes on.

    Raises OmniNegClipError when the graphics are missing.
    """
    graphics_folder()
    starts = range(0, count, CHUNK)
    if not (folder / f"{DRAWN}.npy").exists():  # the last file that is made
        folder.mkdir(exist_ok=True)
        for name, (shape, kind) in (ARRAYS | {DRAWN: ((), np.uint8)}).items():
            size = len(starts) if name == DRAWN else count
            np.lib.format.open_memmap(folder / f"{name}.npy", "w+", kind, (size, *shape)).flush()
    drawn = _open(folder, DRAWN)
    left = [start for start in starts if not drawn[start // CHUNK]]
    workers = min(os.cpu_count() or 1, max(1, len(left)))
    if left:
        console.print(f"Drawing {count:,} scenes, {CHUNK} at a time, by {workers} processes.")
    for _ in each_done(partial(_draw_chunk, folder, seed, tokenizer), left, workers):
        pass
    arrays = {name: _open(folder, name) for name in ARRAYS}
    pixels, tokens = (torch.from_numpy(arrays[name]).to(device) for name in ("pixels", "tokens"))
    return Scenes(pixels, tokens, arrays["lengths"], arrays["objects"])


def _draw_chunk(folder: Path, seed: int, tokenizer: PreTrainedTokenizerBase, start: int) -> None:
    """Draw the scenes from `start` on and say so; each is a function of seed and number."""
    arrays = {name: _open(folder, name)[start : start + CHUNK] for name in ARRAYS}
    for row in range(len(arrays["pixels"])):
        random = rng("pretraining", seed, start + row)
        scene = sample_scene(random)
        arrays["pixels"][row] = render(scene, random)
        texts = [affirmative(random, scene).text for _ in range(CAPTIONS)]
        ids = tokenizer(texts, truncation=True, max_length=LENGTH).input_ids
        arrays["tokens"][row] = [each + [each[-1]] * (LENGTH - len(each)) for each in ids]
        arrays["lengths"][row] = [len(each) for each in ids]
        arrays["objects"][row] = len(scene.items)
    for array in arrays.values():
        array.flush()
    _open(folder, DRAWN)[start // CHUNK] = 1


def _open(folder: Path, name: str) -> NDArray[np.integer]:
    return np.load(folder / f"{name}.npy", mmap_mode="r+")
