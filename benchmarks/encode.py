"""Images and texts per second at ViT-B/32 geometry with random weights: ours, transformers, open_clip.

    python benchmarks/encode.py --photos PHOTOS --captions Flickr8k.token.txt [--device cuda]

Every contestant runs in a process of its own (the allocator is set process-wide) on the same weights, files
and threads, alternating over the rounds, and the median round counts. Prints one JSON object. open_clip takes
part where it is installed. OpenAI's vocabulary comes from an installed CLIP package or from --tokenizer.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

from omninegclip.clip.device import ComputePlace, choose_device
from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.layouts import to_openai
from omninegclip.clip.io.load import load_clip
from omninegclip.clip.io.save import save_clip
from omninegclip.clip.text.tokenizer import find_tokenizer
from omninegclip.clip.transform import ImageTransform
from omninegclip.memory import keep_freed_memory

Task = Callable[[list], np.ndarray]
FLOPS_IMAGE = 2 * 4.37e9  # multiplications and additions of ViT-B/32 on one image of 224 pixels


def ours(folder: Path, device: torch.device) -> dict[str, Task]:
    keep_freed_memory()
    encoder = load_clip(folder, place=ComputePlace(device))
    return {"jpeg": encoder.embed_image, "decoded": encoder.embed_image, "text": encoder.embed_text}


def transformers(folder: Path, device: torch.device) -> dict[str, Task]:
    model, tokenizer = CLIPModel.from_pretrained(folder).to(device), find_tokenizer(folder, 49408)
    processor = CLIPImageProcessorPil.from_pretrained(folder)

    def images(batch: list) -> np.ndarray:
        opened = [Image.open(item) if isinstance(item, Path) else item for item in batch]
        return model.get_image_features(**processor(opened, return_tensors="pt").to(device)).pooler_output

    def texts(batch: list, padding: str = "longest") -> np.ndarray:
        ids = tokenizer(batch, padding=padding, truncation=True, max_length=77, return_tensors="pt")
        return model.get_text_features(**ids.to(device)).pooler_output

    return {
        "jpeg": in_batches(images, 32),
        "decoded": in_batches(images, 32),
        "text": in_batches(texts, 64),
        "text_padded_to_77": in_batches(lambda batch: texts(batch, "max_length"), 64),
    }


def open_clip(folder: Path, device: torch.device) -> dict[str, Task]:
    import open_clip as library

    model, _, preprocess = library.create_model_and_transforms("ViT-B-32-quickgelu")
    model.load_state_dict(to_openai(CLIPModel.from_pretrained(folder).state_dict()))
    model.eval().to(device)
    tokenize = library.get_tokenizer("ViT-B-32-quickgelu")

    def images(batch: list) -> torch.Tensor:
        opened = [Image.open(item) if isinstance(item, Path) else item for item in batch]
        return model.encode_image(torch.stack([preprocess(image) for image in opened]).to(device))

    return {
        "jpeg": in_batches(images, 32),
        "decoded": in_batches(images, 32),
        "text": in_batches(lambda batch: model.encode_text(tokenize(batch).to(device)), 64),
    }


def in_batches(function: Callable[[list], torch.Tensor], size: int) -> Task:
    @torch.inference_mode()
    def run(items: list) -> np.ndarray:
        starts = range(0, len(items), size)
        return torch.cat([F.normalize(function(items[i : i + size]), dim=-1) for i in starts]).cpu().numpy()

    return run


CONTESTANTS = {"ours": ours, "transformers": transformers, "open_clip": open_clip}


def measure(options: argparse.Namespace, photos: list[Path], captions: list[str]) -> None:
    """Run one contestant once: seconds per task to stdout, embeddings to a file."""
    torch.set_num_threads(options.threads)
    decoded = [Image.open(path).convert("RGB") for path in photos]
    items = {"jpeg": photos, "decoded": decoded}
    seconds, embeddings, folder = {}, {}, options.work / "model"
    for task, run in CONTESTANTS[options.contestant](folder, choose_device(options.device)).items():
        work = items.get(task, captions)
        run(work[:64])
        start = time.perf_counter()
        embeddings[task] = run(work)
        seconds[task] = (time.perf_counter() - start) / len(work)
    np.savez(options.work / f"{options.contestant}.npz", **embeddings)
    print(json.dumps(seconds))


def matrix_peak(threads: int, device: torch.device) -> float:
    """Return the FLOP/s of the best of ten big float32 matrix products."""
    torch.set_num_threads(threads)
    a, b = torch.randn(1600, 3072, device=device), torch.randn(3072, 3072, device=device)
    best = float("inf")
    for _ in range(10):
        start = time.perf_counter()
        a @ b
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - start)
    return 2 * 1600 * 3072 * 3072 / best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="a folder with JPEG files")
    parser.add_argument(
        "--captions", type=Path, required=True, help="one caption a line, or Flickr8k.token.txt"
    )
    parser.add_argument("--count", type=int, default=256, help="images, and a quarter of the texts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:N or auto")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--tokenizer", type=Path, default=Path("no folder"), help="OpenAI's, where no package has it"
    )
    parser.add_argument("--contestant", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    photos = sorted(options.photos.rglob("*.jpg"))[: options.count]
    lines = options.captions.read_text().splitlines()
    captions = [line.split("\t")[-1] for line in lines][: 4 * options.count]
    if options.contestant:
        measure(options, photos, captions)
        return
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(compare(options, Path(folder)), indent=2))


def compare(options: argparse.Namespace, work: Path) -> dict[str, object]:
    torch.manual_seed(0)
    encoder = ClipEncoder(CLIPModel(CLIPConfig()), find_tokenizer(options.tokenizer, 49408), ImageTransform())
    save_clip(work / "model", encoder, base="random")
    names = [name for name in CONTESTANTS if name != "open_clip" or find_spec("open_clip")]
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(options.rounds):
        for name in names:
            command = [sys.executable, *sys.argv, "--contestant", name, "--work", str(work)]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603
            rounds[name].append(json.loads(output.splitlines()[-1]))
    per_second = {
        name: {task: 1 / statistics.median(one[task] for one in runs) for task in runs[0]}
        for name, runs in rounds.items()
    }
    stored = {name: dict(np.load(work / f"{name}.npz")) for name in names}
    peak = matrix_peak(options.threads, choose_device(options.device))
    return {
        "machine": {
            "processor": platform.processor(),
            "threads": options.threads,
            "device": options.device,
            "torch": torch.__version__,
        },
        "per_second": per_second,
        "speedup_over": {
            name: {
                task: per_second["ours"][task.split("_")[0]] / speed
                for task, speed in per_second[name].items()
            }
            for name in names[1:]
        },
        "lowest_cosine_to": {
            name: {
                task: float((stored["ours"][task.split("_")[0]] * theirs).sum(axis=1).min())
                for task, theirs in stored[name].items()
            }
            for name in names[1:]
        },
        "share_of_matrix_peak": per_second["ours"]["jpeg"] * FLOPS_IMAGE / peak,
        "matrix_peak_gflops": peak / 1e9,
    }


if __name__ == "__main__":
    main()
