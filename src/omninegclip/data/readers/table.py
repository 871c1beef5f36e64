"""Any CSV, TSV, JSON Lines or Parquet file, by the names of its columns."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from omninegclip.data.items import (
    CaptionedImage,
    ImageChoice,
    ImageRef,
    LabelledImage,
    ObjectQuestion,
    SearchQuery,
    TextChoice,
)
from omninegclip.data.parquet import batches, open_parquet
from omninegclip.data.sources import Row, check, csv_rows, distinct, json_lines, require, text_list
from omninegclip.errors import OmniNegClipError

_TRUTH = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def read_choices(
    path: Path,
    image: str,
    right: str,
    wrong: list[str],
    item_id: str | None = None,
    groups: list[str] | None = None,
) -> Iterator[TextChoice]:
    """Yield one choice per row: the text of column `right` against those of the columns `wrong`."""
    for name, found, row in _items(path, [image, right, *wrong], item_id, groups):
        options = tuple(_text(row, column, name) for column in (right, *wrong))
        yield TextChoice(name, ImageRef(_text(row, image, name)), options, 0, found)


def read_image_choices(
    path: Path,
    text: str,
    right: str,
    wrong: list[str],
    item_id: str | None = None,
    groups: list[str] | None = None,
) -> Iterator[ImageChoice]:
    """Yield one choice per row: the image of column `right` against those of the columns `wrong`."""
    for name, found, row in _items(path, [text, right, *wrong], item_id, groups):
        refs = tuple(ImageRef(_text(row, column, name)) for column in (right, *wrong))
        yield ImageChoice(name, _text(row, text, name), refs, 0, found)


def read_captions(
    path: Path,
    image: str,
    caption: str,
    present: str | None = None,
    absent: str | None = None,
    groups: list[str] | None = None,
) -> Iterator[CaptionedImage]:
    """Yield every image once with all its captions; a cell is one caption or a list of them.

    `present` and `absent` are columns of lists of objects; they and the groups are those of its first row.
    """
    refs: dict[str, CaptionedImage] = {}
    columns = [image, caption, *filter(None, (present, absent))]
    for name, found, row in _items(path, columns, None, groups):
        ref = _text(row, image, name)
        first = CaptionedImage(
            ref,
            ImageRef(ref),
            (),
            _texts(row, present, name) if present else (),
            _texts(row, absent, name) if absent else (),
            found,
        )
        item = refs.setdefault(ref, first)
        refs[ref] = item._replace(captions=item.captions + _texts(row, caption, name))
    yield from refs.values()


def read_queries(
    path: Path,
    text: str,
    relevant: str,
    excluded: str,
    item_id: str | None = None,
    groups: list[str] | None = None,
) -> Iterator[SearchQuery]:
    """Yield one query per row; `relevant` and `excluded` are columns of lists of images.

    The images of all rows are what is searched.
    """
    for name, found, row in _items(path, [text, relevant, excluded], item_id, groups):
        refs = [tuple(map(ImageRef, _texts(row, column, name))) for column in (relevant, excluded)]
        yield SearchQuery(name, _text(row, text, name), refs[0], refs[1], found)


def read_labels(path: Path, image: str, label: str, item_id: str | None = None) -> Iterator[LabelledImage]:
    """Yield one labelled image per row."""
    for name, _, row in _items(path, [image, label], item_id, None):
        yield LabelledImage(name, ImageRef(_text(row, image, name)), _text(row, label, name))


def read_presence(
    path: Path,
    image: str,
    object: str,  # noqa: A002 -- what the column holds
    present: str,
    item_id: str | None = None,
    groups: list[str] | None = None,
) -> Iterator[ObjectQuestion]:
    """Yield one question per row; `present` holds yes or no, true or false, or 1 or 0."""
    for name, found, row in _items(path, [image, object, present], item_id, groups):
        answer = str(row[present]).lower()
        if answer not in _TRUTH:
            raise OmniNegClipError(f"{present!r} of {name} in {path} is {answer!r}: yes or no is needed.")
        ref = ImageRef(_text(row, image, name))
        yield ObjectQuestion(name, ref, _text(row, object, name), _TRUTH[answer], found)


def _items(
    path: Path, columns: list[str], item_id: str | None, groups: list[str] | None
) -> Iterator[tuple[str, dict[str, str], Row]]:
    """Yield id, groups and row; without a column of ids, the id is the number of the row."""
    needed = [*columns, *(groups or []), *([item_id] if item_id else [])]
    found = enumerate(rows(path, needed), 1)
    named = ((str(row[item_id]) if item_id else f"row {number}", row) for number, (_, row) in found)
    for name, row in distinct(named, lambda pair: pair[0], path):
        yield name, {group: str(row[group]) for group in groups or []}, row


def rows(path: Path, required: Sequence[str] = (), optional: Sequence[str] = ()) -> Iterator[tuple[str, Row]]:
    """Yield (where, row) for each row of a table.

    Of Parquet only the `required` columns and those of the `optional` ones that are there are read.
    """
    kind = path.suffix.lower()
    if kind in (".csv", ".tsv"):
        return csv_rows(path, required, "\t" if kind == ".tsv" else ",")
    if kind in (".jsonl", ".json", ".ndjson"):
        return _json_rows(path, required)
    if kind == ".parquet":
        return _parquet_rows(path, required, optional)
    raise OmniNegClipError(f"{path} is no table: .csv, .tsv, .jsonl or .parquet is needed.")


def _json_rows(path: Path, required: Sequence[str]) -> Iterator[tuple[str, Row]]:
    for where, row in json_lines(path):
        require(required, row, where)
        yield where, row


def _parquet_rows(path: Path, required: Sequence[str], optional: Sequence[str]) -> Iterator[tuple[str, Row]]:
    with open_parquet(path) as file:
        names = file.schema_arrow.names
        require(required, names, str(path))
        number = 0
        for batch in batches(file, path, [*required, *(name for name in optional if name in names)]):
            for row in batch.to_pylist():
                number += 1
                yield f"Row {number} of {path}", row


def _texts(row: Row, column: str, name: str) -> tuple[str, ...]:
    cell = row[column]
    if isinstance(cell, list):
        return tuple(check(text, str, f"a {column} of {name}") for text in cell)
    text = _text(row, column, name)
    return text_list(text, f"{column} of {name}") if text.startswith("[") else (text,)


def _text(row: Row, column: str, name: str) -> str:
    return check(row[column], str, f"{column!r} of {name}")
