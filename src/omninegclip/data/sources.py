"""Reading what others wrote: JSON, CSV and lists in cells, with errors that name file, row and column."""

import ast
import csv
import json
import math
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from omninegclip.errors import OmniNegClipError

T = TypeVar("T")
Row = dict[str, Any]


def load_json(path: Path, expected: type[T]) -> T:
    """Return the parsed file.

    Raises OmniNegClipError if it is missing, cut off, nested too deep, of another top-level type, or repeats
    a key.
    """
    with readable(path):
        text = path.read_text("utf-8-sig")
    loaded = _parse_json(text, str(path), lambda pairs: _object(pairs, path))
    if not isinstance(loaded, expected):
        found, wanted = type(loaded).__name__, expected.__name__
        raise OmniNegClipError(f"{path} holds a {found}: a {wanted} is needed.")
    return loaded


def json_lines(path: Path) -> Iterator[tuple[str, Row]]:
    """Yield (where, object) for each line of a JSON Lines file, one line in memory at a time."""
    with readable(path), path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                where = f"Line {number} of {path}"
                yield where, check(_parse_json(line, where), dict, where)


def csv_rows(path: Path, required: Sequence[str], delimiter: str = ",") -> Iterator[tuple[str, Row]]:
    """Yield (where, row) for each row of a CSV file with a header, in any order of columns.

    Raises OmniNegClipError if a required column is missing or a row has too few or too many cells.
    """
    with readable(path), path.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines, delimiter=delimiter)
        try:
            require(required, rows.fieldnames or [], str(path))
            for number, row in enumerate(rows, 1):
                where = f"Row {number} of {path}"
                if None in row or None in row.values():
                    width = len(rows.fieldnames or [])
                    raise OmniNegClipError(f"{where} does not have the {width} cells of the header.")
                yield where, row
        except csv.Error as error:
            raise OmniNegClipError(f"{path} is no readable CSV at line {rows.line_num}: {error}.") from error


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


def check(value: Any, kind: type[T], what: str) -> T:
    """Return `value` if it is of this type, and else raise OmniNegClipError naming `what`.

    A number must be finite, and a text one that can be written as UTF-8.
    """
    wanted = (int, float) if kind is float else kind
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind is not bool):
        found = type(value).__name__
        raise OmniNegClipError(f"{what[0].upper()}{what[1:]} is of type {found}: {kind.__name__} is needed.")
    if kind is float and not _is_finite(value):
        raise OmniNegClipError(f"{what[0].upper()}{what[1:]} is too large or no number.")
    if isinstance(value, str) and not _is_unicode(value):
        raise OmniNegClipError(f"{what[0].upper()}{what[1:]} holds half a character, which no UTF-8 has.")
    return value  # type: ignore[return-value]


def whole_number(text: Any, what: str) -> int:
    """Return the number that a cell holds, also when it was written as a float such as "0.0"."""
    try:
        number = float(text)
    except (TypeError, ValueError, OverflowError):
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
    raise OmniNegClipError(f"{what} is no list of texts: {cell[:60]!r}.")


def distinct(items: Iterable[T], key: Callable[[T], str], path: Path) -> Iterator[T]:
    """Yield the items, raising OmniNegClipError when a key comes twice."""
    seen: set[str] = set()
    for item in items:
        name = key(item)
        if name in seen:
            raise OmniNegClipError(f"{path} has the id {name!r} twice: ids must differ.")
        seen.add(name)
        yield item


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
        raise OmniNegClipError(f"{path} is no UTF-8 text at byte {error.start}.") from error


def _parse_json(text: str, where: str, hook: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    try:
        return json.loads(text, object_pairs_hook=hook)
    except RecursionError as error:
        raise OmniNegClipError(f"{where} is nested too deep.") from error
    except ValueError as error:  # also a number of more than 4,300 digits
        raise OmniNegClipError(f"{where} is no complete JSON: {error}.") from error


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _object(pairs: list[tuple[str, Any]], path: Path) -> Row:
    row = dict(pairs)
    if len(row) < len(pairs):
        _refuse_repeated([key for key, _ in pairs], path)
    return row


def _refuse_repeated(keys: list[str], path: Path) -> NoReturn:
    repeated = next(key for index, key in enumerate(keys) if key in keys[:index])
    raise OmniNegClipError(f"{path} has the id {repeated!r} twice: ids must differ.")
