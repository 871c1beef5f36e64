"""What `omninegclip evaluate` and `omninegclip leaderboard` do."""

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.table import Table
from rich.text import Text

from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.results import BenchmarkResult
from omninegclip.evaluation.run import Settings, evaluate
from omninegclip.evaluation.suite import load_suite
from omninegclip.files import hold
from omninegclip.printable import say
from omninegclip.progress import console, show
from omninegclip.report import comparison as summary
from omninegclip.report import leaderboard

if TYPE_CHECKING:  # imports torch
    from omninegclip.clip.encoder import Encoder

Format = Literal["table", "json", "csv"]


def run_evaluate(
    models: Sequence[str],
    load: Callable[[str], "Encoder"],
    suite: str,
    settings: Settings,
    form: Format = "table",
    show_published: bool = False,
) -> int:
    """Evaluate models side by side, print the summary on standard output and return the exit code.

    The code is 1 if a benchmark failed; one whose files are not there does not count. Every model is loaded
    once before the first is scored, so that a misspelt or damaged one is found before the work.

    Raises OmniNegClipError if the suite can't be read, a model can't be loaded, the folder for the results is
    being written by another process, or nothing could be measured.
    """
    benchmarks = load_suite(suite)
    if not settings.data.is_dir():
        raise OmniNegClipError(
            f"{settings.data} is no folder: --data names the folder that holds the benchmarks."
        )
    by_model = []
    with hold(settings.out) if settings.out else nullcontext():
        for model in models[1:]:
            load(model)
        for model in models:
            console.print(model, style="bold")
            by_model.append(evaluate(model, load(model), benchmarks, settings))
    _print(by_model, models, form, show_published)
    everything = [result for results in by_model for result in results]
    if all(result.status == "absent" for result in everything):
        wanted = ", ".join(path for benchmark in benchmarks for path in benchmark.files)
        raise OmniNegClipError(
            f"{settings.data} holds no benchmark of the suite {suite}; it looked for {wanted}."
        )
    if not any(result.status == "done" for result in everything):
        console.print("Nothing was measured: every benchmark that is there failed, for the reasons above.")
    return int(any(result.status == "failed" for result in everything))


def run_leaderboard(folders: Sequence[Path], out: Path) -> int:
    """Write the leaderboard pages and print where they are."""
    for path in leaderboard.write(folders, out):
        say(path)
    return 0


def _print(
    by_model: list[list[BenchmarkResult]], models: Sequence[str], form: Format, show_published: bool
) -> None:
    rows = summary.summarise(by_model)
    known = summary.published([result.benchmark for result in by_model[0]]) if show_published else []
    if form == "csv":
        sys.stdout.write(summary.to_csv(rows))
    elif form == "json":
        everything = {
            "summary": [row.as_dict() for row in rows],
            "unmeasured": summary.unmeasured(rows),
            "results": [result.as_dict() for results in by_model for result in results],
            "published": known,
        }
        sys.stdout.write(json.dumps(everything, indent=2) + "\n")
    elif rows:
        show(
            summary.table(rows, models),
            "Per cent [95 % interval], change relative to the first model; * differs from 0. For exclusion,",
            "lower is better. `blind` is the best rule that never sees the picture.",
            width=200,
        )
        if missing := summary.unmeasured(rows):
            show(f"Not measured: {', '.join(missing)}.", width=200)
        if known:
            show(_published_table(known), width=200)


def _published_table(rows: list[dict[str, str]]) -> Table:
    table = Table(
        "benchmark",
        "figure",
        "model",
        "value",
        "source",
        "read",
        title="Published figures, not measured here",
    )
    for row in rows:
        source = f"{row['source']}, {row['table']}, {row['version']}"
        model = f"{row['model']} {row['backbone']}"
        cells = (row["benchmark"], row["figure"], model, row["value"], source, row["read"])
        table.add_row(*map(Text, cells))
    return table
