"""The syntax of search engines: `beach -people -"red car"`."""

import re

from omninegclip.reading.noun_phrases import indefinite
from omninegclip.reading.reading import Reading

_MINUS = re.compile(
    r"""(?:^|(?<=\s))-(?:["“]([^"”]+)["”]|['‘]([^'’]+)['’]|([^\W\d_][\w'’-]*))(?=\s|$|[,.])"""
)


def by_minus(query: str) -> Reading | None:
    """Return the halves of a query with words after a minus sign, None for one without."""
    denied = tuple(indefinite(found[found.lastindex or 0]) for found in _MINUS.finditer(query))
    if not denied:
        return None
    return Reading(re.sub(r"\s+", " ", _MINUS.sub("", query)).strip(" ,"), tuple(dict.fromkeys(denied)))
