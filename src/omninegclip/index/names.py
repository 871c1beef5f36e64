"""Paths as texts that every engine can hold, and the keys of rows.

A file's name is bytes, and not all bytes are UTF-8. Those that aren't are kept as characters of Unicode's
private use, U+F780 to U+F7FF, and so are the bytes of a name that holds such a character itself: every path
comes back as it was.
"""

import hashlib
import os
import re

_KEPT = 0xF700  # of a byte from 0x80 to 0xFF
_ESCAPED = 0xDC00  # where Python keeps such a byte


def text_of(path: str | os.PathLike[str]) -> str:
    """Return a path as a text that is valid Unicode."""
    text = os.fsencode(path).decode("utf-8", "surrogateescape")
    text = re.sub("[\uf780-\uf7ff]", lambda found: _kept(found[0].encode()), text)
    return re.sub("[\udc80-\udcff]", lambda found: chr(ord(found[0]) - _ESCAPED + _KEPT), text)


def path_of(text: str) -> str:
    """Return the path that `text_of` made a text of, as Python's functions on files take it."""
    raw = re.sub("[\uf780-\uf7ff]", lambda found: chr(ord(found[0]) - _KEPT + _ESCAPED), text)
    return os.fsdecode(raw.encode("utf-8", "surrogateescape"))


def id_of(text: str) -> str:
    """Return the key of a row: 32 hexadecimal digits that follow from its path alone."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def lot_of(row_id: str) -> float:
    """Return a number from 0 to 1 that is drawn for a row once and for all, by its key."""
    return int(row_id[:8], 16) / 2**32


def _kept(raw: bytes) -> str:
    return "".join(chr(_KEPT + byte) for byte in raw)
