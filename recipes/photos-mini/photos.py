"""Photos with captions in three splits: Flickr8k's folder, or any captioned collection."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from omninegclip.captions.collection import read_captioned
from omninegclip.data.image_lookup import ImageRoot
from omninegclip.data.readers import flickr
from omninegclip.errors import OmniNegClipError

TOKENS, SPLITS = "Flickr8k.token.txt", ("train", "dev", "test")


class Photo(NamedTuple):
    """Where a photo lies, and its captions."""

    path: Path
    captions: tuple[str, ...]


def read_photos(folder: Path, captions: Path | None) -> dict[str, list[Photo]]:
    """Return the photos of each split, `train`, `dev` and `test`.

    Without `captions`, `folder` holds Flickr8k: its token file, `train.txt`, `dev.txt` and `test.txt` with a
    name per line, and `images`. Otherwise `captions` is a file of any form that `omninegclip negate` reads,
    and `folder` has its images; a tenth of them is `dev` and a tenth `test`, by a hash of their names.

    Raises OmniNegClipError when a file or image is missing, or a split is empty.
    """
    splits = _flickr8k(folder) if captions is None else _collection(folder, captions)
    for name, photos in splits.items():
        if not photos:
            raise OmniNegClipError(f"{captions or folder} has no photo for {name}: more photos are needed.")
    return splits


def _flickr8k(folder: Path) -> dict[str, list[Photo]]:
    root = ImageRoot([folder / "images", folder])
    return {
        split: [
            Photo(_found(root, item.image.path), item.captions)
            for item in flickr.read(folder / TOKENS, folder / f"{split}.txt")
        ]
        for split in SPLITS
    }


def _collection(folder: Path, captions: Path) -> dict[str, list[Photo]]:
    root = ImageRoot([folder])
    splits: dict[str, list[Photo]] = {split: [] for split in SPLITS}
    for item in read_captioned(captions):
        if item.image is None:
            raise OmniNegClipError(
                f"{captions} names no image for {item.image_id}: a column image is needed."
            )
        tenth = hashlib.sha256(item.image_id.encode()).digest()[0] * 10 // 256
        split = {0: "dev", 1: "test"}.get(tenth, "train")
        splits[split].append(Photo(_found(root, item.image), tuple(item.captions)))
    return splits


def _found(root: ImageRoot, name: str) -> Path:
    path = root.find(name)
    if path is None:
        raise OmniNegClipError(
            f"There is no image {name} below {root.folders[0]}: name its folder with --data."
        )
    return path
