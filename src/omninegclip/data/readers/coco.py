"""COCO captions, and NegationCLIP's (Park et al., ICCV 2025), whose annotations have a negation added."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omninegclip.data.items import CaptionedImage, ImageRef
from omninegclip.data.sources import check, distinct, field, load_json
from omninegclip.errors import OmniNegClipError


def read(path: Path, caption: str = "caption", first: int | None = None) -> Iterator[CaptionedImage]:
    """Yield the images that have captions, in the order of `images`, with all or the `first` captions each.

    `caption` names the annotations' key: `updated_caption` for NegationCLIP's absence-based ones. Captions
    lose outer spaces and line breaks, as 3,541 and 83 of val2017's 25,014 have them.
    """
    names, annotations = _load(path)
    captions: dict[str, list[str]] = {image: [] for image in names}
    for where, annotation in annotations:
        captions[_image_id(annotation, names, where)].append(_tidy(field(annotation, caption, str, where)))
    for image, texts in captions.items():
        if texts:
            yield CaptionedImage(image, ImageRef(names[image]), tuple(texts[:first]))


def _load(path: Path) -> tuple[dict[str, str], Iterator[tuple[str, dict[str, Any]]]]:
    data = load_json(path, dict)
    images = [check(row, dict, f"an image of {path}") for row in field(data, "images", list, str(path))]
    images = list(distinct(images, lambda row: str(row.get("id")), path))
    names = {
        str(row.get("id")): field(row, "file_name", str, f"image {row.get('id')} of {path}") for row in images
    }
    annotations = field(data, "annotations", list, str(path))
    with_ids = distinct(
        (check(row, dict, f"an annotation of {path}") for row in annotations), _annotation_id, path
    )
    return names, ((f"{_annotation_id(row).capitalize()} of {path}", row) for row in with_ids)


def _annotation_id(annotation: dict[str, Any]) -> str:
    return f"annotation {annotation.get('id')}"


def _image_id(annotation: dict[str, Any], names: dict[str, str], where: str) -> str:
    image = str(field(annotation, "image_id", object, where))
    if image not in names:
        raise OmniNegClipError(f"{where} has the image_id {image}, which is not among the images.")
    return image


def _tidy(caption: str) -> str:
    return " ".join(caption.split())
