"""Any CSV, TSV, JSON Lines or Parquet file, by the names of its columns."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from omninegclip.data.items import CaptionedPicture, LabelledPicture, Picture, TextChoice
from omninegclip.data.sources import Row, check, csv_rows, distinct, json_lines, readable, require, text_list
from omninegclip.errors import OmniNegClipError


def read_choices(
    path: Path,
    image: str,
    right: str,
    wrong: list[str],
    item_id: str | None = None,
    groups: list[str] | None = None,
) -> Iterator[TextChoice]:
    """Yield one choice per row: the text of column `right` against those of the columns `wrong`."""
    for number, (where, row) in enumerate(_rows(path, [image, right, *wrong, *(groups or [])], item_id)):
        options = tuple(_text(row, column, where) for column in (right, *wrong))
        found = {name: str(row[name]) for name in groups or []}
        yield TextChoice(
            str(row[item_id]) if item_id else str(number),
            Picture(_text(row, image, where)),
            options,
            0,
            found,
        )


def read_captions(
    path: Path, image: str, caption: str, item_id: str | None = None
) -> Iterator[CaptionedPicture]:
    """Yield every picture once with all its captions; a cell is one caption or a list of them."""
    captions: dict[str, list[str]] = {}
    for where, row in _rows(path, [image, caption], item_id):
        texts = row[caption]
        if isinstance(texts, str) and texts.startswith("["):
            texts = text_list(texts, f"{caption} of {where}")
        texts = (
            [texts]
            if isinstance(texts, str)
            else [check(text, str, f"a {caption} of {where}") for text in texts]
        )
        captions.setdefault(_text(row, image, where), []).extend(texts)
    for name, texts in captions.items():
        yield CaptionedPicture(name, Picture(name), tuple(texts))


def read_labels(path: Path, image: str, label: str, item_id: str | None = None) -> Iterator[LabelledPicture]:
    """Yield one labelled picture per row."""
    for number, (where, row) in enumerate(_rows(path, [image, label], item_id)):
        name = str(row[item_id]) if item_id else str(number)
        yield LabelledPicture(name, Picture(_text(row, image, where)), _text(row, label, where))


def _rows(path: Path, columns: list[str], identifier: str | None) -> Iterator[tuple[str, Row]]:
    needed = [*columns, *([identifier] if identifier else [])]
    kind = path.suffix.lower()
    if kind in (".csv", ".tsv"):
        rows = csv_rows(path, needed, "\t" if kind == ".tsv" else ",")
    elif kind in (".jsonl", ".json", ".ndjson"):
        rows = _checked(json_lines(path), needed)
    elif kind == ".parquet":
        rows = _parquet(path, needed)
    else:
        raise OmniNegClipError(f"{path} is no table: .csv, .tsv, .jsonl or .parquet is needed.")
    return distinct(rows, lambda pair: str(pair[1][identifier]), path) if identifier else rows


def _checked(rows: Iterator[tuple[str, Row]], columns: list[str]) -> Iterator[tuple[str, Row]]:
    for where, row in rows:
        require(columns, row, Path(where))
        yield where, row


def _parquet(path: Path, columns: list[str]) -> Iterator[tuple[str, Row]]:
    try:
        with readable(path), pq.ParquetFile(path) as file:
            require(columns, file.schema_arrow.names, path)
            number = 0
            for batch in file.iter_batches(columns=columns):
                for row in batch.to_pylist():
                    number += 1
                    yield f"Row {number} of {path}", row
    except pa.ArrowInvalid as error:
        raise OmniNegClipError(f"{path} is no readable Parquet file: {error}.") from error


def _text(row: dict[str, Any], column: str, where: str) -> str:
    return check(row[column], str, f"{column!r} of {where}")
