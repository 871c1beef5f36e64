import os
import random

import numpy as np
import pytest
from PIL import Image

from omninegclip.data.items import ImageRef
from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation import features as module
from omninegclip.evaluation.features import ImageFeatures


@pytest.fixture
def places(data):
    return {ImageRef(name): data / "images" / f"{name}.png" for name in ("red", "green", "blue")}


def test_every_image_is_encoded_once_and_kept(ignores_no, places, tmp_path):
    features = ImageFeatures(ignores_no, tmp_path / "cache")
    assert features.embed(places) == {}
    assert features.embed(places) == {}
    assert ignores_no.images == 3
    rows = features.rows([ImageRef("blue"), ImageRef("red"), ImageRef("blue")], places)
    assert rows.argmax(axis=1).tolist() == [2, 0, 2]
    again = ImageFeatures(ignores_no, tmp_path / "cache")
    again.embed(places)
    assert ignores_no.images == 3
    assert np.array_equal(again.rows(list(places), places), features.rows(list(places), places))


def test_models_with_one_image_tower_share_and_others_do_not(
    ignores_no, understands_no, constant, places, tmp_path
):
    for encoder, encoded in ((ignores_no, 3), (understands_no, 0), (constant, 3)):
        ImageFeatures(encoder, tmp_path / "cache").embed(places)
        assert encoder.images == encoded or encoder.constant is not None
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_changed_file_and_another_crop_are_other_images(ignores_no, places, tmp_path):
    features = ImageFeatures(ignores_no, tmp_path / "cache")
    features.embed(places)
    Image.new("RGB", (9, 9), "yellow").save(places[ImageRef("red")])
    crop = ImageRef("red", (0, 0, 2, 2))
    features.embed({ImageRef("red"): places[ImageRef("red")], crop: places[ImageRef("red")]})
    assert ignores_no.images == 5
    assert features.rows([ImageRef("red")], places).argmax() == 3


def test_broken_images_are_found_among_the_others(ignores_no, places, monkeypatch):
    monkeypatch.setattr(module, "_SHARD", 2)
    places[ImageRef("green")].write_bytes(b"no image")
    features = ImageFeatures(ignores_no)
    broken = features.embed(places)
    assert list(broken) == [ImageRef("green")]
    assert "it is no image file" in broken[ImageRef("green")]
    assert features.rows([ImageRef("blue")], places).argmax() == 2


def test_a_damaged_file_of_the_cache_is_computed_again(ignores_no, places, tmp_path):
    """Any byte of it may be flipped, and it may be cut anywhere."""
    ImageFeatures(ignores_no, tmp_path).embed(places)
    expected = ignores_no.embed_image(places.values())
    (shard,) = tmp_path.rglob("*.npz")
    whole = shard.read_bytes()
    draw = random.Random(0)
    for _ in range(60):
        for left in tmp_path.rglob("*.npz"):
            left.unlink()
        place = draw.randrange(len(whole))
        flipped = whole[:place] + bytes([whole[place] ^ 1 << draw.randrange(8)]) + whole[place + 1 :]
        shard.write_bytes(draw.choice([flipped, whole[:place]]))
        features = ImageFeatures(ignores_no, tmp_path)
        assert features.embed(places) == {}
        assert np.array_equal(features.rows(list(places), places), expected)


def test_two_at_once_on_one_cache_lose_nothing(ignores_no, understands_no, places, tmp_path):
    first, second = ImageFeatures(ignores_no, tmp_path), ImageFeatures(understands_no, tmp_path)
    red, green, blue = places
    first.embed({red: places[red]})
    second.embed({green: places[green]})
    first.embed({blue: places[blue]})
    again = ImageFeatures(ignores_no, tmp_path)
    again.embed(places)
    assert again.encoded == 0


def test_another_image_of_the_same_size_and_time_is_another_image(ignores_no, places, tmp_path):
    path = places[ImageRef("red")].with_suffix(".bmp")
    Image.new("RGB", (8, 8), "red").save(path)
    there = {ImageRef("a"): path}
    ImageFeatures(ignores_no, tmp_path).embed(there)
    time = path.stat().st_mtime_ns
    Image.new("RGB", (8, 8), "blue").save(path)
    os.utime(path, ns=(time, time))
    features = ImageFeatures(ignores_no, tmp_path)
    features.embed(there)
    assert features.rows([ImageRef("a")], there).argmax() == 2


def test_a_moved_image_is_the_same_image(ignores_no, places, tmp_path):
    ImageFeatures(ignores_no, tmp_path / "cache").embed(places)
    moved = places[ImageRef("red")].rename(tmp_path / "elsewhere.png")
    features = ImageFeatures(ignores_no, tmp_path / "cache")
    features.embed({ImageRef("red"): moved})
    assert features.encoded == 0


def test_a_cache_that_can_not_be_made_is_noticed_at_the_start(ignores_no, tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(OmniNegClipError, match=r"Can't keep embeddings in .*cache: "):
        ImageFeatures(ignores_no, tmp_path / "cache")
