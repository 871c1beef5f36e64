"""The recipe of photos-mini on a tiny dual encoder: its data, and a run that is taken up again."""

import argparse
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_dual import tiny_own
from torch import Tensor

from omninegclip.clip.io.load import load_clip
from omninegclip.errors import OmniNegClipError
from omninegclip.run.loop import ResumableTraining

RECIPE = Path(__file__).parents[2] / "recipes" / "photos-mini"
NAMES = ("card", "make", "parts", "photos")
OPTIONS = {
    "captions": None, "hold_out_dev": True, "photos": None, "steps": 6, "warm_up": 2, "batch": 8, "seed": 0,
    "text_rate": 1e-3, "projection_rate": 1e-2, "weight_decay": 0.1, "threads": 1,
}  # fmt: skip


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import the recipe's files under their bare names, as its command does."""
    monkeypatch.syspath_prepend(str(RECIPE))
    import card
    import make
    import photos

    yield SimpleNamespace(card=card, make=make, photos=photos)
    for name in NAMES:
        sys.modules.pop(name, None)


@pytest.fixture
def flickr8k(tmp_path: Path) -> Path:
    folder = tmp_path / "flickr8k"
    (folder / "images").mkdir(parents=True)
    lines, number = [], 0
    for split, count in (("train", 12), ("dev", 4), ("test", 4)):
        names = [f"{split}{each}.jpg" for each in range(count)]
        (folder / f"{split}.txt").write_text("\n".join(names) + "\n")
        for name in names:
            number += 1
            Image.new("RGB", (20, 24), (number * 12, 255 - number * 9, number * 70 % 255)).save(
                folder / "images" / name
            )
            lines += [f"{name}#{k}\ta {word} in image {number} ." for k, word in enumerate(("dog", "cat"))]
    (folder / "Flickr8k.token.txt").write_text("\n".join(lines) + "\n")
    return folder


def options(folder: Path, **changes: object) -> argparse.Namespace:
    return argparse.Namespace(**OPTIONS | {"work": folder / "work", "out": folder / "model"} | changes)


def run(recipe: Any, data: Path, chosen: argparse.Namespace) -> dict[str, Tensor]:
    """Do what `main` does with a tiny model in place of the pretrained parts."""
    chosen.work.mkdir(exist_ok=True, parents=True)
    encoder, splits = tiny_own(), recipe.photos.read_photos(data, None)
    parts = recipe.make.look(encoder, splits, chosen)
    recipe.make.fit(encoder, splits, parts, chosen)
    return {name: weight.clone() for name, weight in encoder.model.state_dict().items()}


def test_flickr8k_is_read_by_its_splits(recipe: Any, flickr8k: Path) -> None:
    splits = recipe.photos.read_photos(flickr8k, None)
    assert {name: len(photos) for name, photos in splits.items()} == {"train": 12, "dev": 4, "test": 4}
    assert splits["dev"][0].captions == ("a dog in image 13 .", "a cat in image 13 .")
    (flickr8k / "images" / "dev0.jpg").unlink()
    with pytest.raises(OmniNegClipError, match=r"There is no image dev0\.jpg below"):
        recipe.photos.read_photos(flickr8k, None)


def test_any_captioned_collection_is_split_by_its_names(recipe: Any, tmp_path: Path) -> None:
    rows = [{"image": f"{n}.png", "caption": f"picture {n}"} for n in range(60)]
    (tmp_path / "captions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for n in range(60):
        Image.new("RGB", (4, 4)).save(tmp_path / f"{n}.png")
    splits = recipe.photos.read_photos(tmp_path, tmp_path / "captions.jsonl")
    paths = {name: {photo.path.name for photo in photos} for name, photos in splits.items()}
    assert set.union(*paths.values()) == {f"{n}.png" for n in range(60)}
    assert sum(map(len, paths.values())) == 60
    assert len(paths["train"]) > 40 > len(paths["test"]) > 0


def test_a_stopped_run_ends_with_the_same_weights(
    recipe: Any, flickr8k: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe.make, "CHECKPOINT_EVERY", 2)
    straight = run(recipe, flickr8k, options(tmp_path / "one"))
    save = ResumableTraining.save

    def stop(*arguments: Any) -> None:
        save(*arguments)
        raise KeyboardInterrupt

    other = options(tmp_path / "two")
    with monkeypatch.context() as patch:
        patch.setattr(ResumableTraining, "save", stop)
        with pytest.raises(KeyboardInterrupt):
            run(recipe, flickr8k, other)
    resumed = run(recipe, flickr8k, other)
    assert all(torch.equal(weight, resumed[name]) for name, weight in straight.items())
    before = tiny_own().model.state_dict()
    changed = {name for name, weight in before.items() if not torch.equal(weight, straight[name])}
    assert not any(name.startswith("vision_model") for name in changed)
    assert {name.split(".")[0] for name in changed} >= {"text_model", "text_projection", "visual_projection"}


def test_other_options_need_another_folder(
    recipe: Any, flickr8k: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe.make, "pretrained", lambda _seed: tiny_own())
    for name, changes in (("one", {}), ("two", {"threads": 2})):
        chosen = options(tmp_path, data=flickr8k, out=tmp_path / name, **changes)
        monkeypatch.setattr(recipe.make, "parse", lambda chosen=chosen: chosen)
        recipe.make.main()
    chosen.out, chosen.steps = tmp_path / "three", 7
    with pytest.raises(OmniNegClipError, match="began with steps=6, not 7: resume with the same options"):
        recipe.make.main()
    assert not chosen.out.exists()


def test_the_whole_recipe_leaves_a_model_with_its_card(
    recipe: Any, flickr8k: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = options(tmp_path, data=flickr8k, hold_out_dev=False)
    monkeypatch.setattr(recipe.make, "parse", lambda: chosen)
    monkeypatch.setattr(recipe.make, "pretrained", lambda _seed: tiny_own())
    recipe.make.main()
    encoder = load_clip(chosen.out)
    splits = recipe.photos.read_photos(flickr8k, None)
    images = encoder.embed_image([photo.path for photo in splits["test"]])
    texts = encoder.embed_text([photo.captions[0] for photo in splits["test"]])
    reached = recipe.card.figures(texts, images)["Text to image R@1"]
    card = (chosen.out / "README.md").read_text()
    assert f"| Text to image R@1 | test photos | {100 * reached.value:.1f} %" in card
    assert "| photos | 16 |" in card
    assert np.isfinite(encoder.logit_scale)
