"""One self-contained HTML page of a run: no script, nothing loaded from elsewhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from omninegclip.files import atomic_file
from omninegclip.report.headline import headlines
from omninegclip.report.table import MARKS, FigureRow, legend, sections
from omninegclip.report.thumbnails import ThumbnailRow

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class PolicyRow(NamedTuple):
    """A part of the model, whether it trains, and its number of parameters."""

    part: str
    trains: bool
    parameters: int


def render(
    title: str,
    summary: str,
    rows: Sequence[FigureRow],
    columns: Sequence[str],
    curves: Sequence[str],
    image_rows: Sequence[ThumbnailRow],
    metadata: Mapping[str, str],
    policy_rows: Sequence[PolicyRow],
    notes: Sequence[str],
    attribution: str,
) -> str:
    """Return the page; a part that has no content is left out.

    All text is escaped; `curves` alone are trusted markup and must come from `curves_svg`. Web addresses
    in `attribution` become links. Raises OmniNegClipError as `sections` and `Image.uri` do.
    """
    table = sections(rows, columns)
    return _TEMPLATES.get_template("page.html.jinja").render(
        title=title,
        summary=summary,
        headlines=headlines(table),
        table=table,
        columns=columns,
        curves=[Markup(curve) for curve in curves],  # noqa: S704 - made by curves_svg, which escapes names
        image_rows=image_rows,
        metadata=metadata,
        policy_rows=policy_rows,
        notes=notes,
        attribution=attribution,
        marks=MARKS,
        legend=legend(columns),
    )


def write(path: Path, html: str) -> None:
    """Write the page to `path`, whole or not at all; raises OmniNegClipError when it can't be written."""
    with atomic_file(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
