"""Reading untrusted files: JSON, CSV and lists in cells, with errors that name file, row and column."""

import ast
import csv
import json
import math
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TextIO, TypeVar

from omninegclip.errors import OmniNegClipError

T = TypeVar("T")
UNWRITABLE = re.compile("[\0\ud800-\udfff]")  # no file name, or no UTF-8, can hold it
Row = dict[str, Any]


def load_json(path: Path, expected: type[T]) -> T:
    """Return the parsed file.

    Raises OmniNegClipError if it is missing, cut off, nested too deep, of another top-level type, or repeats
    a key.
    """
    with open_text(path) as file:
        loaded = _parse_json(file.read(), str(path), lambda pairs: _object(pairs, path))
    if not isinstance(loaded, expected):
        found, wanted = type(loaded).__name__, expected.__name__
        raise OmniNegClipError(f"{path} holds a {found}: a {wanted} is needed.")
    return loaded


def json_lines(path: Path) -> Iterator[tuple[str, Row]]:
    """Yield (where, object) for each line of a JSON Lines file, one line in memory at a time."""
    with open_text(path) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                where = f"Line {number} of {path}"
                yield where, check(_parse_json(line, where), dict, where)


def csv_rows(path: Path, required: Sequence[str], delimiter: str = ",") -> Iterator[tuple[str, Row]]:
    """Yield (where, row) for each row of a CSV file with a header, in any order of columns.

    Raises OmniNegClipError if a required column is missing or a row has too few or too many cells.
    """
    with open_text(path, newline="") as lines:
        rows = csv.DictReader(lines, delimiter=delimiter)
        try:
            require(required, rows.fieldnames or [], str(path))
            for number, row in enumerate(rows, 1):
                where = f"Row {number} of {path}"
                if None in row or None in row.values():
                    width = len(rows.fieldnames or [])
                    raise OmniNegClipError(
                        f"{where} does not have the {width} cells of the header: quote texts with a comma."
                    )
                yield where, row
        except csv.Error as error:
            raise OmniNegClipError(f"{path} is not readable CSV at line {rows.line_num}: {error}.") from error


def require(columns: Sequence[str], found: Iterable[str], where: str) -> None:
    """Raise OmniNegClipError unless all `columns` are among those `found` in a file or line."""
    names = list(found)
    if missing := [column for column in columns if column not in names]:
        listed = ", ".join(names) or "none"
        raise OmniNegClipError(f"{where} has no column {missing[0]!r}: it has {listed}.")


def field(row: Row, name: str, kind: type[T], where: str) -> T:
    """Return a value of a row, which must be there and of this type (an int passes for a float)."""
    if name not in row:
        raise OmniNegClipError(f"{where} has no {name!r}.")
    return check(row[name], kind, f"{name!r} of {where[0].lower()}{where[1:]}")


def check(value: object, kind: type[T], what: str) -> T:
    """Return `value` if it is of this type, and else raise OmniNegClipError naming `what`.

    A number must be finite, and a text one that can be written as UTF-8 and has no NUL.
    """
    wanted = (int, float) if kind is float else kind
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind is not bool):
        found = type(value).__name__
        raise OmniNegClipError(f"{what[0].upper()}{what[1:]} is of type {found}: {kind.__name__} is needed.")
    if kind is float and isinstance(value, int | float) and not _is_finite(value):
        raise OmniNegClipError(f"{what[0].upper()}{what[1:]} is too large or not a number.")
    if isinstance(value, str) and UNWRITABLE.search(value):
        raise OmniNegClipError(
            f"{what[0].upper()}{what[1:]} holds a NUL or half a character (\\ud800 to \\udfff): remove it."
        )
    return value  # type: ignore[return-value]


def identifier(row: Row, name: str, where: str) -> str:
    """Return an id of a row as text; a number is an id too."""
    found = optional_identifier(row, name, where)
    if found is None:
        raise OmniNegClipError(f"{where} has no {name!r}.")
    return found


def optional_identifier(row: Row, name: str, where: str) -> str | None:
    """Return an id of a row as text, None where it is missing or empty."""
    value, what = row.get(name), f"The {name} of {where}"
    if value is None or value == "":
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return check(str(check(value, float, what)) if number else value, str, what)


def entries(rows: Iterable[object], name: str, path: Path) -> Iterator[tuple[str, Row]]:
    """Yield (where, object) for each of a list of JSON objects; `name` says what one of them is."""
    for number, row in enumerate(rows, 1):
        where = f"{name} {number} of {path}"
        yield where, check(row, dict, where)


def whole_number(text: object, what: str) -> int:
    """Return the number that a cell holds, also when it was written as a float such as "0.0"."""
    try:
        number = float(str(text))
    except ValueError:
        number = float("nan")
    if not number.is_integer():
        raise OmniNegClipError(f"{what} is {text!r}: a whole number is needed.")
    return int(number)


def text_list(cell: str, what: str) -> tuple[str, ...]:
    """Return the texts of a list in a cell, written in JSON or as a Python literal."""
    for parse in (json.loads, ast.literal_eval):
        try:
            values = parse(cell)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            continue
        if isinstance(values, list) and all(isinstance(value, str) for value in values):
            return tuple(check(value, str, what) for value in values)
    raise OmniNegClipError(f"{what} is not a list of texts: {cell[:60]!r}.")


def distinct(items: Iterable[T], key: Callable[[T], str], path: Path) -> Iterator[T]:
    """Yield the items, raising OmniNegClipError when a key comes twice."""
    seen: set[str] = set()
    for item in items:
        name = key(item)
        if name in seen:
            raise OmniNegClipError(f"{path} has the id {name!r} twice: ids must differ.")
        seen.add(name)
        yield item


def text_lines(path: Path) -> list[str]:
    """Return the lines of a text file."""
    with open_text(path) as file:
        return file.read().splitlines()


@contextmanager
def open_text(path: Path, newline: str | None = None) -> Iterator[TextIO]:
    """Yield an open file of UTF-8 text, with a byte order mark or without.

    Raises OmniNegClipError that names the first line which is no UTF-8 or holds a NUL, before any is read.
    """
    with readable(path):
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if b"\0" in line:
                    raise OmniNegClipError(
                        f"Line {number} of {path} holds a NUL byte, as UTF-16 and binary files do: "
                        "save it as UTF-8 text."
                    )
                try:
                    line.decode()
                except UnicodeDecodeError as error:
                    raise OmniNegClipError(
                        f"Line {number} of {path} is not UTF-8 text: save the file as UTF-8."
                    ) from error
        with path.open(encoding="utf-8-sig", newline=newline) as file:
            yield file


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what goes wrong on opening and decoding `path` into one sentence.

    A pipe or a device is refused: reading it may never end.
    """
    try:
        kind = path.stat().st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
            raise OmniNegClipError(f"{path} is a pipe or a device: a regular file is needed.")
        yield
    except OSError as error:
        raise OmniNegClipError(f"Can't read {path}: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise OmniNegClipError(f"{path} is not UTF-8 text at byte {error.start}.") from error


def _parse_json(
    text: str, where: str, hook: Callable[[list[tuple[str, object]]], Row] | None = None
) -> object:
    try:
        return json.loads(text, object_pairs_hook=hook)
    except RecursionError as error:
        raise OmniNegClipError(f"{where} is nested too deep.") from error
    except ValueError as error:  # also a number of more than 4,300 digits
        raise OmniNegClipError(f"{where} is not complete JSON: {error}.") from error


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _object(pairs: list[tuple[str, object]], path: Path) -> Row:
    row = dict(pairs)
    if len(row) < len(pairs):
        _refuse_repeated([key for key, _ in pairs], path)
    return row


def _refuse_repeated(keys: list[str], path: Path) -> NoReturn:
    repeated = next(key for index, key in enumerate(keys) if key in keys[:index])
    raise OmniNegClipError(f"{path} has the id {repeated!r} twice: ids must differ.")
