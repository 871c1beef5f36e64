"""One training step at ViT-B/32 geometry, the authors' way against ours, on this machine.

    python benchmarks/train_step.py                 ten minutes or so on two cores, 8 GiB
    python benchmarks/train_step.py --images 4      a quick look
    python benchmarks/train_step.py --device cuda --images 128 --rounds 20

`authors` is our own straightforward writing of their step from the method's description: the image tower runs
in the step, texts are padded to 77, one forward for the captions, one for the presence-negated ones, one for
both texts of the absence batch; on a GPU in fp16, with the pixels on the card already. `authors_jpeg` decodes
and resizes every image too, from JPEG files in memory. `ours` takes cached features and packed captions.
A step is packing, forward, backward and AdamW. Each variant runs in a process of its own, so that its peak
memory is its own; weights are random, and captions have the lengths of Flickr8k's.

JSON on stdout: `speedup_*` against `authors`; `texts_per_second_*` of ours, packing in the step;
`packing_seconds` alone; `loss_difference` of `ours` in fp32 before any step; `peak_memory_ratio` ours to
theirs, on a GPU of its memory; `matrix_peak_share_*` the matrix products of our packing, forward and backward
pass (attention's inner ones not counted) per second, over the rate of a product of matrices of 2048 x 2048,
on a GPU of 8192 x 8192, in the same precision. With `--compile` also `*_compiled`, with
`compile: true`, and `compile_seconds_*` for compiling. What was not measured is null: bf16
without units in the processor, fp16 there at all.
"""

import argparse
import io
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode
from transformers import CLIPConfig, CLIPModel

from omninegclip.clip.device import ComputePlace, choose_device, moved
from omninegclip.clip.families.registry import family_of
from omninegclip.clip.policy import apply_policy, parameter_groups
from omninegclip.clip.text.packing import pack
from omninegclip.clip.transform import ImageTransform
from omninegclip.memory import keep_freed_memory
from omninegclip.objectives.objective import shipped_objectives
from omninegclip.training.compiled import compiled_texts
from omninegclip.training.methods.pairs import PairBatch
from omninegclip.training.task import TrainingTask

BOS, EOT, CONTEXT = 49406, 49407, 77
# tokens of a Flickr8k caption, begin and end included, at the middle of each twentieth
LENGTHS = [8, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, 16, 16, 17, 18, 20, 23]


class Data(NamedTuple):
    """Images [B, 3, 224, 224] and captions with their negated forms, of both kinds."""

    presence_pixels: Tensor
    absence_pixels: Tensor
    captions: list[list[int]]
    presence_negated: list[list[int]]
    originals: list[list[int]]
    absence_negated: list[list[int]]


def make_data(images: int) -> Data:
    generator = np.random.default_rng(0)

    def words(count: int) -> list[int]:
        return generator.integers(0, BOS, count).tolist()

    def caption() -> list[int]:
        return [BOS, *words(generator.choice(LENGTHS) - 2), EOT]

    def presence_negated(text: list[int]) -> list[int]:  # "a mat with no cat on it": parts ways somewhere
        cut = generator.integers(1, len(text))
        return [*text[:cut], *words(len(text) - cut + 1), EOT]

    def absence_negated(text: list[int]) -> list[int]:  # "a cat on a mat, but no dog": goes on
        return [*text[:-1], *words(generator.integers(3, 6)), EOT]

    captions, originals = ([caption() for _ in range(images)] for _ in range(2))
    pixels = torch.randn(2, images, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    return Data(
        *pixels,
        captions,
        [presence_negated(text) for text in captions],
        originals,
        [absence_negated(text) for text in originals],
    )


def vit_b32() -> CLIPModel:
    torch.manual_seed(0)
    text = {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 8}
    ends = {"bos_token_id": BOS, "eos_token_id": EOT}
    model = CLIPModel(
        CLIPConfig(text_config=text | ends, vision_config={"patch_size": 32}, projection_dim=512)
    )
    apply_policy(model)
    return model.train()


def authors_loss(model: CLIPModel, data: Data) -> Tensor:
    with ComputePlace(model.device, "fp16" if model.device.type == "cuda" else "fp32").autocast():
        return authors_objective(model, data)


def authors_objective(model: CLIPModel, data: Data) -> Tensor:
    def texts(rows: list[list[int]]) -> Tensor:
        ids = torch.tensor([row + [EOT] * (CONTEXT - len(row)) for row in rows], device=model.device)
        return F.normalize(model.get_text_features(input_ids=ids).pooler_output, dim=-1)

    def images(pixels: Tensor) -> Tensor:
        return F.normalize(model.get_image_features(pixel_values=pixels).pooler_output, dim=-1)

    def contrast(logits: Tensor) -> Tensor:
        return F.cross_entropy(logits, torch.arange(len(logits), device=logits.device))

    scale = model.logit_scale.exp()
    i, j = images(data.presence_pixels), images(data.absence_pixels)
    c, n = texts(data.captions), texts(data.presence_negated)
    o, u = texts(data.originals + data.absence_negated).chunk(2)
    own = scale * torch.stack([(i * c).sum(1), (i * n).sum(1)], 1)
    two_way = F.cross_entropy(own, torch.zeros_like(own[:, 0], dtype=torch.long))
    present = (contrast(scale * i @ torch.cat([c, n]).T) + contrast(scale * c @ i.T) + two_way) / 3

    def symmetric(image_features: Tensor, captions: Tensor) -> Tensor:
        logits = scale * image_features @ captions.T
        return (contrast(logits) + contrast(logits.T)) / 2

    return present + symmetric(j, u) + symmetric(j, o) + ((o * u).sum(1) + 0.9).clamp(min=0).mean()


def decoding(model: CLIPModel, data: Data, threads: int) -> Callable[[], Tensor]:
    """Return the authors' loss with the images in JPEG files in memory, 500 x 375, which threads decode."""
    transform, files = ImageTransform(), []
    for image in torch.cat([data.presence_pixels, data.absence_pixels])[:, :, ::28, ::28].cpu():
        levels = ((image - image.min()) / (image.max() - image.min()) * 255).byte().permute(1, 2, 0).numpy()
        file = io.BytesIO()
        Image.fromarray(levels).resize((500, 375), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
        files.append(file.getvalue())

    def loss() -> Tensor:
        with ThreadPoolExecutor(threads) as pool:
            decoded = pool.map(lambda file: transform(Image.open(io.BytesIO(file)).convert("RGB")), files)
            pixels = torch.from_numpy(np.stack(list(decoded))).to(model.device)
        presence, absence = pixels.chunk(2)
        return authors_loss(model, data._replace(presence_pixels=presence, absence_pixels=absence))

    return loss


@torch.no_grad()
def cached_features(model: CLIPModel, pixels: Tensor) -> Tensor:
    """Return what the cache on disk would give: computed a few images at a time, and float16 in between."""
    parts = [model.get_image_features(pixel_values=part).pooler_output for part in pixels.split(8)]
    return F.normalize(torch.cat(parts), dim=-1).half().float()


def our_loss(model: CLIPModel, data: Data, precision: str, compiled: bool) -> Callable[[], Tensor]:
    encode = compiled_texts(family_of(model), CONTEXT) if compiled else None
    task = TrainingTask(model, shipped_objectives()["omni"].minimised({}), precision, encode)
    features = [cached_features(model, pixels) for pixels in (data.presence_pixels, data.absence_pixels)]
    kinds = ((data.captions, data.presence_negated), (data.originals, data.absence_negated))
    groups = [pair for kind in kinds for pair in zip(*kind, strict=True)]

    def loss() -> Tensor:
        batch = PairBatch(*features, (pack(groups, CONTEXT),), len(data.captions), None, None)
        return task(moved(batch, model.device))["loss"]

    return loss


def packing_seconds(data: Data) -> float:
    """Return the least seconds of packing all captions of a step."""
    kinds = ((data.captions, data.presence_negated), (data.originals, data.absence_negated))
    groups = [pair for kind in kinds for pair in zip(*kind, strict=True)]
    return min(timed(partial(pack, groups, CONTEXT)) for _ in range(10))


def timed(work: Callable[[], object], device: torch.device | None = None) -> float:
    """Return the seconds that something takes, on a GPU until it is done there."""
    begun = time.perf_counter()
    work()
    if device is not None and device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - begun


def measure(variant: str, options: argparse.Namespace) -> dict[str, float]:
    """Return the least seconds of a step and of its passes, first loss, operations and peak memory."""
    device = choose_device(options.device)
    model, data, ours = vit_b32().to(device), moved(make_data(options.images), device), "ours" in variant
    optimizer = torch.optim.AdamW(parameter_groups(model, 0.2, decay_all=True), lr=1e-6, fused=ours)
    loss = partial(authors_loss, model, data)
    if variant == "authors_jpeg":
        loss = decoding(model, data, options.threads)
    if ours:
        keep_freed_memory()
        _, precision, *compiled = variant.split("_")
        loss = our_loss(model, data, precision, bool(compiled))
    begun = time.perf_counter()
    counter = FlopCounterMode(display=False)
    with nullcontext() if "compiled" in variant else counter:  # this step warms up; no graph can be counted
        first = loss()
        first.backward()
    warm_up = time.perf_counter() - begun

    def step() -> None:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    timed(step, device)
    passes, updates = [], []
    for _ in range(options.rounds):
        passes.append(timed(lambda: loss().backward(), device))
        updates.append(timed(step, device))
    on_card = device.type == "cuda"
    return {
        "seconds": min(map(sum, zip(passes, updates, strict=True))),
        "passes": min(passes),
        "loss": first.item(),
        "warm_up": warm_up,
        "operations": counter.get_total_flops(),
        "peak_bytes": torch.cuda.max_memory_allocated(device)
        if on_card
        else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def matrix_rate(precision: torch.dtype, size: int, device: torch.device) -> float:
    """Return the operations per second of the fastest of ten products of two square matrices."""
    left, right = torch.randn(2, size, size, device=device).to(precision)
    return 2 * size**3 / min(timed(lambda: left @ right, device) for _ in range(10))


def in_own_process(variant: str, options: argparse.Namespace) -> dict[str, float]:
    command = [sys.executable, __file__, "--variant", variant]
    for name in ("images", "rounds", "threads", "device"):
        command += [f"--{name}", str(getattr(options, name))]
    print(f"{variant} ...", file=sys.stderr)
    finished = subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603 - it is this file
    return json.loads(finished.stdout)


def compare(options: argparse.Namespace) -> dict[str, Any]:
    device = choose_device(options.device)
    size = 8192 if device.type == "cuda" else 2048
    dtypes = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    has_bf16 = matrix_rate(torch.bfloat16, 256, device) > matrix_rate(torch.float32, 256, device)
    measured = ["fp32", *(["bf16"] if has_bf16 and not options.skip_bf16 else [])]
    measured += ["fp16"] if device.type == "cuda" else []
    variants = ["authors", "authors_jpeg", *(f"ours_{name}" for name in measured)]
    variants += [f"ours_{name}_compiled" for name in measured] if options.compile else []
    found = {variant: in_own_process(variant, options) for variant in variants}
    result: dict[str, Any] = {}
    names = dtypes | (
        {f"{name}_compiled": dtype for name, dtype in dtypes.items()} if options.compile else {}
    )
    for name, dtype in names.items():
        ours = found.get(f"ours_{name}")
        result[f"speedup_{name}"] = found["authors"]["seconds"] / ours["seconds"] if ours else None
        result[f"texts_per_second_{name}"] = 4 * options.images / ours["seconds"] if ours else None
        if "compiled" in name:
            result[f"compile_seconds_{name}"] = ours["warm_up"] - ours["passes"] if ours else None
            continue
        rate = ours["operations"] / ours["passes"] / matrix_rate(dtype, size, device) if ours else None
        result[f"matrix_peak_share_{name}"] = rate
    result["authors_jpeg_seconds"] = found["authors_jpeg"]["seconds"]
    result["packing_seconds"] = packing_seconds(make_data(options.images))
    result["loss_difference"] = abs(found["ours_fp32"]["loss"] - found["authors"]["loss"])
    result["peak_memory_ratio"] = found["ours_fp32"]["peak_bytes"] / found["authors"]["peak_bytes"]
    result["threads"], result["device"] = options.threads, options.device
    if "ours_bf16" not in found:
        why = "skipped by option" if options.skip_bf16 else "skipped: this processor has no bf16 units"
        result["bf16"] = why
    return result | {"variants": found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=32, help="of each kind of negation")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:N or auto")
    parser.add_argument("--compile", action="store_true", help="measure compile: true too")
    parser.add_argument("--skip-bf16", action="store_true")
    parser.add_argument("--variant", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.variant:
        print(json.dumps(measure(options.variant, options)))
    else:
        print(json.dumps(compare(options), indent=2))


if __name__ == "__main__":
    main()
