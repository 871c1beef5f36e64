"""Rivals that train a network beside the frozen model, on the world of a study."""

from collections.abc import Collection, Iterator
from functools import partial
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.embeddings import Embeddings
from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.scenes import Figures, evaluate_scenes
from omninegclip.images import open_image
from omninegclip.progress import console, track
from omninegclip.rivals.corrections import Corrections, require_ends
from omninegclip.rivals.dense_maps import DenseMaps, embed_patches, require_patches
from omninegclip.rivals.fitting import fit
from omninegclip.rivals.network import PairNetwork, PreparedT, ReadT
from omninegclip.rivals.texts import network_texts
from omninegclip.scenes.benchmark import ScenesBenchmark
from omninegclip.scenes.records import make_record
from omninegclip.scenes.render import image_of
from omninegclip.study.world import World
from omninegclip.training.methods.contrast_sets import ContrastSets, make_contrast_sets

DENSE_MAPS, CORRECTIONS = "dcsm", "peakpatch"


class FittedRival(NamedTuple):
    """What a network came to: the figures of the benchmark, and the scalars of its last step."""

    figures: Figures
    last: dict[str, float]


def check_rival(name: str, encoder: ClipEncoder) -> None:
    """Raise OmniNegClipError when there is no rival of that name, or it can't stand beside the model."""
    if name not in (DENSE_MAPS, CORRECTIONS):
        raise OmniNegClipError(f"There is no rival {name!r}: {DENSE_MAPS} and {CORRECTIONS} are known.")
    if name == DENSE_MAPS:
        require_patches(encoder)
    else:
        require_ends(encoder)


def fit_rival(name: str, encoder: ClipEncoder, world: World, seed: int) -> FittedRival:
    """Train a rival on the contrast sets of a world and score it on its benchmark.

    The recognition of objects is left out where images are no vectors.

    Raises OmniNegClipError when the model is none that the rival can stand beside.
    """
    check_rival(name, encoder)
    torch.manual_seed(seed)
    contrast_sets = make_contrast_sets(*world.records, encoder.tokenize)
    fitted = partial(_fitted, encoder, contrast_sets, world.benchmark, seed)
    if name == DENSE_MAPS:
        network = DenseMaps(encoder, _longest(contrast_sets))
        learned, asked = _patches(encoder, world, seed)
        return fitted(Seen(learned, asked), network, left_out={"objects"})
    every = torch.arange(len(world.records.rows))
    return fitted(Seen(world.records.features[every], world.images), Corrections(encoder))


class Seen(NamedTuple):
    """What a network is given of the images learned from [N, ...] and of the benchmark's [n, ...]."""

    learned: Tensor
    asked: Embeddings


def _fitted(
    encoder: ClipEncoder,
    contrast_sets: ContrastSets,
    benchmark: ScenesBenchmark,
    seed: int,
    seen: Seen,
    network: PairNetwork[ReadT, PreparedT],
    left_out: Collection[str] = (),
) -> FittedRival:
    last = fit(network, encoder, contrast_sets, seen.learned, seed)
    with console.status("Scoring the benchmark"):
        figures = evaluate_scenes(benchmark, seen.asked, network_texts(network, encoder), left_out)
    return FittedRival(figures, last)


def _longest(contrast_sets: ContrastSets) -> int:
    """Return the tokens of the longest sentence."""
    return max(len(each.tokens) for said in contrast_sets.of_image for each in said)


def _patches(encoder: ClipEncoder, world: World, seed: int) -> tuple[Tensor, Embeddings]:
    """Draw the images of a world again, and return the patches of those learned from and those asked."""
    count, scenes = len(world.records.rows), world.benchmark.scenes

    def learned() -> Iterator[Image.Image]:
        for index in track(range(count), "Embedding patches of the training images", count):
            yield open_image(make_record(seed, index)[1])

    def asked() -> Iterator[Image.Image]:
        for index, scene in enumerate(track(scenes, "Embedding patches of the benchmark", len(scenes))):
            yield image_of("benchmark", scene, seed, index)

    return torch.from_numpy(embed_patches(encoder, learned())), embed_patches(encoder, asked())
