"""The verb `negate`."""

import os
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cyclopts import Parameter

from omninegclip.commands.options import Flag, Json, LlmOptions, Processes, Repeats, Seed
from omninegclip.errors import OmniNegClipError
from omninegclip.extras import needed_for
from omninegclip.printable import say, say_json

if TYPE_CHECKING:
    from omninegclip.captions.pipeline import Engine, RewriteRows, Summary
    from omninegclip.llm import Endpoint


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class NegateOptions:
    """Which captions are made, and by how many processes.

    Attributes:
        labels: Object labels of the images: COCO instances, or JSON lines.
        kind: Negation to write: presence-based (false), absence-based (true), or both.
        per_caption: Negated captions per caption.
        seed: Decides every choice.
        hard: Add hard variants: objects swapped, and the absent object affirmed.
        processes: Worker processes; one per core when not given.
        engine: local, or ray for a cluster.
    """

    labels: Path | None = None
    kind: Literal["presence", "absence", "both"] = "both"
    per_caption: Repeats = 1
    seed: Seed = 0
    hard: Flag = False
    processes: Processes | None = None
    engine: Literal["local", "ray"] = "local"


def negate(
    data: Path,
    out: Path | None = None,
    /,
    *,
    options: NegateOptions = NegateOptions(),
    llm: LlmOptions = LlmOptions(),
    report: Flag = False,
    json_: Json = False,
) -> None:
    """Turn captions into records with both kinds of negation; --report without OUT reports on such records.

    Args:
        data: Captions: lines, Flickr tokens, CSV, JSONL, Parquet, COCO or Karpathy JSON; with --report alone,
            records.
        out: Where the records go: one .parquet file, or a folder of shards.
        report: Print a quality report.
    """
    if out is None and not report:
        raise OmniNegClipError("negate needs OUT, or --report to report on existing records.")
    if out is not None:
        done = _negate(data, out, options, llm)
        if json_ and not report:
            say_json(asdict(done))
        elif not report:
            say(
                f"captions: {done.captions}, rows: {done.rows}, with a presence-based negation: "
                f"{done.presence}, with an absence-based one: {done.absence}"
            )
    if report:
        with needed_for("A report"):
            from omninegclip.captions.quality import report_of
        from omninegclip.report.quality import as_text

        found = report_of(out or data, options.seed)
        if json_:
            say_json(found)
        else:
            say(as_text(found))


def _negate(data: Path, out: Path, options: NegateOptions, llm: LlmOptions) -> "Summary":
    from omninegclip.captions.negate import NegationOptions
    from omninegclip.captions.pipeline import negate_file

    asked = NegationOptions(options.kind, options.per_caption, options.seed, options.hard)
    engine = _engine(options)
    if (endpoint := llm.endpoint) is None:
        return negate_file(data, out, options.labels, asked, engine)
    by = f"{endpoint.model} at {endpoint.url}"
    return negate_file(data, out, options.labels, asked, engine, _rewriter(endpoint), by)


def _engine(options: NegateOptions) -> "Engine":
    processes = options.processes or os.cpu_count() or 1
    if options.engine == "ray":
        from omninegclip.captions.ray_engine import over_ray

        return over_ray(processes)
    from omninegclip.captions.pipeline import local

    return local(processes)


def _rewriter(endpoint: "Endpoint") -> "RewriteRows":
    from omninegclip.captions.rewrite import REWRITING, Rewriter, rewrite_rows
    from omninegclip.llm import LanguageModel

    return partial(rewrite_rows, rewriter=Rewriter(LanguageModel(endpoint, REWRITING)))
