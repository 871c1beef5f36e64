"""Text from data as text in Markdown: no heading, no cell, no HTML and no link of its own."""

import re
from collections.abc import Iterable, Sequence


def inline(text: object) -> str:
    """Return `text` on one line, so that nothing in it begins HTML, a link or an image."""
    line = " ".join(str(text).split())
    return line.replace("\\", "\\\\").replace("<", "&lt;").replace("](", "]\\(")


def cell(text: object) -> str:
    """Return `text` as the content of a table's cell."""
    return inline(text).replace("|", "\\|")


def code(text: object) -> str:
    """Return a digest or another short identifier as code; what is no part of one becomes a dash."""
    identifier = re.sub(r"[^\w.:+-]", "-", str(text))
    return f"`{identifier}`"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose cells hold texts as they are."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(cell, line))} |" for line in lines)
