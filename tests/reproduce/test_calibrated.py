"""What a reproduction made is checked before it is used."""

from pathlib import Path

from image_folders import draw
from tiny_clip import tiny_encoder

from omninegclip.reproduce.stages import Stages
from omninegclip.scoring.calibration import load_calibration


def test_a_damaged_calibration_is_made_again(tmp_path: Path) -> None:
    encoder = tiny_encoder()
    stages = Stages.__new__(Stages)  # without public files, of which nothing is needed here
    stages.work = tmp_path
    stages._background = [draw(tmp_path / f"{number}.png", number) for number in range(50)]
    made = stages._calibration(encoder)
    assert made is not None
    whole = made.read_bytes()
    made.write_bytes(whole[:-5])
    assert stages._calibration(encoder) == made
    assert made.read_bytes() == whole
    assert len(load_calibration(made, encoder.image_fingerprint).background) == 50
