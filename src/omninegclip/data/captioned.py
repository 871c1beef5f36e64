"""Captioned collections from plain files: lines, CSV, JSON lines, Parquet, COCO's json, Flickr's tokens."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from omninegclip.captions.negate import Captioned
from omninegclip.errors import OmniNegClipError

CAPTION = ("caption", "captions", "text", "sentence", "title")
IMAGE = ("image", "filepath", "file_name", "filename", "image_path", "path")
TOKEN = re.compile(r"([^\t#]+)#\d+\t(.*)")
Row = dict[str, Any]


def read_captioned(path: Path) -> list[Captioned]:
    """Return the pictures of a collection with their captions, in the order in which the file names them.

    A table needs a column caption (or captions, text, sentence, title), and may have image (or filepath,
    file_name, filename, image_path, path), image_id, and objects: a list of everything its annotators saw.

    Raises OmniNegClipError for a file of another form, or with no caption column or no row.
    """
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise OmniNegClipError(f"{path} has no known ending: name one of {', '.join(READERS)}.")
    try:
        images = _grouped(read(path), path)
    except (OSError, ValueError, KeyError, TypeError, csv.Error, pa.ArrowException) as error:
        raise OmniNegClipError(f"{path} can't be read as {path.suffix.lower()} captions: {error}.") from error
    if not images:
        raise OmniNegClipError(f"{path} holds no caption: at least one is needed.")
    return images


def read_labels(path: Path) -> tuple[dict[str, list[str]], list[str]]:
    """Return the object labels of each image id, and all labels that were looked for.

    Reads COCO's instances json, where an image without box is an image without any object, and JSON lines
    of `{"image_id": ..., "objects": [...]}`.

    Raises OmniNegClipError for a file of another form.
    """
    try:
        if path.suffix.lower() == ".jsonl":
            labels = {str(row["image_id"]): list(map(str, row["objects"])) for row in _json_lines(path)}
            return labels, sorted({label for objects in labels.values() for label in objects})
        content = json.loads(path.read_text())
        names = {category["id"]: str(category["name"]) for category in content["categories"]}
        found: dict[str, set[str]] = {str(image["id"]): set() for image in content["images"]}
        for box in content["annotations"]:
            found[str(box["image_id"])].add(names[box["category_id"]])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OmniNegClipError(
            f"{path} can't be read as labels ({error}): COCO instances or JSON lines are needed."
        ) from error
    return {image: sorted(objects) for image, objects in found.items()}, sorted(names.values())


def labelled(images: Iterable[Captioned], labels: dict[str, list[str]]) -> list[Captioned]:
    """Return the images with the labels of their ids; those without an entry stay unlabelled."""
    return [Captioned(each.image_id, each.image, each.captions, labels.get(each.image_id)) for each in images]


def _grouped(rows: Iterable[Row], path: Path) -> list[Captioned]:
    captions: dict[str, list[str]] = {}
    first: dict[str, Row] = {}
    for number, row in enumerate(rows, 1):
        found = _first(row, CAPTION)
        if found is None and not any(name in row for name in CAPTION):
            raise OmniNegClipError(
                f"Row {number} of {path} has no caption: a column named caption is needed."
            )
        image = _first(row, IMAGE)
        key = str(row.get("image_id") or image or number)
        first.setdefault(key, row | {"image": image})
        captions.setdefault(key, []).extend(
            map(str, found) if isinstance(found, list) else [str(found or "")]
        )
    return [
        Captioned(key, _text(first[key]["image"]), texts, _objects(first[key]))
        for key, texts in captions.items()
    ]


def _first(row: Row, names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _objects(row: Row) -> list[str] | None:
    objects = row.get("objects")
    if isinstance(objects, str):
        objects = json.loads(objects) if objects.startswith("[") else None
    return None if objects is None else [str(label) for label in objects]


def _lines(path: Path) -> Iterator[Row]:
    for line in path.read_text(errors="replace").splitlines():
        token = TOKEN.fullmatch(line)
        yield {"image": token[1], "caption": token[2]} if token else {"caption": line}


def _table(delimiter: str) -> Callable[[Path], Iterator[Row]]:
    def read(path: Path) -> Iterator[Row]:
        with path.open(newline="", errors="replace") as stream:
            yield from csv.DictReader(stream, delimiter=delimiter)

    return read


def _json_lines(path: Path) -> Iterator[Row]:
    for line in path.read_text(errors="replace").splitlines():
        if line.strip():
            yield json.loads(line)


def _json(path: Path) -> Iterator[Row]:
    content = json.loads(path.read_text())
    if isinstance(content, list):
        yield from content
    elif "annotations" in content:
        files = {image["id"]: image.get("file_name") for image in content.get("images", [])}
        for each in content["annotations"]:
            yield {
                "image_id": each["image_id"],
                "image": files.get(each["image_id"]),
                "caption": each["caption"],
            }
    else:
        for image in content["images"]:
            raw = [sentence["raw"] for sentence in image["sentences"]]
            yield {"image": str(Path(image.get("filepath", "")) / image["filename"]), "captions": raw}


def _parquet(path: Path) -> Iterator[Row]:
    with pq.ParquetFile(path) as parquet:
        for batch in parquet.iter_batches():
            yield from batch.to_pylist()


READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".txt": _lines,
    ".csv": _table(","),
    ".tsv": _table("\t"),
    ".json": _json,
    ".jsonl": _json_lines,
    ".parquet": _parquet,
}
