"""The cache of frozen features: right, once per image, and never stale, torn or written twice."""

import multiprocessing
import os
import random
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

from omninegclip.data.features import ImageFeatureCache, try_contents_of
from omninegclip.data.items import ImageRef
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


def rounded(encoder: ColourEncoder, images: Iterable[Path | Image.Image]) -> torch.Tensor:
    return torch.from_numpy(encoder.embed_image(images).astype(np.float16)).float()


def everything(count: int) -> NDArray[np.int64]:
    return np.arange(count)


def test_features_are_the_encoders_rounded_to_float16(tmp_path: Path) -> None:
    images = photos(tmp_path, 10)
    features = ImageFeatureCache(tmp_path / "cache", ColourEncoder(), chunk=3).features(images)
    expected = rounded(ColourEncoder(), images)
    assert len(features) == 10
    assert torch.equal(features[everything(10)], expected)
    assert torch.equal(features[np.array([7, 2])], expected[[7, 2]])
    assert isinstance(features.stored, np.memmap)


def test_the_tower_sees_a_distinct_image_once(tmp_path: Path) -> None:
    first, second = photos(tmp_path, 2)
    same = second.read_bytes()
    encoder = ColourEncoder()
    features = ImageFeatureCache(tmp_path / "cache", encoder).features([second, first, first, same, same])
    assert encoder.seen == 2  # bytes are the same image as the file that holds them
    rows = features[everything(5)]
    assert torch.equal(rows[1], rows[2])
    assert torch.equal(rows[0], rows[3])
    again = ColourEncoder()
    ImageFeatureCache(tmp_path / "cache", again).features([second, first, first, same, same])
    assert again.seen == 0


def test_another_model_or_a_changed_image_is_computed_anew_and_another_list_is_not(tmp_path: Path) -> None:
    images, folder = photos(tmp_path, 4), tmp_path / "cache"
    ImageFeatureCache(folder, ColourEncoder()).features(images)
    for other, listed, seen in ((ColourEncoder("bb"), images, 4), (ColourEncoder(), images[::-1], 0)):
        features = ImageFeatureCache(folder, other).features(listed)
        assert other.seen == seen
        assert torch.equal(features[everything(4)], rounded(other, listed))
    images[2].write_bytes(b"".join([images[3].read_bytes(), b"another file"]))
    images[0].write_bytes(images[1].read_bytes())
    features = ImageFeatureCache(folder, changed := ColourEncoder()).features(images)
    assert changed.seen == 1  # the other changed one is the same as its neighbour now
    assert torch.equal(*features[np.array([0, 1])])
    assert torch.equal(*features[np.array([2, 3])])


def test_each_number_format_is_kept_apart(tmp_path: Path) -> None:
    images, folder = photos(tmp_path, 3), tmp_path / "cache"
    expected = ColourEncoder().embed_image(images)
    for dtype in (np.float16, np.float32):
        for seen in (3, 0):
            features = ImageFeatureCache(folder, encoder := ColourEncoder(), dtype).features(images)
            assert encoder.seen == seen
            assert features.stored.dtype == dtype
            assert np.array_equal(features.stored[features.rows], expected.astype(dtype))


def test_a_crop_and_a_member_of_a_tar_are_images_of_their_own(tmp_path: Path) -> None:
    image, tar = photos(tmp_path, 1)[0], tmp_path / "all.tar"
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(image)
    other = photos(tmp_path, 2)[1].read_bytes()
    tar.write_bytes(b"head" + other + other)
    crop = ImageRef(str(image), (0, 0, 2, 2))
    members = [ImageRef(str(tar), span=(4 + shift, len(other))) for shift in (0, len(other))]
    encoder = ColourEncoder()
    sources = [crop, crop._replace(box=(1, 1, 2, 2)), *members, crop]
    features = ImageFeatureCache(tmp_path / "cache", encoder).features(sources)
    assert encoder.seen == 4
    pixels = [open_image(image, box=box) for box in ((0, 0, 2, 2), (1, 1, 2, 2))]
    expected = rounded(encoder, [*pixels, tmp_path / "1.png", tmp_path / "1.png", pixels[0]])
    assert torch.equal(features[everything(5)], expected)


def compute(folder: Path, images: list[Path], seconds: float, log: Path) -> None:
    encoder = ColourEncoder(seconds=seconds, log=log)
    ImageFeatureCache(folder, encoder, chunk=2).features(images)


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
    (path,) = (tmp_path / "cache").glob("*.features")
    with path.open("ab") as file:
        file.write(b"torn")  # as if a part of a record had reached the disk
    encoder = ColourEncoder()
    features = ImageFeatureCache(tmp_path / "cache", encoder, chunk=2).features(images)
    assert 0 < encoder.seen <= 12 - 6  # the first three chunks were on disk before the fourth was begun
    assert torch.equal(features[everything(12)], rounded(ColourEncoder(), images))
    assert path.stat().st_size == 12 * (2 * DIM + 64)


def test_of_two_writers_one_computes_and_both_have_the_features(tmp_path: Path) -> None:
    images, log = photos(tmp_path, 6), tmp_path / "log"
    processes = [start(tmp_path / "cache", images, 0.1, log) for _ in range(2)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert lines(log) == 3
    features = ImageFeatureCache(tmp_path / "cache", after := ColourEncoder()).features(images)
    assert after.seen == 0
    assert len(features[everything(6)]) == 6


def test_two_processes_with_different_images_lose_nothing(tmp_path: Path) -> None:
    images, log = photos(tmp_path, 8), tmp_path / "log"
    for process in [start(tmp_path / "cache", half, 0.05, log) for half in (images[:5], images[3:])]:
        process.join()
        assert process.exitcode == 0
    ImageFeatureCache(tmp_path / "cache", after := ColourEncoder()).features(images)
    assert after.seen == 0


def test_who_reads_keeps_its_features_while_another_repairs_the_file(tmp_path: Path) -> None:
    images, folder = photos(tmp_path, 5), tmp_path / "cache"
    cache = ImageFeatureCache(folder, ColourEncoder())
    reader = cache.features(images[:3])
    with cache.path.open("r+b") as file:
        file.seek(cache.path.stat().st_size - 1)
        file.write(b"x")  # in the seal of the last record, which no reader looks at again
    cache.features(images)
    assert torch.equal(reader[everything(3)], rounded(ColourEncoder(), images[:3]))


@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "lose", "lengthen"])
def test_features_that_were_damaged_are_computed_again(
    tmp_path: Path, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wherever a bit is flipped or the file cut, exactly the images whose records are hurt are seen again."""
    images, size = photos(tmp_path, 5), 2 * DIM + 64
    cache = ImageFeatureCache(tmp_path / "cache", encoder := ColourEncoder(), chunk=2)
    expected = cache.features(images)[everything(5)]
    whole, draw = cache.path.read_bytes(), random.Random(0)
    for _ in range(30 if harm in ("flip", "cut") else 1):
        place = draw.randrange(len(whole))
        flipped = bytearray(whole)
        flipped[place] ^= 1 << draw.randrange(8)
        harmed = {"flip": flipped, "cut": whole[:place], "empty": b"", "lengthen": whole + b"12"}
        cache.path.write_bytes(harmed[harm]) if harm != "lose" else cache.path.unlink()
        encoder.seen = 0
        assert torch.equal(cache.features(images)[everything(5)], expected)
        assert encoder.seen == {"flip": 1, "cut": 5 - place // size, "lengthen": 0}.get(harm, 5)
        said = " ".join(capsys.readouterr().err.split())
        assert ("is damaged: 1 features in it are computed again" in said) == (harm == "flip")
        assert torch.equal(cache.features(images)[everything(5)], expected)
        assert encoder.seen <= 5
    assert cache.path.stat().st_size - len(whole) == (2 if harm == "lengthen" else 0)


@pytest.mark.parametrize("again", [True, False])
def test_an_image_that_changed_within_its_size_and_time_is_another_one(tmp_path: Path, again: bool) -> None:
    images, cache = photos(tmp_path, 2), ImageFeatureCache(tmp_path / "cache", ColourEncoder())
    Image.new("RGB", (2, 2), "red").save(images[0], "BMP")
    before, found = cache.features(images)[everything(2)], images[0].stat()
    Image.new("RGB", (2, 2), "blue").save(images[0], "BMP")
    os.utime(images[0], ns=(found.st_atime_ns, found.st_mtime_ns))
    assert images[0].stat().st_size == found.st_size
    cache = ImageFeatureCache(tmp_path / "cache", ColourEncoder()) if again else cache
    assert not torch.equal(before[0], cache.features(images)[everything(2)][0])


def test_a_moved_image_is_the_same_image(tmp_path: Path) -> None:
    images, cache = photos(tmp_path, 2), ImageFeatureCache(tmp_path / "cache", encoder := ColourEncoder())
    cache.features(images)
    cache.features([images[0].rename(tmp_path / "elsewhere.png")])
    assert encoder.seen == 2


def test_a_link_that_lies_where_features_go_is_not_followed(tmp_path: Path) -> None:
    images, cache = photos(tmp_path, 2), ImageFeatureCache(tmp_path / "cache", ColourEncoder())
    (tmp_path / "mine").write_text("mine")
    cache.path.symlink_to(tmp_path / "mine")
    cache.features(images)
    assert (tmp_path / "mine").read_text() == "mine"
    cache.path.rename(tmp_path / "theirs")
    content = (tmp_path / "theirs").read_bytes()
    cache.path.symlink_to(tmp_path / "theirs")
    with pytest.raises(OmniNegClipError, match="Can't write"):
        cache.features(photos(tmp_path, 3))
    assert (tmp_path / "theirs").read_bytes() == content


def test_images_that_can_not_be_read_are_named_and_all_others_are_kept(tmp_path: Path) -> None:
    images = photos(tmp_path, 7)
    images[5].write_text("no image")
    cache = ImageFeatureCache(tmp_path / "cache", encoder := ColourEncoder(), chunk=4)
    with pytest.raises(OmniNegClipError, match=r"5\.png: [^:]+\.$"):
        cache.features(images)
    assert encoder.seen == 6
    images[1].write_text("no image either")
    with pytest.raises(OmniNegClipError, match=r"1\.png: .* 1 other images can't be used either\.$"):
        cache.features(images)
    assert encoder.seen == 6
    images[3].unlink()
    with pytest.raises(OmniNegClipError, match=r"3\.png does not exist"):
        cache.features(images)
    sources = [*images, images[5]]
    found, broken = cache.try_features(sources, try_contents_of(sources))
    assert sorted(broken) == [1, 3, 5, 7]
    assert "5.png" in broken[7]
    assert "does not exist" in broken[3]
    good = [0, 2, 4, 6]
    assert torch.equal(found[np.array(good)], rounded(ColourEncoder(), [images[i] for i in good]))
    with pytest.raises(IndexError):
        found[np.array([1])]
    assert encoder.seen == 6


def test_features_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    encoder = ColourEncoder()
    encoder.weights[3] = np.nan
    with pytest.raises(OmniNegClipError, match=r"features of .*0\.png are not finite"):
        ImageFeatureCache(tmp_path / "cache", encoder).features(photos(tmp_path, 2))


def test_a_folder_that_can_not_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(OmniNegClipError, match=r"Can't keep image features in .*cache: File exists"):
        ImageFeatureCache(tmp_path / "cache", ColourEncoder()).features(photos(tmp_path, 1))


@pytest.mark.parametrize(("scale", "tolerance"), [(14.3, 5e-5), (100.0, 2e-4)])
def test_what_rounding_to_float16_does_to_the_losses(scale: float, tolerance: float) -> None:
    torch.manual_seed(0)
    images = F.normalize(torch.randn(128, 512), dim=-1)
    captions = F.normalize(images + 0.5 * torch.randn(128, 512), dim=-1)  # no loss is 0
    negated = F.normalize(captions + 0.01 * torch.randn(128, 512), dim=-1)
    rounded = images.half().float()
    for objective in (presence, absence):
        exact = objective(images, captions, negated, torch.tensor(scale))["loss"]
        cached = objective(rounded, captions, negated, torch.tensor(scale))["loss"]
        assert 0 < abs(exact - cached) < tolerance


def test_a_file_that_is_too_large_for_an_image_is_not_read(tmp_path: Path) -> None:
    """A sparse file takes no place on a disk and hours to read."""
    with (tmp_path / "sparse.png").open("wb") as file:
        file.truncate(1 << 40)
    (content,) = try_contents_of([tmp_path / "sparse.png"])
    assert "has more than" in str(content)
