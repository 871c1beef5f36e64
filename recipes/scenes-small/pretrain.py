"""Pretrain scenes-small, a small CLIP for the picture world, from scratch, measured, with its card.

Command:   python recipes/scenes-small/pretrain.py --work runs/scenes-small --out runs/scenes-small/model
Cost:      never run in full. Extrapolated from short runs: on 2 cores 4 minutes of drawing and 19 hours of
           training, since 256 pairs take 8 seconds of one core while half of the patches are seen, then 15;
           on a GPU not measured, an earlier script took 205 seconds for the same steps on an H100;
           3.2 GB of disk
Smoke:     add --smoke (a minute of one core)

Stop it at any moment: the same command continues the run. The loss is CLIP's own, on affirmative captions.
The very first steps see scenes of one or two objects, and most of them half of the patches of an image (FLIP,
Li et al., CVPR 2023, arXiv 2212.00794): both save time alone.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from draw import CAPTIONS, TRANSFORM, Scenes, draw
from export import export
from torch.nn import functional as F
from transformers import CLIPConfig, CLIPModel, PreTrainedTokenizerBase

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip
from omninegclip.clip.io.shipped import SHIPPED
from omninegclip.clip.pooled import image_features
from omninegclip.clip.text.tokenizer import load_tokenizer
from omninegclip.data.sampler import BatchSampler
from omninegclip.errors import OmniNegClipError
from omninegclip.files import hold, refuse_occupied
from omninegclip.interruption import run_resumable
from omninegclip.memory import keep_freed_memory
from omninegclip.run.folder import same_plan
from omninegclip.run.loop import ResumableTraining
from omninegclip.scenes.scene import SIZE
from omninegclip.training.pretraining import PairFeatures, Pretraining, PretrainingSettings

PATCH = 8
FEW_OBJECTS, FEW_UNTIL, MASKED_UNTIL = 2, 0.06, 0.7
FREE = ("work", "out", "threads", "checkpoint_every", "questions", "remark", "smoke")  # decide no weight
SMOKE = {"scenes": 512, "steps": 20, "warm_up": 5, "batch": 32, "questions": 24}


def build(tokenizer: PreTrainedTokenizerBase, seed: int) -> ClipEncoder:
    """Return the untrained model: 6 image layers of width 192, 12 text layers of width 128."""

    def tower(width: int, layers: int) -> dict[str, int | str]:
        heads = {"num_attention_heads": width // 32, "hidden_act": "gelu", "num_hidden_layers": layers}
        return {"hidden_size": width, "intermediate_size": 4 * width, **heads}

    text = {
        **tower(128, 12),
        "vocab_size": len(tokenizer),
        "max_position_embeddings": tokenizer.model_max_length,
        **{f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad")},
    }
    vision = {**tower(192, 6), "image_size": SIZE, "patch_size": PATCH}
    torch.manual_seed(seed)
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=128))
    return ClipEncoder(model, tokenizer, TRANSFORM)


def features_of(
    encoder: ClipEncoder, scenes: Scenes, settings: PretrainingSettings
) -> Callable[[int], PairFeatures]:
    """Return what makes the features of a step's pairs; each caption of a scene comes in its turn."""
    few = np.flatnonzero(scenes.objects <= FEW_OBJECTS)
    if len(few) < settings.batch_size:
        raise OmniNegClipError(
            f"Training begins with scenes of {FEW_OBJECTS} objects at most, and {len(few)} of "
            f"{len(scenes.objects)} are too few for a batch of {settings.batch_size}: choose more --scenes "
            "or a smaller --batch, and another --work."
        )
    everything = np.arange(len(scenes.objects))
    pools = [
        (rows, BatchSampler(len(rows), settings.batch_size, settings.seed)) for rows in (few, everything)
    ]
    half = (SIZE // PATCH) ** 2 // 2

    def features(step: int) -> PairFeatures:
        done = step / settings.steps
        pool, sampler = pools[done >= FEW_UNTIL]
        rows = pool[sampler.batch(step)]
        # copies to a GPU wait for what it computes, so they come first
        pixels, texts = scenes.images(rows), scenes.texts(rows, (rows + step // len(sampler)) % CAPTIONS)
        images = image_features(encoder.model, pixels, half if done < MASKED_UNTIL else None)
        return PairFeatures(F.normalize(images.float(), dim=-1), encoder.family.encode(texts))

    return features


def pretrain(options: argparse.Namespace, tokenizer: PreTrainedTokenizerBase) -> ClipEncoder:
    """Train to the last step, from the last checkpoint if there is one."""
    device = torch.device(options.device)
    scenes = draw(options.work / "scenes", options.scenes, options.seed, tokenizer, device)
    encoder = build(tokenizer, options.seed)
    torch.nn.Module.to(encoder.model, device)
    settings = PretrainingSettings(
        steps=options.steps,
        warmup=options.warm_up,
        batch_size=options.batch,
        learning_rate=options.rate,
        weight_decay=options.weight_decay,
        seed=options.seed,
        precision=options.precision,
    )
    training = Pretraining(encoder, features_of(encoder, scenes, settings), settings)
    files = options.work / "log.jsonl", options.work / "checkpoint.safetensors"
    resumable = ResumableTraining(training, *files, every=options.checkpoint_every)
    resumable.restore()
    for _ in resumable.steps("Pretraining"):
        pass
    return encoder


def at_least(low: int) -> Callable[[str], int]:
    """Return what reads a whole number from `low` on."""

    def number(text: str) -> int:
        if int(text) < low:
            raise argparse.ArgumentTypeError(f"{text} is below {low}")
        return int(text)

    return number


def rate(text: str) -> float:
    """Read a number above 0 and up to 1."""
    if not 0 < float(text) <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and up to 1")
    return float(text)


def parse() -> argparse.Namespace:
    """Read the options; those of a smoke run are defaults too."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--precision", choices=("fp32", "bf16"), help="bf16 on a GPU, fp32 on a CPU by default"
    )
    parser.add_argument("--scenes", type=at_least(1), default=110_000)
    parser.add_argument("--steps", type=at_least(3), default=3273)
    parser.add_argument("--warm-up", type=at_least(1), default=300)
    parser.add_argument("--batch", type=at_least(2), default=1024)
    parser.add_argument("--rate", type=rate, default=1e-3)  # that of the shipped weights is not on record
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--seed", type=at_least(0), default=7)
    parser.add_argument("--threads", type=at_least(1), default=2)
    parser.add_argument("--tokenizer", type=Path, help="a folder; that of scenes-small by default")
    parser.add_argument("--checkpoint-every", type=at_least(1), default=100)
    parser.add_argument(
        "--questions", type=at_least(4), default=1000, help="of each kind, that the card reports"
    )
    parser.add_argument("--remark", default="", help="what else a reader of the card should know")
    parser.add_argument("--smoke", action="store_true")
    if parser.parse_known_args()[0].smoke:
        parser.set_defaults(**SMOKE)
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: PyTorch sees no GPU here, choose cpu or auto")
    if options.warm_up + 2 > options.steps:
        parser.error(f"--warm-up {options.warm_up}: it must be below --steps by 2 or more")
    if options.batch > options.scenes:
        parser.error(f"--batch {options.batch}: it must be at most --scenes, {options.scenes}")
    if str(options.out) in SHIPPED:
        parser.error(f"--out {options.out}: this name loads the model that ships, so choose another folder")
    if options.device == "auto":
        options.device = "cuda" if torch.cuda.is_available() else "cpu"
    options.precision = options.precision or {"cuda": "bf16", "cpu": "fp32"}[options.device]
    return options


def main() -> None:
    """Draw, train, measure, save."""
    options = parse()
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    refuse_occupied(options.out)
    tokenizer = (
        load_tokenizer(options.tokenizer) if options.tokenizer else load_clip("scenes-small").tokenizer
    )
    with hold(options.work):
        plan = {name: value for name, value in vars(options).items() if name not in FREE}
        same_plan(options.work / "options.json", plan)
        encoder = pretrain(options, tokenizer)
    export(encoder, options)


if __name__ == "__main__":
    run_resumable(main)
