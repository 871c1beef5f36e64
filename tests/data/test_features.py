"""The cache of frozen features: right, once per image, and never stale, torn or written twice."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

from omninegclip.data.features import ImageFeatureCache
from omninegclip.errors import OmniNegClipError
from omninegclip.images import open_image
from omninegclip.objectives import absence, presence

DIM = 16


class ColourEncoder:
    """A small real encoder: a fixed projection of the image's pixels."""

    def __init__(self, fingerprint: str = "a", seconds: float = 0.0, log: Path | None = None) -> None:
        self.dim = DIM
        self.image_fingerprint = fingerprint
        self.seconds, self.log = seconds, log
        self.seen = 0
        self.weights = np.random.default_rng(len(fingerprint)).normal(size=(12, DIM))

    def embed_image(self, images: Iterable[Path | Image.Image]) -> NDArray[np.float32]:
        pixels = np.stack([np.asarray(open_image(image)).reshape(-1) for image in images])
        self.seen += len(pixels)
        if self.log:
            with self.log.open("a") as file:
                file.write(f"{len(pixels)}\n")
        time.sleep(self.seconds)
        features = (pixels + 1.0) @ self.weights
        return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)


def photos(folder: Path, count: int) -> list[Path]:
    paths = []
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (2, 2, 3), dtype=np.uint8)
        paths.append(folder / f"{number}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def everything(count: int) -> NDArray[np.int64]:
    return np.arange(count)


def test_features_are_the_encoders_rounded_to_float16(tmp_path: Path) -> None:
    images = photos(tmp_path, 10)
    features = ImageFeatureCache(tmp_path / "cache", chunk=3).features(ColourEncoder(), images)
    expected = torch.from_numpy(ColourEncoder().embed_image(images).astype(np.float16)).float()
    assert len(features) == 10
    assert torch.equal(features[everything(10)], expected)
    assert torch.equal(features[np.array([7, 2])], expected[[7, 2]])
    assert isinstance(features.stored, np.memmap)


def test_the_tower_sees_a_distinct_image_once(tmp_path: Path) -> None:
    first, second = photos(tmp_path, 2)
    same = second.read_bytes()
    encoder = ColourEncoder()
    features = ImageFeatureCache(tmp_path / "cache").features(encoder, [second, first, first, same, same])
    assert encoder.seen == 2  # bytes are the same image as the file that holds them
    rows = features[everything(5)]
    assert torch.equal(rows[1], rows[2])
    assert torch.equal(rows[0], rows[3])
    again = ColourEncoder()
    ImageFeatureCache(tmp_path / "cache").features(again, [second, first, first, same, same])
    assert again.seen == 0


def test_another_model_or_list_or_a_changed_image_is_computed_anew(tmp_path: Path) -> None:
    images = photos(tmp_path, 4)
    cache = ImageFeatureCache(tmp_path / "cache")
    cache.features(ColourEncoder(), images)
    for other, listed in ((ColourEncoder("bb"), images), (ColourEncoder(), images[::-1])):
        features = cache.features(other, listed)
        assert other.seen == 4
        expected = torch.from_numpy(other.embed_image(listed).astype(np.float16)).float()
        assert torch.equal(features[everything(4)], expected)
    images[2].write_bytes(images[3].read_bytes())
    features = cache.features(changed := ColourEncoder(), images)
    assert changed.seen == 3  # two of the four are the same now
    assert torch.equal(*features[np.array([2, 3])])


def compute(folder: Path, images: list[Path], seconds: float, log: Path) -> None:
    encoder = ColourEncoder(seconds=seconds, log=log)
    ImageFeatureCache(folder, chunk=2).features(encoder, images)


def start(folder: Path, images: list[Path], seconds: float, log: Path) -> multiprocessing.Process:
    process = multiprocessing.get_context("fork").Process(target=compute, args=(folder, images, seconds, log))
    process.start()
    return process


def lines(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_goes_on_after_being_killed(tmp_path: Path) -> None:
    images, log = photos(tmp_path, 12), tmp_path / "log"
    process = start(tmp_path / "cache", images, 0.1, log)
    while lines(log) < 4:
        time.sleep(0.01)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    (partial,) = (tmp_path / "cache").glob("*.partial")
    with partial.open("ab") as file:
        file.write(b"torn")  # as if half a row had reached the disk
    encoder = ColourEncoder()
    features = ImageFeatureCache(tmp_path / "cache", chunk=2).features(encoder, images)
    assert 0 < encoder.seen <= 12 - 6  # the first three chunks were on disk before the fourth was begun
    expected = torch.from_numpy(ColourEncoder().embed_image(images).astype(np.float16)).float()
    assert torch.equal(features[everything(12)], expected)
    assert not list((tmp_path / "cache").glob("*.partial"))


def test_of_two_writers_one_computes_and_both_have_the_features(tmp_path: Path) -> None:
    images, log = photos(tmp_path, 6), tmp_path / "log"
    processes = [start(tmp_path / "cache", images, 0.1, log) for _ in range(2)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert lines(log) == 3
    features = ImageFeatureCache(tmp_path / "cache").features(after := ColourEncoder(), images)
    assert after.seen == 0
    assert len(features[everything(6)]) == 6


@pytest.mark.parametrize("ending", [".f16", ".json"])
@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "lose", "lengthen"])
def test_features_that_were_damaged_are_computed_again(tmp_path: Path, ending: str, harm: str) -> None:
    images, cache = photos(tmp_path, 5), ImageFeatureCache(tmp_path / "cache", chunk=2)
    expected = cache.features(ColourEncoder(), images)[everything(5)]
    (path,) = (tmp_path / "cache").glob(f"*{ending}")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    harmed = {"flip": content, "cut": content[:-7], "empty": b"", "lengthen": path.read_bytes() + b"12"}
    path.write_bytes(harmed[harm]) if harm != "lose" else path.unlink()
    features = cache.features(again := ColourEncoder(), images)
    assert torch.equal(features[everything(5)], expected)
    assert again.seen == 5
    cache.features(after := ColourEncoder(), images)
    assert after.seen == 0


def test_a_flipped_bit_in_what_a_killed_process_left_is_not_kept(tmp_path: Path) -> None:
    images, cache = photos(tmp_path, 6), ImageFeatureCache(tmp_path / "cache", chunk=2)
    broken = images[5].read_bytes()
    images[5].write_text("no image")
    with pytest.raises(OmniNegClipError, match=r"5\.png"):
        cache.features(ColourEncoder(), images)
    (partial,) = (tmp_path / "cache").glob("*.partial")
    content = bytearray(partial.read_bytes())
    content[2 * 2 * DIM + 1] ^= 1  # in the second of the two chunks that were written
    partial.write_bytes(content)
    first = ColourEncoder()
    with pytest.raises(OmniNegClipError, match=r"5\.png"):
        cache.features(first, images)
    assert first.seen == 2
    images[5].write_bytes(broken)
    features = cache.features(ColourEncoder(), images)
    expected = torch.from_numpy(ColourEncoder().embed_image(images).astype(np.float16)).float()
    assert torch.equal(features[everything(6)], expected)


def test_a_image_that_changed_within_its_size_and_time_is_another_one(tmp_path: Path) -> None:
    images, cache = photos(tmp_path, 2), ImageFeatureCache(tmp_path / "cache")
    Image.new("RGB", (2, 2), "red").save(images[0], "BMP")
    before, found = cache.features(ColourEncoder(), images)[everything(2)], images[0].stat()
    Image.new("RGB", (2, 2), "blue").save(images[0], "BMP")
    os.utime(images[0], ns=(found.st_atime_ns, found.st_mtime_ns))
    assert images[0].stat().st_size == found.st_size
    after = cache.features(ColourEncoder(), images)[everything(2)]
    assert not torch.equal(before[0], after[0])


def test_a_link_that_lies_where_features_go_is_not_followed(tmp_path: Path) -> None:
    images, cache = photos(tmp_path, 2), ImageFeatureCache(tmp_path / "cache")
    cache.features(ColourEncoder(), images)
    (path,) = (tmp_path / "cache").glob("*.f16")
    path.unlink()
    (tmp_path / "mine").write_text("mine")
    path.with_suffix(".partial").symlink_to(tmp_path / "mine")
    with pytest.raises(OmniNegClipError, match="Can't write"):
        cache.features(ColourEncoder(), images)
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_image_that_can_not_be_read_is_named_and_keeps_what_was_done(tmp_path: Path) -> None:
    images = photos(tmp_path, 6)
    images[5].write_text("no image")
    cache = ImageFeatureCache(tmp_path / "cache", chunk=2)
    with pytest.raises(OmniNegClipError, match=r"5\.png"):
        cache.features(ColourEncoder(), images)
    images[5].unlink()
    with pytest.raises(OmniNegClipError, match=r"5\.png does not exist"):
        cache.features(ColourEncoder(), images)


def test_features_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    encoder = ColourEncoder()
    encoder.weights[3] = np.nan
    with pytest.raises(OmniNegClipError, match=r"features of .*0\.png are not finite"):
        ImageFeatureCache(tmp_path / "cache").features(encoder, photos(tmp_path, 2))


def test_a_folder_that_can_not_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(OmniNegClipError, match=r"Can't keep image features in .*cache: File exists"):
        ImageFeatureCache(tmp_path / "cache").features(ColourEncoder(), photos(tmp_path, 1))


@pytest.mark.parametrize(("scale", "tolerance"), [(14.3, 1e-4), (100.0, 1e-3)])
def test_what_rounding_to_float16_does_to_the_losses(scale: float, tolerance: float) -> None:
    torch.manual_seed(0)
    images = F.normalize(torch.randn(128, 512), dim=-1)
    captions = F.normalize(images + 0.1 * torch.randn(128, 512), dim=-1)
    negated = F.normalize(captions + 0.01 * torch.randn(128, 512), dim=-1)
    rounded = images.half().float()
    for objective in (presence, absence):
        exact = objective(images, captions, negated, torch.tensor(scale))["loss"]
        cached = objective(rounded, captions, negated, torch.tensor(scale))["loss"]
        assert abs(exact - cached) < tolerance
