"""COCO captions, and NegationCLIP's (Park et al., ICCV 2025), whose annotations have a negation added."""

from collections.abc import Iterator
from pathlib import Path

from omninegclip.data.items import CaptionedImage, ImageRef
from omninegclip.data.sources import Row, distinct, entries, field, identifier, load_json
from omninegclip.errors import OmniNegClipError


def read(path: Path, caption: str = "caption", first: int | None = None) -> Iterator[CaptionedImage]:
    """Yield the images that have captions, in the order of `images`, with all or the `first` captions each.

    `caption` names the annotations' key: `updated_caption` for NegationCLIP's absence-based ones.
    """
    data = load_json(path, dict)
    names = file_names(data, path)
    captions: dict[str, list[str]] = {image: [] for image in names}
    for where, image, text in annotations(data, path, caption):
        if image not in names:
            raise OmniNegClipError(f"{where} has the image_id {image}, which is not among the images.")
        captions[image].append(text)
    for image, texts in captions.items():
        if texts:
            yield CaptionedImage(image, ImageRef(names[image]), tuple(texts[:first]))


def file_names(data: Row, path: Path) -> dict[str, str]:
    """Return the file name of each image id."""
    names = (
        (identifier(row, "id", where), field(row, "file_name", str, where))
        for where, row in _rows(data, "images", "Image", path)
    )
    return dict(distinct(names, lambda pair: pair[0], path))


def annotations(data: Row, path: Path, caption: str = "caption") -> Iterator[tuple[str, str, str]]:
    """Yield where each annotation is, the id of its image, and its caption.

    Captions lose outer spaces and line breaks, as 3,541 and 83 of val2017's 25,014 have them.
    """
    rows = _rows(data, "annotations", "Annotation", path)
    for where, row in distinct(rows, lambda pair: f"annotation {pair[1].get('id', pair[0])}", path):
        text = field(row, caption, str, where)
        yield where, identifier(row, "image_id", where), " ".join(text.split())


def read_instances(path: Path) -> tuple[dict[str, list[str]], list[str]]:
    """Return the names of the objects in each image by its id, and the names of all categories.

    An image without a box is one without any object.
    """
    data = load_json(path, dict)
    categories = {
        identifier(row, "id", where): field(row, "name", str, where)
        for where, row in _rows(data, "categories", "Category", path)
    }
    found: dict[str, set[str]] = {
        identifier(row, "id", where): set() for where, row in _rows(data, "images", "Image", path)
    }
    for where, box in _rows(data, "annotations", "Annotation", path):
        image, category = identifier(box, "image_id", where), identifier(box, "category_id", where)
        if image not in found or category not in categories:
            raise OmniNegClipError(f"{where} is of an image or a category that the file doesn't list.")
        found[image].add(categories[category])
    return {image: sorted(objects) for image, objects in found.items()}, sorted(categories.values())


def _rows(data: Row, key: str, name: str, path: Path) -> Iterator[tuple[str, Row]]:
    return entries(field(data, key, list, str(path)), name, path)
