import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from transformers import CLIPImageProcessorPil, SiglipImageProcessorPil, ViTImageProcessorPil

from omninegclip.clip.transform import ImageTransform, find_transform
from omninegclip.errors import OmniNegClipError


@pytest.mark.parametrize("size", [(300, 200), (201, 333), (96, 96), (50, 40), (97, 96)])
@pytest.mark.parametrize(
    "transform", [ImageTransform(), ImageTransform(96, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))]
)
def test_equals_transformers_bit_for_bit(size: tuple[int, int], transform: ImageTransform) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    reference = CLIPImageProcessorPil(**transform.to_config())(image)["pixel_values"][0]
    assert np.array_equal(transform(image), reference)


def test_saved_transform_comes_back(tmp_path: Path) -> None:
    transform = ImageTransform(96, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    transform.save(tmp_path)
    processor = CLIPImageProcessorPil.from_pretrained(tmp_path)
    assert processor.crop_size["height"] == 96
    assert ImageTransform.from_config(processor.to_dict()) == transform


def test_reads_the_old_form_with_bare_sizes() -> None:
    assert ImageTransform.from_config({"size": 336, "crop_size": 336}).size == 336


@pytest.mark.parametrize("change", [{"resample": 2}, {"do_center_crop": False}, {"crop_size": 200}])
def test_refuses_another_transform(change: dict[str, object]) -> None:
    with pytest.raises(OmniNegClipError, match="another transform than CLIP's"):
        ImageTransform.from_config(ImageTransform().to_config() | change)


def test_refuses_a_needle() -> None:
    with pytest.raises(OmniNegClipError, match="1 x 9000000 is too long and thin"):
        ImageTransform()(Image.new("RGB", (1, 9_000_000)))


@pytest.mark.parametrize("size", [(300, 200), (50, 140)])
@pytest.mark.parametrize("resample", [Image.Resampling.BICUBIC, Image.Resampling.BILINEAR])
def test_squashing_equals_siglips_and_vits(size: tuple[int, int], resample: Image.Resampling) -> None:
    transform = ImageTransform(64, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4), crop=False, resample=resample)
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    for processor in (SiglipImageProcessorPil, ViTImageProcessorPil):
        theirs = processor(**transform.to_config())
        assert np.array_equal(transform(image), theirs(image)["pixel_values"][0])
        assert ImageTransform.from_config(theirs.to_dict()) == transform


@pytest.mark.parametrize(
    "change", [{"resample": 0}, {"size": {"height": 64, "width": 32}}, {"do_normalize": False}, {"size": {}}]
)
def test_refuses_another_squashing(change: dict[str, object]) -> None:
    with pytest.raises(OmniNegClipError, match="another transform than a resize to a square"):
        ImageTransform.from_config(ImageTransform(64, crop=False).to_config() | change)


@pytest.mark.parametrize(
    "change",
    [
        {"image_mean": "abc"},
        {"image_mean": "123"},
        {"image_mean": 0.5},
        {"image_std": [0.1, None, 0.1]},
        {"image_std": [0.1, 0.1]},
        {"image_std": [0.1, 0, 0.1]},
        {"image_mean": [0.1, float("nan"), 0.1]},
        {"size": "big", "crop_size": "big"},
        {"size": None, "crop_size": None},
        {"size": 0, "crop_size": 0},
        {"size": -5, "crop_size": -5},
        {"size": 10**9, "crop_size": 10**9},
        {"size": 1e400, "crop_size": 1e400},
        {"size": {"shortest_edge": [1]}, "crop_size": {"height": [1]}},
        {"image_processor_type": "ViTImageProcessor", "resample": "cubic"},
        {"image_processor_type": "ViTImageProcessor", "size": 10**9, "resample": 3},
    ],
)
@pytest.mark.parametrize("file", ["preprocessor_config.json", "processor_config.json"])
def test_values_that_no_transform_can_have_are_one_sentence(
    file: str, change: dict[str, object], tmp_path: Path
) -> None:
    config: dict[str, object] = ImageTransform().to_config() | change
    content = {"image_processor": config} if file.startswith("processor") else config
    (tmp_path / file).write_text(json.dumps(content))
    with pytest.raises(
        OmniNegClipError, match=rf"^The {file} is wrong: .*\.$|another transform than|it is no JSON file"
    ):
        find_transform(tmp_path, None)


@pytest.mark.parametrize(
    "content",
    [
        {"preprocess_cfg": {"interpolation": "magic"}},
        {"preprocess_cfg": {"interpolation": 3}},
        {"preprocess_cfg": {"mean": "abc"}},
        {"preprocess_cfg": [1]},
    ],
)
def test_other_values_of_open_clip_are_one_sentence(content: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "open_clip_config.json").write_text(json.dumps(content))
    with pytest.raises(OmniNegClipError, match=r"open_clip_config\.json"):
        find_transform(tmp_path, 224)
