"""Conditions on the facts of images, as `taken >= '2024-05-01' and path like '%holiday%'`.

A condition is read into a tree of known columns, operators and values, and each engine gets what it made of
that tree: no text of a user reaches one.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from omninegclip.errors import OmniNegClipError
from omninegclip.index.rows import FACTS, TIMES

OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "like")
LIMIT = 4000  # characters
_DEPTH = 50
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>[A-Za-z_]+)"
    r"|(?P<sign><=|>=|!=|<>|==|[=<>()]))"
)


@dataclass(frozen=True)
class Compare:
    """A column beside a value; an unknown fact fulfils no comparison, nor the denial of one."""

    column: str
    operator: str
    value: str | float


@dataclass(frozen=True)
class IsKnown:
    """Whether a fact is known."""

    column: str
    known: bool


@dataclass(frozen=True)
class Joined:
    """Conditions of which all must hold, or any."""

    all_: bool
    parts: "tuple[Condition, ...]"


@dataclass(frozen=True)
class Denied:
    """A condition that must not hold."""

    part: "Condition"


Condition = Compare | IsKnown | Joined | Denied


def read_where(text: str) -> Condition:
    """Return the condition that a text says: comparisons, joined by and, or, not and parentheses.

    Raises OmniNegClipError, saying what can't be read, when it is none.
    """
    if len(text) > LIMIT:
        raise OmniNegClipError(f"--where has more than {LIMIT:,} characters: shorten it.")
    return _Reader(text).read()


def in_sql(condition: Condition) -> str:
    """Return a condition as SQL."""
    match condition:
        case Compare(column, operator, str(value)):
            quoted = value.replace("'", "''")
            return f"({column} {operator.upper()} '{quoted}')"
        case Compare(column, operator, value):
            return f"({column} {operator} {value!r})"
        case IsKnown(column, known):
            return f"({column} IS {'NOT ' if known else ''}NULL)"
        case Joined(all_, parts):
            return f"({(' AND ' if all_ else ' OR ').join(map(in_sql, parts))})"
        case Denied(part):
            return f"(NOT {in_sql(part)})"


class _Reader:
    """Reads one condition, word by word."""

    def __init__(self, text: str) -> None:
        self.text, self.place, self.depth = text, 0, 0
        self.kind, self.found = "", ""
        self._next()

    def read(self) -> Condition:
        condition = self._joined("or", lambda: self._joined("and", self._single))
        if self.kind:
            raise self._error("and, or, or the end")
        return condition

    def _joined(self, word: str, part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self._word() == word:
            self._next()
            parts.append(part())
        return parts[0] if len(parts) == 1 else Joined(word == "and", tuple(parts))

    def _single(self) -> Condition:
        self.depth += 1
        if self.depth > _DEPTH:
            raise OmniNegClipError(f"--where is nested more than {_DEPTH} deep: simplify it.")
        try:
            if self._word() == "not":
                self._next()
                return Denied(self._single())
            if self.found == "(" and self.kind == "sign":
                self._next()
                condition = self._joined("or", lambda: self._joined("and", self._single))
                self._expect(")")
                return condition
            return self._comparison()
        finally:
            self.depth -= 1

    def _comparison(self) -> Condition:
        column = self._word()
        if column not in FACTS:
            raise self._error(f"a column ({', '.join(FACTS)})")
        self._next()
        if self._word() == "is":
            self._next()
            known = self._word() == "not"
            if known:
                self._next()
            self._expect("null")
            return IsKnown(column, known)
        denied = self._word() == "not"
        if denied:
            self._next()
        operator = {"<>": "!=", "==": "="}.get(self._word(), self._word())
        if operator not in OPERATORS or (denied and operator != "like"):
            raise self._error(f"an operator ({', '.join(OPERATORS)}, is null)")
        self._next()
        compare = Compare(column, operator, self._value(column, operator))
        return Denied(compare) if denied else compare

    def _value(self, column: str, operator: str) -> str | float:
        is_text = FACTS[column] == pa.string()
        if self.kind != ("text" if is_text else "number") or (operator == "like" and not is_text):
            wanted = "a text in single quotes, as '2024-05-01'" if is_text else "a number"
            raise self._error(f"{wanted}, which {column} is compared with")
        token = self.found
        self._next()
        if not is_text:
            return _number(column, token)
        value = token[1:-1].replace("''", "'")
        if column in TIMES and operator != "like":
            try:
                return datetime.fromisoformat(value).strftime("%Y-%m-%dT%H:%M:%S")
            except ValueError as error:
                raise OmniNegClipError(
                    f"--where compares {column} with {value!r}: write a date as '2024-05-01', or a time as "
                    "'2024-05-01T18:30:00'."
                ) from error
        return value

    def _word(self) -> str:
        return self.found.lower() if self.kind in ("word", "sign") else ""

    def _expect(self, word: str) -> None:
        if self._word() != word:
            raise self._error(word)
        self._next()

    def _next(self) -> None:
        rest = self.text[self.place :]
        found = _TOKEN.match(rest)
        if found is None and rest.strip():
            raise OmniNegClipError(
                f"--where can't be read at {rest.strip()[:20]!r}: write, for example, "
                "\"taken >= '2024-05-01' and path like '%holiday%'\"."
            )
        self.kind, self.found = (str(found.lastgroup), found[found.lastgroup or 0]) if found else ("", "")
        self.place += found.end() if found else 0

    def _error(self, wanted: str) -> OmniNegClipError:
        here = repr(self.found) if self.kind else "the end"
        return OmniNegClipError(f"--where has {here} where {wanted} is needed.")


def _number(column: str, token: str) -> float:
    """Return a number that a column can be compared with."""
    whole = FACTS[column] != pa.float64()
    with suppress(ValueError):
        value = int(token) if whole else float(token)
        if -(2**63) <= value < 2**63:
            return value
    raise OmniNegClipError(
        f"--where compares {column} with {token}: write a {'whole ' if whole else ''}number below 2^63."
    )
