import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
from command_line import call
from PIL import Image

from omninegclip.clip.io.load import load_clip
from omninegclip.clip.io.save import save_clip
from omninegclip.evaluation.scorer import make_scorer
from omninegclip.index.search import Index
from omninegclip.scoring.calibration import FILE, calibration_of, load_calibration


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


def test_numbers_that_were_chosen_for_a_model_are_kept_and_used(photos: Path) -> None:
    numbers = ["--threshold=0.75", "--level=1"]
    code, _, errors = call("calibrate", "scenes-small", str(photos), "--out=own", *numbers, cwd=photos)
    assert code == 0, errors
    encoder = load_clip("scenes-small")
    kept = load_calibration(photos / "own", encoder.image_fingerprint)
    assert (kept.gate.threshold, kept.gate.level) == (0.75, 1.0)
    texts, image = ["a dog", "no cat"], encoder.embed_image(sorted(photos.rglob("*.png"))[:1])
    chosen = [
        scorer.of("scenes-small", encoder)(texts).choose_text(image, np.array([0, 2]))[0]
        for scorer in (
            make_scorer("rules", "gate", photos / "own"),
            make_scorer("rules", "gate", photos / "own", 2.0),
            make_scorer("rules", "gate", photos / "own", 2.0, level=0.0),
        )
    ]
    assert chosen[1] == pytest.approx(chosen[0] + np.array([-1.25, 1.25]))
    assert not np.allclose(chosen[1], chosen[2])


def test_a_search_uses_the_numbers_of_its_models_calibration(photos: Path, tmp_path: Path) -> None:
    encoder = load_clip("scenes-small")
    save_clip(tmp_path / "model", encoder, base="scenes-small")
    shipped = calibration_of("scenes-small", encoder.image_fingerprint)
    shipped._replace(gate=shipped.gate._replace(threshold=0.5), nouns=("dog",)).save(
        tmp_path / "model" / FILE
    )
    db = str(tmp_path / "db")
    assert call("index", str(photos), "--db", db, "--model", str(tmp_path / "model"), cwd=photos)[0] == 0
    found = Index.open(db)
    assert found.calibration.gate.threshold == 0.5
    assert found.known.nouns == ("dog",)
    hit = found.search("no cat", top=1)[0]
    z = found.score(found.understand("no cat", (), {})).negated.z(vector_of(found, hit.path))
    assert hit.negated["a cat"] == pytest.approx(1 / (1 + np.exp(-4 * (float(z[0, 0]) - 0.5))), abs=1e-4)


@pytest.mark.parametrize("harm", ["cut", "other tower", "folder", "gate"])
def test_a_calibration_that_does_not_fit_is_told_and_not_passed_over(
    photos: Path, tmp_path: Path, harm: str
) -> None:
    encoder = load_clip("scenes-small")
    save_clip(tmp_path / "model", encoder, base="scenes-small")
    file, shipped = tmp_path / "model" / FILE, calibration_of("scenes-small", encoder.image_fingerprint)
    index = ["index", str(photos), "--db", str(tmp_path / "db"), "--model", str(tmp_path / "model")]
    assert call(*index, cwd=photos)[0] == 0
    if harm == "folder":
        file.mkdir()
    else:
        changed = {
            "other tower": {"fingerprint": "x"},
            "gate": {"gate": shipped.gate._replace(threshold=11.0)},
        }
        shipped._replace(**changed.get(harm, {})).save(file)
    if harm == "cut":
        file.write_bytes(file.read_bytes()[:1000])
    code, output, errors = call("search", "a dog", "--db", str(tmp_path / "db"), cwd=tmp_path)
    assert (code, output) == (1, "")
    assert FILE in errors
    assert "Traceback" not in errors


def test_a_folder_of_a_shipped_models_name_is_not_taken_for_it(photos: Path, tmp_path: Path) -> None:
    encoder = load_clip("scenes-small")
    shipped = calibration_of("scenes-small", encoder.image_fingerprint)
    (tmp_path / "scenes-small").mkdir()
    shipped._replace(gate=shipped.gate._replace(threshold=0.5)).save(tmp_path / "scenes-small" / FILE)
    assert call("index", str(photos), "--db", "db", cwd=tmp_path)[0] == 0
    with contextlib.chdir(tmp_path):
        assert Index.open("db").calibration.gate == shipped.gate
        assert calibration_of("scenes-small", encoder.image_fingerprint).gate == shipped.gate


def test_vectors_made_elsewhere_go_by_the_models_calibration_too(photos: Path, tmp_path: Path) -> None:
    encoder = load_clip("scenes-small")
    np.save(tmp_path / "v.npy", encoder.embed_image(sorted(photos.rglob("*.png"))))
    (tmp_path / "p.txt").write_text("\n".join(map(str, sorted(photos.rglob("*.png")))))
    arguments = ["--vectors", "v.npy", "--paths", "p.txt", "--db", "db", "--model", "scenes-small"]
    assert call("index", *arguments, cwd=tmp_path)[0] == 0
    found = Index.open(tmp_path / "db").calibration
    assert found.nouns == calibration_of("scenes-small", encoder.image_fingerprint).nouns


def vector_of(index: Index, path: str) -> np.ndarray:
    (batch,) = index.store.engine.scan(None)
    paths = [row["path"] for row in index.store.engine.facts(list(batch.keys))]
    return batch.vectors[[paths.index(path)]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["photos", "--threshold=11"], "The threshold must be from -10 to 10 standard deviations, not 11.0."),
        (["photos", "--level=-1"], "The level must be a share from 0 to 1, not -1.0."),
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
