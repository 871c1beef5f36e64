"""Karpathy's splits of COCO and Flickr in both their flavours (Karpathy and Fei-Fei, CVPR 2015)."""

from collections.abc import Iterator
from pathlib import Path

from omninegclip.data.items import CaptionedImage, ImageRef
from omninegclip.data.sources import Row, check, distinct, entries, field, load_json
from omninegclip.errors import OmniNegClipError


def read(path: Path, split: str | None = "test", first: int | None = 5) -> Iterator[CaptionedImage]:
    """Yield images with their `first` captions (None: all; the two give different figures).

    `dataset_coco.json` holds all splits, of which `split` is taken (None: all); the list
    `[{"image", "caption"}]` is one split already.
    """
    for item in images(load_json(path, object), path, split):
        yield item._replace(captions=item.captions[:first])


def images(content: object, path: Path, split: str | None) -> Iterator[CaptionedImage]:
    """Yield the images of a file's parsed content, each with all its captions."""
    found = _from_list(content, path) if isinstance(content, list) else _from_dataset(content, path, split)
    return distinct(found, lambda item: item.id, path)


def _from_list(rows: list[object], path: Path) -> Iterator[CaptionedImage]:
    for where, row in entries(rows, "Entry", path):
        image = field(row, "image", str, where)
        captions = row.get("caption")
        texts = [captions] if isinstance(captions, str) else field(row, "caption", list, where)
        yield CaptionedImage(
            image, ImageRef(image), tuple(check(text, str, f"a caption of {where}") for text in texts)
        )


def _from_dataset(content: object, path: Path, split: str | None) -> Iterator[CaptionedImage]:
    rows = list(entries(field(check(content, dict, str(path)), "images", list, str(path)), "Image", path))
    splits = {str(row.get("split")) for _, row in rows}
    if split is not None and split not in splits:
        raise OmniNegClipError(f"{path} has no split {split!r}: it has {', '.join(sorted(splits))}.")
    for where, row in rows:
        if split is None or row.get("split") == split:
            folder = field(row, "filepath", str, where) if row.get("filepath") else ""
            name = "/".join(filter(None, [folder, field(row, "filename", str, where)]))
            yield CaptionedImage(name, ImageRef(name), tuple(_sentences(row, where)))


def _sentences(row: Row, where: str) -> Iterator[str]:
    what = f"a sentence of {where}"
    for sentence in field(row, "sentences", list, where):
        yield field(check(sentence, dict, what), "raw", str, what).strip()
