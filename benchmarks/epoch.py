"""An epoch over 20,000 real captions: does the training loop ever wait for its data?

    python benchmarks/epoch.py ../shared/data/flickr8k/Flickr8k.token.txt           some minutes on two cores
    python benchmarks/epoch.py ../shared/data/flickr8k/Flickr8k.token.txt --steps 10

Captions are read, negated by a simple rule, tokenized, sampled, packed and trained on with the package's own
loader and loop; image features are random, as if from the cache. `--device cuda` steps on a GPU.

JSON on stdout: `step_share`, the part of the wall time, reading and tokenizing included, that optimizer steps
take; `data_seconds_per_step`, for which the loop waits for a batch; `captions_per_second`; `tokens_share`,
packed tokens over tokens padded to the context.
"""

import argparse
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch.nn import functional as F
from transformers import CLIPConfig, CLIPModel

from omninegclip.clip.device import choose_device, moved
from omninegclip.clip.policy import apply_policy, parameter_groups
from omninegclip.clip.text.packing import pack
from omninegclip.data.sampler import BatchSampler
from omninegclip.memory import keep_freed_memory
from omninegclip.objectives.objective import shipped_objectives
from omninegclip.training.loop import backward_through, train
from omninegclip.training.methods.method import BatchPlan
from omninegclip.training.methods.pairs import PairBatch, Triplets, make_triplets, pair_batches
from omninegclip.training.prefetch import made_ahead
from omninegclip.training.task import TrainingTask

CONTEXT, DIM = 77, 128


def read_records(path: Path, count: int) -> list[dict[str, Any]]:
    """Return captions with something of their own negated, and with something of another caption negated."""
    rows = [line.split("\t") for line in path.read_text().splitlines()[:count]]
    others = random.Random(0).sample(rows, len(rows))  # noqa: S311 - no secret
    records = []
    for (key, caption), (_, other) in zip(rows, others, strict=True):
        words = caption.rstrip(" .").split()
        middle = len(words) // 2
        records.append(
            {
                "image_id": key.partition("#")[0],
                "caption": caption,
                "presence_negated": " ".join([*words[:middle], "no", *words[middle:]]),
                "absence_negated": f"{' '.join(words)}, but no {other.rstrip(' .').split()[-1]}",
            }
        )
    return records


class Words:
    """A byte-pair vocabulary learned from the captions themselves."""

    def __init__(self, captions: list[str], size: int) -> None:
        self.model = Tokenizer(models.BPE())
        self.model.normalizer = normalizers.Lowercase()
        self.model.pre_tokenizer = pre_tokenizers.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=size, special_tokens=["<begin>", "<end>"], show_progress=False
        )
        self.model.train_from_iterator(captions, trainer)

    def __call__(self, texts: list[str]) -> list[list[int]]:
        return [[0, *found.ids[: CONTEXT - 2], 1] for found in self.model.encode_batch(texts)]


def tiny_clip(vocabulary: int) -> CLIPModel:
    torch.manual_seed(0)
    text = {
        "vocab_size": vocabulary,
        "hidden_size": 128,
        "intermediate_size": 512,
        "num_hidden_layers": 12,
        "num_attention_heads": 4,
        "bos_token_id": 0,
        "eos_token_id": 1,
    }
    vision = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 1}
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=DIM))


class Waiting:
    """An iterator that counts the seconds it keeps the loop waiting, and the tokens it hands out."""

    def __init__(self, stream: Iterator[PairBatch]) -> None:
        self.stream, self.seconds, self.packed, self.padded = stream, 0.0, 0, 0

    def __iter__(self) -> Iterator[PairBatch]:
        return self

    def __next__(self) -> PairBatch:
        begun = time.perf_counter()
        batch = next(self.stream)
        self.seconds += time.perf_counter() - begun
        self.packed += sum(chunk.tokens_packed for chunk in batch.texts)
        self.padded += sum(chunk.tokens_padded for chunk in batch.texts)
        return batch


def run_epoch(triplets: Triplets, model: CLIPModel, batch_size: int, steps: int | None) -> dict[str, Any]:
    apply_policy(model)
    device = model.device
    task = TrainingTask(model, shipped_objectives()["omni"].minimised({}))
    groups = parameter_groups(model, 0.2, decay_all=True)
    optimizer = torch.optim.AdamW(groups, lr=1e-6, fused=True)
    samplers = [
        BatchSampler(len(pairs.captions), batch_size, seed)
        for seed, pairs in enumerate((triplets.presence, triplets.absence))
    ]
    steps = steps or max(map(len, samplers))
    encoder: Any = SimpleNamespace(lay_out=pack, context_length=CONTEXT)
    plan = BatchPlan(samplers, steps, 0, {"mask_same_image": True})
    stream = Waiting(made_ahead(pair_batches(triplets, encoder, plan)))
    moving = (moved(batch, device) for batch in stream)
    begun = time.perf_counter()
    backward = backward_through(task)
    for step in train(backward, optimizer, moving, lambda _step: 1.0, range(steps)):
        task.family.clamp_scale()
        scalars = step.scalars
    loss = scalars["loss"]  # a GPU is done then
    return {
        "steps": steps,
        "seconds": time.perf_counter() - begun,
        "last_loss": loss,
        "data_seconds_per_step": stream.seconds / steps,
        "tokens_share": stream.packed / stream.padded,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("captions", type=Path, help="Flickr8k.token.txt")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--batch-size", type=int, default=128, help="images of each kind of negation")
    parser.add_argument("--steps", type=int, help="instead of an epoch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:N or auto")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    records = read_records(options.captions, options.count)
    words = Words([record["caption"] for record in records], size=2048)  # as shipped with a model: not timed
    begun = time.perf_counter()
    records = read_records(options.captions, options.count)
    features = F.normalize(torch.randn(len(records), DIM), dim=-1)
    triplets = make_triplets(records, features, words)
    loading = time.perf_counter() - begun
    epoch = run_epoch(
        triplets, tiny_clip(2048).to(choose_device(options.device)), options.batch_size, options.steps
    )
    stepping = epoch["seconds"] - epoch["data_seconds_per_step"] * epoch["steps"]
    result = {
        "step_share": stepping / (epoch["seconds"] + loading),
        "captions_per_second": epoch["steps"] * options.batch_size / epoch["seconds"],
        "texts_per_second": 4 * epoch["steps"] * options.batch_size / epoch["seconds"],
        "loading_seconds": loading,
        "threads": options.threads,
        "device": options.device,
    }
    print(json.dumps(epoch | result, indent=2))


if __name__ == "__main__":
    main()
