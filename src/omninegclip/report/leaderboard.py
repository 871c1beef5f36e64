"""A page that ranks models from their results files, in Markdown and HTML."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from omninegclip.evaluation.results import BenchmarkResult, load_all
from omninegclip.evaluation.suite import MEASURES
from omninegclip.extras import needed_for
from omninegclip.files import write_text
from omninegclip.report.markdown import cell, code, inline


def write(folders: Sequence[Path], out: Path) -> list[Path]:
    """Write `leaderboard.md` and `leaderboard.html` into `out` from all results below the folders.

    Raises OmniNegClipError if there are no results, or the `report` extra is not installed.
    """
    boards = rank(load_all(folders))
    written = []
    for suffix in ("md", "html"):
        path = out / f"leaderboard.{suffix}"
        write_text(path, _render(f"leaderboard.{suffix}.jinja", boards, suffix == "html"))
        written.append(path)
    return written


def rank(results: Sequence[BenchmarkResult]) -> list[dict[str, object]]:
    """Return a board per measure, benchmark and protocol, the best model first."""
    boards: dict[tuple[int, str, str, str], list[BenchmarkResult]] = {}
    for result in results:
        for measure, figure in result.measures.items():
            if figure in result.figures:
                place = (MEASURES.index(measure), result.benchmark, figure, result.protocol)
                boards.setdefault(place, []).append(result)
    return [_board(*place, found) for place, found in sorted(boards.items(), key=lambda pair: pair[0])]


def _board(
    measure: int, benchmark: str, figure: str, protocol: str, results: list[BenchmarkResult]
) -> dict[str, object]:
    lowest_first = figure.startswith("exclusion")
    ordered = sorted(results, key=lambda result: result.figures[figure]["value"], reverse=not lowest_first)
    title = f"{MEASURES[measure].capitalize()}: {benchmark}, {figure.replace('_', ' ')} ({protocol} protocol)"
    return {"title": title, "entries": [_entry(result, figure) for result in ordered]}


def _entry(result: BenchmarkResult, figure: str) -> dict[str, object]:
    found = result.figures[figure]
    low, high = 100 * found["low"], 100 * found["high"]
    choose = min if figure.startswith("exclusion") else max
    best = choose(found["blind"].items(), key=lambda pair: pair[1], default=None)
    return {
        "model": result.model["name"],
        "value": f"{100 * found['value']:.1f}",
        "low": f"{low:.1f}",
        "high": f"{high:.1f}",
        "width": f"{high - low:.1f}",
        "n": found["n"],
        "skipped": sum(result.skipped.values()),
        "blind": f"{100 * best[1]:.1f} ({best[0]})" if best else "-",
        "activation": result.model["activation"],
        "fingerprint": str(result.model["fingerprint"])[:12],
    }


def _render(template: str, boards: list[dict[str, object]], escape: bool) -> str:
    with needed_for("The leaderboard"):
        from jinja2 import Environment
    environment = Environment(autoescape=escape)  # noqa: S701 -- Markdown cells are escaped by filters
    environment.filters |= {"inline": inline, "cell": cell, "code": code}
    source = (files(__package__) / template).read_text("utf-8")
    return environment.from_string(source).render(boards=boards) + "\n"
