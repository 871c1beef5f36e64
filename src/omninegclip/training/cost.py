"""The cost of a fine-tuning run, computed before it starts."""

from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.families.family import Family
from omninegclip.data.sampler import BatchSampler
from omninegclip.training.methods.method import MethodData, TrainingRecords
from omninegclip.training.preset import Preset

_SAMPLE = 16  # batches whose packing is counted; the rest is taken to be alike


class RunCost(NamedTuple):
    """The cost of a run.

    Attributes:
        trained: parameters that train.
        parameters: parameters in all.
        images: distinct images.
        steps_per_epoch: steps of a pass over the data, over the kind of negation that has more captions.
        steps: of the whole run.
        tokens_per_epoch: that the text tower computes, packed.
        tokens_padded_per_epoch: that it would compute with every text padded to the context length.
        text_flops: operations of all steps.
        image_flops: operations of the one look at every image.
        cache_bytes: image features on disk.
        hours: at the throughput named.
    """

    trained: int
    parameters: int
    images: int
    steps_per_epoch: int
    steps: int
    tokens_per_epoch: int
    tokens_padded_per_epoch: int
    text_flops: float
    image_flops: float
    cache_bytes: int
    hours: float

    def as_dict(self) -> dict[str, int | float]:
        """Return the values as `--json` prints them, whose keys stay: images are called pictures there."""
        return {"pictures" if name == "images" else name: value for name, value in self._asdict().items()}

    def lines(self) -> list[tuple[str, str]]:
        """Return names and values, ready to print."""
        saved = self.tokens_padded_per_epoch / self.tokens_per_epoch
        return [
            ("trained parameters", f"{self.trained:,} of {self.parameters:,}"),
            ("images", f"{self.images:,}"),
            ("steps", f"{self.steps:,}, {self.steps_per_epoch:,} in an epoch"),
            ("tokens in an epoch", f"{self.tokens_per_epoch:,} packed, {saved:.1f} times fewer than padded"),
            ("text tower", f"{self.text_flops:.2e} FLOPs"),
            ("image tower, once", f"{self.image_flops:.2e} FLOPs"),
            ("image features on disk", f"{self.cache_bytes / 2**20:.1f} MiB"),
            ("hours", f"{self.hours:.2g}"),
        ]


def estimate(
    encoder: ClipEncoder, records: TrainingRecords, images: int, preset: Preset, throughput: float
) -> RunCost:
    """Count a run; `freeze` comes first, and the features of `records` are not read.

    A matrix of p parameters costs 2p operations per token forward, 2p backward to its input, where anything
    that trains lies below, and 2p to its weights, if they train; attention's own products are 4 L w per token
    of a row of L tokens in a layer of width w, twice that backward. Embeddings, norms, activations, the
    objective and the optimizer are not counted.

    Args:
        encoder: the model.
        records: the data.
        images: how many are distinct; a method that needs none has none embedded.
        preset: how long, and in what batches.
        throughput: operations per second that the machine reaches.
    """
    data = preset.method.read(records, encoder, preset.settings_of(preset.method.settings))
    if not preset.method.needs_images and not preset.held_out_share:
        images = 0
    # samplers refuse what does not fill a batch
    steps_per_epoch = max(len(BatchSampler(size, preset.batch_size, 0)) for size in data.sizes)
    steps = preset.steps or steps_per_epoch * (preset.epochs or 0)
    packed, padded, row = _tokens(encoder, data, preset.batch_size)
    model, family = encoder.model, encoder.family
    text_flops = steps * _text_flops(family, packed, row, data.texts_per_step(preset.batch_size))
    image_flops = images * (_image_flops(family) if family.reads_one_token else _counted(encoder))
    return RunCost(
        trained=sum(p.numel() for p in model.parameters() if p.requires_grad),
        parameters=sum(p.numel() for p in model.parameters()),
        images=images,
        steps_per_epoch=steps_per_epoch,
        steps=steps,
        tokens_per_epoch=round(packed * steps_per_epoch),
        tokens_padded_per_epoch=round(padded * steps_per_epoch),
        text_flops=text_flops,
        image_flops=image_flops,
        cache_bytes=2 * images * encoder.dim,
        hours=(text_flops + image_flops) / throughput / 3600,
    )


def _tokens(encoder: ClipEncoder, data: MethodData, batch_size: int) -> tuple[float, float, float]:
    """Return packed tokens, padded tokens and tokens of a row, the means over some batches."""
    random = np.random.default_rng(0)
    counts = []
    for _ in range(_SAMPLE):
        drawn = [random.choice(rows, min(batch_size, rows), replace=False) for rows in data.sizes]
        texts = data.lay_out(encoder, drawn)
        counts.append((texts.tokens_packed, texts.tokens_padded, texts.row_length))
    packed, padded, row = np.mean(counts, axis=0)
    return float(packed), float(padded), float(row)


def _text_flops(family: Family, tokens: float, row: float, texts: float) -> float:
    """Return forward and backward operations of a step; of CLIP's last block only text ends go on."""
    width, blocks = (
        family.text_config.hidden_size,
        list(family.model.get_submodule(family.text_blocks).children()),
    )
    embeddings = family.text_tower.get_submodule("embeddings")
    below, flops = any(p.requires_grad for p in embeddings.parameters()), 0.0
    for layer in blocks:
        trains = any(p.requires_grad for p in layer.parameters())
        matrices, attention = 2 * tokens * _matrices(layer), 4 * tokens * row * width
        if layer is blocks[-1] and family.reads_one_token:
            keys_and_values = _keys_and_values(layer)
            matrices = 2 * (tokens * keys_and_values + texts * (_matrices(layer) - keys_and_values))
            attention = 4 * texts * row * width
        flops += matrices * (1 + (below or trains) + trains) + attention * (1 + 2 * (below or trains))
        below = below or trains
    return flops


def _image_flops(family: Family) -> float:
    """Return forward operations per image; of the last block only the class token goes all the way."""
    tower, config, blocks = family.image_tower, family.image_config, family.image_blocks()[0]
    patches = (config.image_size // config.patch_size) ** 2
    tokens, last = patches + 1, family.model.get_submodule(f"{blocks}.{config.num_hidden_layers - 1}")
    block, attention = 2 * _matrices(last), 4 * tokens * config.hidden_size
    keys_and_values = 2 * _keys_and_values(last)
    return float(
        2 * patches * _matrices(tower.get_submodule("embeddings"))
        + (config.num_hidden_layers - 1) * tokens * (block + attention)
        + tokens * keys_and_values
        + (block - keys_and_values)
        + attention
        + 2 * _matrices(family.model.get_submodule(family.image_parts["projection"]))
    )


def _counted(encoder: ClipEncoder) -> float:
    """Return forward operations per image of a tower of any kind, counted while it computes one."""
    size = encoder.transform.size
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        encoder.encode_images(torch.zeros(1, 3, size, size))
    return float(counter.get_total_flops())


def _keys_and_values(layer: nn.Module) -> int:
    return sum(_matrices(layer.get_submodule(f"self_attn.{name}_proj")) for name in "kv")


def _matrices(module: nn.Module) -> int:
    """Return the parameters of all matrix products in `module`."""
    return sum(each.weight.numel() for each in module.modules() if isinstance(each, nn.Linear | nn.Conv2d))
