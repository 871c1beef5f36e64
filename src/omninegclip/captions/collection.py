"""Collections of captions: what the readers of public formats give, by image, as `negate` takes it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from omninegclip.captions.negate import Captioned
from omninegclip.data.items import CaptionedImage
from omninegclip.data.readers import coco, flickr, karpathy, table
from omninegclip.data.sources import (
    Row,
    check,
    entries,
    field,
    identifier,
    json_lines,
    load_json,
    optional_identifier,
    text_lines,
    text_list,
)
from omninegclip.errors import OmniNegClipError

CAPTION = ("caption", "captions", "text", "sentence", "title")
IMAGE = ("image", "filepath", "file_name", "filename", "image_path", "path")
LONGEST = 100_000  # characters of a text; what is longer is no caption, label, name or path
Rows = Iterator[tuple[str, Row]]  # each with where it stands, as a sentence begins


def read_captioned(path: Path) -> list[Captioned]:
    """Return the images of a collection with their captions, in the order in which the file names them.

    Reads plain lines, Flickr's token files, COCO's and Karpathy's JSON, and tables. A table needs a column
    caption (or captions, text, sentence, title), and may have image (or filepath, file_name, filename,
    image_path, path), image_id, and objects: a list of everything its annotators saw.

    Raises OmniNegClipError for a file of another form, with no caption column or no row, or with a value that
    can't be what its column says; the message names the row.
    """
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise OmniNegClipError(f"{path} has no known extension: use one of {', '.join(READERS)}.")
    images = _grouped(read(path))
    if not images:
        raise OmniNegClipError(
            f"{path} holds no caption: at least one is needed, in a table in a column named caption."
        )
    return images


def read_labels(path: Path) -> tuple[dict[str, list[str]], list[str]]:
    """Return the object labels of each image id, and all labels that were looked for.

    Reads COCO's instances, and JSON lines of `{"image_id": ..., "objects": [...]}`.

    Raises OmniNegClipError for a file of another form.
    """
    if path.suffix.lower() != ".jsonl":
        return coco.read_instances(path)
    labels: dict[str, list[str]] = {}
    for where, row in json_lines(path):
        key = identifier(row, "image_id", where)
        if key in labels:
            raise OmniNegClipError(f"{where} has the image_id {key!r} again: one line per image is needed.")
        labels[key] = _objects(field(row, "objects", list, where), where) or []
    return labels, sorted({label for objects in labels.values() for label in objects})


def labelled(images: Iterable[Captioned], labels: dict[str, list[str]]) -> list[Captioned]:
    """Return the images with the labels of their ids; those without an entry stay unlabelled."""
    return [replace(each, objects=labels.get(each.image_id)) for each in images]


def _grouped(rows: Rows) -> list[Captioned]:
    captions: dict[str, list[str]] = {}
    first: dict[str, tuple[str | None, list[str] | None]] = {}
    for number, (where, row) in enumerate(rows, 1):
        texts = _captions(row, where)
        name = _first(row, IMAGE)
        image = None if name is None else _text(name, f"The image of {where}")
        objects = _objects(row.get("objects"), where)
        key = optional_identifier(row, "image_id", where) or image or str(number)
        known, _ = first.setdefault(key, (image, objects))
        if image is not None and known is not None and image != known:
            raise OmniNegClipError(
                f"{where} has the id {key!r} and the image {image!r}, but that id was {known!r} before: one "
                "id is one image."
            )
        captions.setdefault(key, []).extend(texts)
    return [Captioned(key, first[key][0], texts, first[key][1]) for key, texts in captions.items()]


def _first(row: Row, names: tuple[str, ...]) -> object:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _captions(row: Row, where: str) -> list[str]:
    found = _first(row, CAPTION)
    if found is None and not any(name in row for name in CAPTION):
        raise OmniNegClipError(f"{where} has no caption: a column named caption is needed.")
    many = found if isinstance(found, list) else [found or ""]
    return [_text(each, f"The caption of {where}") for each in many]


def _objects(value: object, where: str) -> list[str] | None:
    what = f"The objects of {where}"
    if isinstance(value, str):
        value = list(text_list(value, what)) if value.strip() else None
    return None if value is None else [_text(label, what) for label in check(value, list, what)]


def _text(value: object, what: str) -> str:
    text = check(value, str, what)
    if len(text) > LONGEST:
        raise OmniNegClipError(f"{what} has {len(text):,} characters: {LONGEST:,} at most are read.")
    return text


def _table(path: Path) -> Rows:
    return table.rows(path, optional=[*CAPTION, *IMAGE, "image_id", "objects"])


def _lines(path: Path) -> Rows:
    if flickr.is_token_file(path):
        return _items(flickr.read(path), path)
    lines = enumerate(text_lines(path), 1)
    return ((f"Line {number} of {path}", {"caption": line}) for number, line in lines)


def _json(path: Path) -> Rows:
    content = load_json(path, object)
    if isinstance(content, list):
        return entries(content, "Row", path)
    data = check(content, dict, str(path))
    return _coco(data, path) if "annotations" in data else _items(karpathy.images(data, path, None), path)


def _coco(data: Row, path: Path) -> Rows:
    names = coco.file_names({"images": [], **data}, path)
    for where, image, caption in coco.annotations(data, path):
        yield where, {"image_id": image, "image": names.get(image), "caption": caption}


def _items(items: Iterator[CaptionedImage], path: Path) -> Rows:
    for item in items:
        yield f"{item.id} of {path}", {"image": item.image.path, "captions": list(item.captions)}


READERS: dict[str, Callable[[Path], Rows]] = {
    ".txt": _lines,
    ".csv": _table,
    ".tsv": _table,
    ".json": _json,
    ".jsonl": _table,
    ".parquet": _table,
}
