"""VALSE (Parcalabescu et al., ACL 2022): captions against foils; its `existence` piece is about "no"."""

from collections.abc import Iterator
from pathlib import Path

from omninegclip.data.items import ImageRef, TextChoice
from omninegclip.data.sources import check, field, load_json


def read(path: Path) -> Iterator[TextChoice]:
    """Yield caption against foil, grouped by whether two of three annotators validated it.

    Published tables use all items of `existence`, 534; VALSE's own script the validated ones, 505.
    """
    for identifier, row in load_json(path, dict).items():
        where = f"Item {identifier} of {path}"
        image = ImageRef(field(check(row, dict, where), "image_file", str, where))
        votes = field(field(row, "mturk", dict, where), "caption", int, where)
        groups = {"validated": "yes" if votes >= 2 else "no", "piece": path.stem}
        caption = _first(field(row, "caption", object, where), where)
        yield TextChoice(identifier, image, (caption, field(row, "foil", str, where)), 0, groups)


def _first(caption: object, where: str) -> str:
    """Return the caption, which FOIL-it wraps in a list."""
    return check(
        caption[0] if isinstance(caption, list) and caption else caption, str, f"the caption of {where}"
    )
