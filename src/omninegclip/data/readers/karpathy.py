"""Karpathy's splits of COCO and Flickr in both their flavours (Karpathy and Fei-Fei, CVPR 2015)."""

from collections.abc import Iterator
from pathlib import Path

from omninegclip.data.items import CaptionedImage, ImageRef
from omninegclip.data.sources import Row, check, distinct, field, load_json, readable
from omninegclip.errors import OmniNegClipError


def read(path: Path, split: str = "test", first: int | None = 5) -> Iterator[CaptionedImage]:
    """Yield images with their `first` captions (None: all; the two give different figures).

    `dataset_coco.json` holds all splits, of which `split` is taken; the list `[{"image", "caption"}]` is one
    split already.
    """
    with readable(path), path.open(encoding="utf-8-sig") as file:
        is_list = file.read(64).lstrip().startswith("[")
    found = _from_list(path) if is_list else _from_dataset(path, split)
    for item in distinct(found, lambda item: item.id, path):
        yield item._replace(captions=item.captions[:first])


def _from_list(path: Path) -> Iterator[CaptionedImage]:
    for index, row in enumerate(load_json(path, list)):
        where = f"Entry {index} of {path}"
        image = field(check(row, dict, where), "image", str, where)
        captions = row.get("caption")
        texts = [captions] if isinstance(captions, str) else field(row, "caption", list, where)
        yield CaptionedImage(
            image, ImageRef(image), tuple(check(text, str, f"a caption of {where}") for text in texts)
        )


def _from_dataset(path: Path, split: str) -> Iterator[CaptionedImage]:
    images = field(load_json(path, dict), "images", list, str(path))
    rows = [check(row, dict, f"image {index} of {path}") for index, row in enumerate(images)]
    chosen = [row for row in rows if row.get("split") == split]
    if not chosen:
        splits = ", ".join(sorted({str(row.get("split")) for row in rows}))
        raise OmniNegClipError(f"{path} has no split {split!r}: it has {splits}.")
    for index, row in enumerate(chosen):
        where = f"Image {index} of split {split} of {path}"
        folder = field(row, "filepath", str, where) if row.get("filepath") else ""
        name = "/".join(filter(None, [folder, field(row, "filename", str, where)]))
        yield CaptionedImage(name, ImageRef(name), tuple(_sentences(row, where)))


def _sentences(row: Row, where: str) -> Iterator[str]:
    for sentence in field(row, "sentences", list, where):
        yield field(check(sentence, dict, f"a sentence of {where}"), "raw", str, where).strip()
