import json
from pathlib import Path

import pytest
from command_line import call
from PIL import Image

from omninegclip.clip.io.load import load_clip
from omninegclip.scoring.calibration import load_calibration


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos" / "of a trip"
    folder.mkdir(parents=True)
    for number in range(60):
        Image.new("RGB", (20, 16), (number * 4, 255 - number, 40)).save(folder / f"{number}.png")
    return folder.parent


def test_a_folder_becomes_a_background_and_broken_images_are_named(photos: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"no image")
    code, output, errors = call(
        "calibrate", "scenes-small", str(photos), "--out=c.safetensors", "--json", cwd=photos
    )
    assert code == 0, errors
    assert json.loads(output) == {"images": 60, "unreadable": 1, "file": "c.safetensors"}
    assert "broken.jpg" in errors
    background = load_calibration(
        photos / "c.safetensors", load_clip("scenes-small").image_fingerprint
    ).background
    assert background.shape == (60, 128)


def test_the_seed_decides_which_images_are_drawn(photos: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        arguments = [
            "calibrate",
            "scenes-small",
            str(photos),
            f"--out={name}",
            "--count=50",
            f"--seed={seed}",
        ]
        assert call(*arguments, cwd=photos)[0] == 0
    a, b, c = ((photos / name).read_bytes() for name in "abc")
    assert a == b
    assert a != c


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing"], "missing does not exist: name an image, or a folder of images."),
        (["empty"], "empty: no image file is there."),
        (["few"], "1 images can be read and 50 are needed"),
        (["photos", "--count=49"], "It must be from 50 to 100,000."),
        (["photos", "--out=taken"], "taken already exists: name a new file"),
        (["photos", "--out=empty"], "empty already exists: name a new file"),
        (["photos", "--out=taken/c"], "taken is no folder that can be written to"),
    ],
)
def test_what_can_not_be_done_is_said_and_nothing_is_written(
    photos: Path, arguments: list[str], message: str
) -> None:
    folder = photos.parent
    for name in ("empty", "few"):
        (folder / name).mkdir()
    Image.new("RGB", (9, 9)).save(folder / "few" / "one.png")
    (folder / "taken").write_text("mine")
    out = [] if any(each.startswith("--out") for each in arguments) else ["--out=c"]
    code, _, errors = call("calibrate", "scenes-small", *arguments, *out, cwd=folder)
    assert code != 0
    assert message in " ".join(errors.split())
    assert not (folder / "c").exists()
    assert (folder / "taken").read_text() == "mine"
