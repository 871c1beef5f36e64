"""How fast photos are indexed, and how large a share of the time the encoder works.

    python benchmarks/index.py PHOTOS --count 1000

The model has ViT-B/32 geometry and random weights; --model names another. Memory is that of this process and
of those that decode, seen after each batch: the most in the second and in the last quarter of the batches.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

# The processes that decode import this file too, and in the verb they import neither torch nor the rest: as
# there, heavy imports are inside of functions.
from omninegclip.index.walk import find_images
from omninegclip.memory import keep_freed_memory

if TYPE_CHECKING:
    import torch

    from omninegclip.clip.encoder import ClipEncoder


def memory() -> float:
    """Return the megabytes in memory of this process and its children."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    pages = 0
    for process in ("self", *children):
        try:
            pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
        except OSError:  # it has just ended
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    import torch
    from transformers import CLIPConfig, CLIPModel

    from omninegclip.clip.encoder import ClipEncoder
    from omninegclip.clip.text.tokenizer import find_tokenizer
    from omninegclip.clip.transform import ImageTransform
    from omninegclip.index.loading import load_for

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, help="a folder of images")
    parser.add_argument("--count", type=int, default=1000, help="images, the same ones again where too few")
    parser.add_argument("--model", help="a model to take instead of random weights")
    parser.add_argument("--tokenizer", type=Path, default=Path("no folder"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--processes", type=int)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    keep_freed_memory()
    torch.manual_seed(0)
    encoder = (
        load_for(asked.model, asked.device)
        if asked.model
        else ClipEncoder(CLIPModel(CLIPConfig()), find_tokenizer(asked.tokenizer, 49408), ImageTransform())
    )
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work, "photos")
        copied(asked.photos, folder, asked.count)
        print(json.dumps(measured(encoder, folder, Path(work, "db"), asked.processes), indent=2))


def copied(photos: Path, folder: Path, count: int) -> None:
    """Write `count` images; one that comes again gets another content, or it would not be embedded again."""
    folder.mkdir()
    files = list(find_images([photos]).files)
    for number in range(count):
        source = Path(files[number % len(files)])
        again = b"" if number < len(files) else b"%d" % number  # what stands behind the image is not read
        (folder / f"{number:06}{source.suffix}").write_bytes(source.read_bytes() + again)


def measured(encoder: "ClipEncoder", folder: Path, db: Path, processes: int | None) -> dict[str, object]:
    import torch

    from omninegclip.index.embed import on_this_machine
    from omninegclip.index.store import Header, writable_store
    from omninegclip.index.update import update

    encode, busy, seen, started = encoder.encode_images, [], [], []

    def timed(pixels: "torch.Tensor") -> "torch.Tensor":
        began = time.perf_counter()
        started.append(began)
        features = encode(pixels)
        if features.is_cuda:
            torch.cuda.synchronize()
        busy.append(time.perf_counter() - began)
        seen.append(memory())
        return features

    encoder.encode_images = timed  # type: ignore[method-assign]
    began = time.perf_counter()
    with writable_store(str(db), Header.of(encoder, "measured")) as store:
        changes = update(store, [folder], on_this_machine(encoder, processes))
    ended = time.perf_counter()
    seconds = ended - began
    quarter = max(len(seen) // 4, 1)
    return {
        "images": changes.new,
        "threads": torch.get_num_threads(),
        "images_per_second": round(changes.new / seconds, 1),
        "seconds_before_the_first_batch": round(started[0] - began, 1),
        "encoder_busy_share": round(sum(busy) / seconds, 3),
        "encoder_busy_share_from_then_on": round(sum(busy) / (ended - started[0]), 3),
        "memory_MB_second_quarter": round(max(seen[quarter : 2 * quarter] or seen)),
        "memory_MB_last_quarter": round(max(seen[-quarter:])),
    }


if __name__ == "__main__":
    main()
