"""A little data with images and a tiny CLIP on disk, and the verb `train` as a process."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from command_line import Outcome, call
from PIL import Image
from tiny_clip import contrast, tiny_encoder

from omninegclip.clip.io.save import save_clip
from omninegclip.data.record import write_records

THINGS = ["dog", "cat", "owl", "bus", "car", "cup", "egg", "fox", "pig", "hat", "bat", "cow"]
OPTIONS = {
    "model": "clip",
    "steps": 12,
    "warmup": 2,
    "batch_size": 6,
    "learning_rate": 1e-3,
    "held_out_share": 0.3,
    "validate_every": 5,
    "checkpoint_every": 3,
    "mask_same_image": "true",
}


class Place(NamedTuple):
    """A folder with `records.parquet`, its images, and a model `clip`."""

    folder: Path

    def command(self, *arguments: str, **options: object) -> list[str]:
        sets = [f"--set={key}={value}" for key, value in {**OPTIONS, **options}.items()]
        verb = ["-m", "omninegclip", "train", "records.parquet", "--preset=scenes-paper", "--cache=features"]
        return [sys.executable, *verb, *sets, *arguments]

    def start(self, command: Sequence[str], **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, *arguments: str, **options: object) -> Outcome:
        """Run the verb in this process, which is faster."""
        return call(*self.command(*arguments, **options)[3:], cwd=self.folder)


def make_place(folder: Path) -> Place:
    records = []
    for number, thing in enumerate(THINGS * 3):
        image = number // 2
        Image.new("RGB", (40, 32), (image * 9 % 255, image * 41 % 255, 60)).save(folder / f"{image}.png")
        other = THINGS[number * 5 % 11]
        records.append(
            {
                "image": f"{image}.png",
                "image_id": str(image),
                "caption": f"a {thing} and a {other}",
                "presence_negated": None if number == 3 else f"a {other}, but no {thing}",
                "absence_negated": f"a {thing}, not a {THINGS[number * 7 % 12]}",
                "objects_present": [thing, other],
                "contrast_set": contrast(thing, other, THINGS[number * 7 % 12]),
            }
        )
    write_records(folder / "records.parquet", records)
    save_clip(folder / "clip", tiny_encoder(text_layers=4), base="random weights")
    return Place(folder)
