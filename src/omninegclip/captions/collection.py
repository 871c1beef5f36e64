"""Captioned collections from plain files: lines, CSV, JSON lines, Parquet, COCO's json, Flickr's tokens."""

import codecs
import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from omninegclip.captions.negate import Captioned
from omninegclip.data.sources import check, field
from omninegclip.errors import OmniNegClipError

CAPTION = ("caption", "captions", "text", "sentence", "title")
IMAGE = ("image", "filepath", "file_name", "filename", "image_path", "path")
TOKEN = re.compile(r"([^\t#]+)#\d+\t(.*)")
LONGEST = 100_000  # characters of a text; what is longer is no caption, label, name or path
ROOM, TIMES = 1 << 27, 100  # a Parquet file may unpack to 128 MiB, and to more if it is itself that large
BATCH = 1024  # rows of Parquet in memory at a time
UNWRITABLE = re.compile("[\0\ud800-\udfff]")  # no file name, or no Parquet file, can hold it
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
Row = dict[str, Any]
Rows = Iterator[tuple[str, Row]]  # each with where it stands, as a sentence begins


def read_captioned(path: Path) -> list[Captioned]:
    """Return the images of a collection with their captions, in the order in which the file names them.

    A table needs a column caption (or captions, text, sentence, title), and may have image (or filepath,
    file_name, filename, image_path, path), image_id, and objects: a list of everything its annotators saw.

    Raises OmniNegClipError for a file of another form, with no caption column or no row, or with a value that
    can't be what its column says; the message names the row.
    """
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise OmniNegClipError(f"{path} has no known ending: name one of {', '.join(READERS)}.")
    try:
        images = _grouped(read(path))
    except (OSError, ValueError, RecursionError, pa.ArrowException) as error:
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
        return _label_lines(path) if path.suffix.lower() == ".jsonl" else _instances(path)
    except (OSError, ValueError, RecursionError) as error:
        raise OmniNegClipError(
            f"{path} can't be read as labels ({error}): COCO instances or JSON lines are needed."
        ) from error


def labelled(images: Iterable[Captioned], labels: dict[str, list[str]]) -> list[Captioned]:
    """Return the images with the labels of their ids; those without an entry stay unlabelled."""
    return [Captioned(each.image_id, each.image, each.captions, labels.get(each.image_id)) for each in images]


def _grouped(rows: Rows) -> list[Captioned]:
    captions: dict[str, list[str]] = {}
    first: dict[str, tuple[str | None, list[str] | None]] = {}
    for number, (where, row) in enumerate(rows, 1):
        texts = _captions(row, where)
        image = _text(_first(row, IMAGE), f"The image of {where}")
        objects = _objects(row.get("objects"), f"The objects of {where}")
        key = _id(row.get("image_id"), where) or image or str(number)
        known, _ = first.setdefault(key, (image, objects))
        if image is not None and known is not None and image != known:
            raise OmniNegClipError(
                f"{where} has the id {key!r} and the image {image!r}, but that id was {known!r} before: one "
                "id is one image."
            )
        captions.setdefault(key, []).extend(texts)
    return [Captioned(key, first[key][0], texts, first[key][1]) for key, texts in captions.items()]


def _first(row: Row, names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _captions(row: Row, where: str) -> list[str]:
    found = _first(row, CAPTION)
    if found is None and not any(name in row for name in CAPTION):
        raise OmniNegClipError(f"{where} has no caption: a column named caption is needed.")
    many = found if isinstance(found, list) else [found or ""]
    return [_sound(each, f"The caption of {where}") for each in many]


def _text(value: Any, what: str) -> str | None:
    return None if value is None else _sound(value, what)


def _sound(value: Any, what: str) -> str:
    """Return a value if it is a text that can be written again, and else raise OmniNegClipError."""
    text = check(value, str, what)
    if len(text) > LONGEST:
        raise OmniNegClipError(f"{what} has {len(text):,} characters: {LONGEST:,} at most are read.")
    if UNWRITABLE.search(text):
        raise OmniNegClipError(f"{what} holds a NUL or half a character (\\ud800 to \\udfff): remove it.")
    return text


def _id(value: Any, where: str) -> str | None:
    """Return an id as text, None where there is none; numbers are ids too."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is None or value == "":
        return None
    if number and not math.isfinite(value):
        raise OmniNegClipError(f"The image_id of {where} is {value}: a number or text is needed.")
    return _sound(str(value) if number else value, f"The image_id of {where}")


def _objects(value: Any, what: str) -> list[str] | None:
    if isinstance(value, str):
        if not value.strip():
            return None
        value = _parsed(value, what) if value.startswith("[") else value
    return None if value is None else [_sound(label, what) for label in check(value, list, what)]


def _content(path: Path) -> str:
    """Return the text of a file, its lines ended as they are.

    Raises OmniNegClipError for what is no file, as a pipe that would never end, and for other than UTF-8.
    """
    if path.exists() and not path.is_file():
        raise OmniNegClipError(f"Can't read {path}: it is no file.")
    content = path.read_bytes()
    try:
        text = "\0" if content.startswith(UTF_16) else content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise OmniNegClipError(f"Line {line} of {path} is no UTF-8 text: save the file as UTF-8.") from error
    if (at := text.find("\0")) >= 0:
        line = text.count("\n", 0, at) + 1
        raise OmniNegClipError(
            f"Line {line} of {path} holds a NUL byte, as UTF-16 and binary files do: save it as UTF-8 text."
        )
    return text


def _parsed(text: str, what: str, form: str = "JSON") -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OmniNegClipError(f"{what} can't be read as {form}: {error}.") from error


def _lines(path: Path) -> Rows:
    for number, line in enumerate(_content(path).splitlines(), 1):
        token = TOKEN.fullmatch(line)
        row = {"image": token[1], "caption": token[2]} if token else {"caption": line}
        yield f"Line {number} of {path}", row


def _table(delimiter: str) -> Callable[[Path], Rows]:
    def read(path: Path) -> Rows:
        rows = csv.DictReader(io.StringIO(_content(path), newline=""), delimiter=delimiter)
        number = 0
        try:
            for number, row in enumerate(rows, 1):
                where = f"Row {number} of {path}"
                if None in row:  # a caption cut at its comma would be another caption
                    raise OmniNegClipError(
                        f"{where} has more cells than the header: put captions with a comma in quotes."
                    )
                yield where, row
        except csv.Error as error:
            raise OmniNegClipError(f"Row {number + 1} of {path} is no readable CSV: {error}.") from error

    return read


def _json_lines(path: Path) -> Rows:
    for number, line in enumerate(_content(path).splitlines(), 1):
        if line.strip():
            where = f"Line {number} of {path}"
            yield where, check(_parsed(line, where, ".jsonl"), dict, where)


def _json(path: Path) -> Rows:
    content = _parsed(_content(path), str(path), ".json")
    if isinstance(content, list):
        yield from _entries(content, "Row", path)
    elif "annotations" in check(content, dict, str(path)):
        yield from _coco(content, path)
    else:
        yield from _karpathy(content, path)


def _entries(rows: list[Any], name: str, path: Path) -> Rows:
    for number, row in enumerate(rows, 1):
        yield f"{name} {number} of {path}", check(row, dict, f"{name} {number} of {path}")


def _listed(content: Row, key: str, name: str, path: Path) -> Rows:
    return _entries(field(content, key, list, str(path)), name, path)


def _coco(content: Row, path: Path) -> Rows:
    images = _listed({"images": [], **content}, "images", "Image", path)
    files = {_needed_id(image, "id", where): image.get("file_name") for where, image in images}
    for where, each in _listed(content, "annotations", "Annotation", path):
        key = _needed_id(each, "image_id", where)
        caption = field(each, "caption", object, where)
        yield where, {"image_id": key, "image": files.get(key), "caption": caption}


def _karpathy(content: Row, path: Path) -> Rows:
    for where, image in _listed(content, "images", "Image", path):
        sentences = [
            check(each, dict, f"A sentence of {where}") for each in field(image, "sentences", list, where)
        ]
        raw = [field(sentence, "raw", str, f"A sentence of {where}") for sentence in sentences]
        folder = check(image.get("filepath", ""), str, f"'filepath' of {where}")
        yield where, {"image": str(Path(folder) / field(image, "filename", str, where)), "captions": raw}


def _needed_id(row: Row, name: str, where: str) -> str:
    found = _id(row.get(name), where)
    if found is None:
        raise OmniNegClipError(f"{where} has no {name!r}.")
    return found


def _label_lines(path: Path) -> tuple[dict[str, list[str]], list[str]]:
    labels: dict[str, list[str]] = {}
    for where, row in _json_lines(path):
        key = _needed_id(row, "image_id", where)
        if key in labels:
            raise OmniNegClipError(f"{where} has the image_id {key!r} again: one line an image is needed.")
        labels[key] = _objects(field(row, "objects", list, where), f"The objects of {where}") or []
    return labels, sorted({label for objects in labels.values() for label in objects})


def _instances(path: Path) -> tuple[dict[str, list[str]], list[str]]:
    content = check(_parsed(_content(path), str(path)), dict, str(path))
    names = {
        _needed_id(each, "id", where): _sound(field(each, "name", str, where), f"The name of {where}")
        for where, each in _listed(content, "categories", "Category", path)
    }
    found: dict[str, set[str]] = {
        _needed_id(each, "id", where): set() for where, each in _listed(content, "images", "Image", path)
    }
    for where, box in _listed(content, "annotations", "Annotation", path):
        image, category = _needed_id(box, "image_id", where), _needed_id(box, "category_id", where)
        if image not in found or category not in names:
            raise OmniNegClipError(f"{where} is of an image or a category that the file doesn't list.")
        found[image].add(names[category])
    return {image: sorted(objects) for image, objects in found.items()}, sorted(names.values())


def _parquet(path: Path) -> Rows:
    if path.exists() and not path.is_file():
        raise OmniNegClipError(f"Can't read {path}: it is no file.")
    with pq.ParquetFile(path) as parquet:
        wanted = [*CAPTION, *IMAGE, "image_id", "objects"]
        columns = [each.name for each in parquet.schema_arrow if each.name in wanted and not _odd(each.type)]
        leaves = [parquet.schema.column(index) for index in range(len(parquet.schema))]
        texts = [
            leaf.path
            for leaf in leaves
            if leaf.path.partition(".")[0] in columns and leaf.physical_type == "BYTE_ARRAY"
        ]
        budget = ROOM + TIMES * path.stat().st_size
        _refuse_many(parquet.metadata, columns, budget, path)
    number = 0
    # texts stay in the dictionaries that they are stored in: a thousand rows of one long text are small there
    with pq.ParquetFile(path, read_dictionary=texts) as parquet:
        for batch in parquet.iter_batches(BATCH, columns=columns):
            budget -= sum(_unpacked(column) for column in batch.columns)
            if budget < 0:
                raise OmniNegClipError(_grows(path))
            for row in batch.to_pylist():
                number += 1
                yield f"Row {number} of {path}", row


def _refuse_many(found: pq.FileMetaData, columns: list[str], budget: int, path: Path) -> None:
    """Refuse a file that says it holds more values than one of its size has, before any is decoded."""
    groups = [found.row_group(index) for index in range(found.num_row_groups)]
    chunks = [group.column(index) for group in groups for index in range(group.num_columns)]
    count = sum(chunk.num_values for chunk in chunks if chunk.path_in_schema.partition(".")[0] in columns)
    if max(count, found.num_rows) * 16 > budget:  # bytes of a value in memory, at least
        raise OmniNegClipError(_grows(path))


def _grows(path: Path) -> str:
    return (
        f"{path} unpacks to more than {TIMES} times its size, so that it might fill the memory: split it, or "
        "write it as .csv."
    )


def _odd(kind: pa.DataType) -> bool:
    """Return whether a column can't hold text, ids or labels, and so isn't read."""
    return any(test(kind) for test in (pa.types.is_map, pa.types.is_fixed_size_list, pa.types.is_union))


def _unpacked(column: pa.Array) -> int:
    """Return about how many bytes a column takes as Python values."""
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _unpacked(column.flatten())
    if pa.types.is_struct(kind):
        return sum(map(_unpacked, column.flatten()))
    if pa.types.is_dictionary(kind):
        lengths = pc.binary_length(column.dictionary).take(column.indices)
        return int(pc.sum(lengths).as_py() or 0) + 8 * len(column)
    return int(column.nbytes)


READERS: dict[str, Callable[[Path], Rows]] = {
    ".txt": _lines,
    ".csv": _table(","),
    ".tsv": _table("\t"),
    ".json": _json,
    ".jsonl": _json_lines,
    ".parquet": _parquet,
}
