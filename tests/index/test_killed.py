"""An index that is killed while it grows loses nothing that was written, and doubles nothing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import numpy as np
import pytest
from image_folders import bring_up_to_date, draw, stored

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.errors import OmniNegClipError

PROGRAM = """
import sys
from pathlib import Path
import omninegclip.index.update as update
from image_folders import bring_up_to_date
from tiny_clip import tiny_encoder

update.WRITTEN = 4
if __name__ == "__main__":
    encoder = tiny_encoder()
    encoder.image_batch = 4
    print("begins", flush=True)
    bring_up_to_date(sys.argv[1], [Path(sys.argv[2])], encoder)
"""


def count(db: Path) -> int:
    try:
        return len(stored(db))
    except OmniNegClipError:  # it was killed before there was any
        return 0


def start(program: Path, db: Path, photos: Path) -> "subprocess.Popen[str]":
    helpers = Path(__file__).parents[1] / "helpers"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(helpers), *sys.path])}
    process = subprocess.Popen(
        [sys.executable, str(program), str(db), str(photos)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begins\n"
    return process


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path: Path, encoder: ClipEncoder) -> None:
    photos, db, random = tmp_path / "photos", tmp_path / "db", Random(7)
    for number in range(120):
        draw(photos / f"{number}.png", number)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    before = 0
    for attempt in range(10):
        process = start(program, db, photos)
        time.sleep(random.uniform(0.2, 4))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        now = count(db)
        assert before - attempt <= now <= 120 + attempt  # rows of where an image was go at the end
        before = now
        (photos / f"{attempt}.png").rename(photos / f"moved-{attempt}.png")  # its row is found again
    bring_up_to_date(db, [photos], encoder)
    rows = stored(db)
    assert sorted(rows) == sorted(str(each) for each in photos.iterdir())
    for path, vector in zip(rows, encoder.embed_image(map(Path, rows)), strict=True):
        np.testing.assert_allclose(rows[path]["vector"], vector, atol=1e-6)
