"""One self-contained HTML page of a run: no script, nothing loaded from elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

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


@dataclass(frozen=True, kw_only=True)
class RunPage:
    """What stands on the page; a part that has no content is left out.

    All text is escaped; `curves` alone are trusted markup and must come from `curves_svg`. Web addresses
    in `attribution` become links.
    """

    title: str
    summary: str
    rows: Sequence[FigureRow] = ()
    columns: Sequence[str]
    curves: Sequence[str] = ()
    image_rows: Sequence[ThumbnailRow] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    policy_rows: Sequence[PolicyRow] = ()
    notes: Sequence[str] = ()
    attribution: str = ""

    def html(self) -> str:
        """Return the page; raises OmniNegClipError as `sections` and `Image.uri` do."""
        table = sections(self.rows, self.columns)
        derived = {
            "headlines": headlines(table),
            "table": table,
            "curves": [Markup(curve) for curve in self.curves],  # noqa: S704 - curves_svg escapes names
            "marks": MARKS,
            "legend": legend(self.columns),
        }
        return _TEMPLATES.get_template("page.html.jinja").render(vars(self) | derived)
