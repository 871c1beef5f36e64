"""The verb `negate`: flat options in, records out, and what they are like."""

import os
from functools import partial
from pathlib import Path
from typing import Any, Literal

from omninegclip.captions.negate import PROVENANCE, NegationKind, NegationOptions
from omninegclip.captions.pipeline import Engine, RewriteRows, Summary, local, negate_file
from omninegclip.data.record import read_records
from omninegclip.errors import OmniNegClipError


def run_negate(
    data: Path,
    out: Path,
    labels: Path | None = None,
    kind: NegationKind = "both",
    per_caption: int = 1,
    seed: int = 0,
    hard: bool = False,
    processes: int | None = None,
    engine: Literal["local", "ray"] = "local",
    llm_url: str | None = None,
    llm_model: str | None = None,
    llm_cache: Path = Path(".omninegclip-llm"),
    llm_per_minute: float = 600.0,
) -> Summary:
    """Negate the captions of a file and return how many there are.

    Raises OmniNegClipError for options that don't fit together, and as `negate_file` does.
    """
    if per_caption < 1 or (processes is not None and processes < 1):
        raise OmniNegClipError("--per-caption and --processes need a whole number of 1 or more.")
    if (llm_url is None) != (llm_model is None):
        raise OmniNegClipError("Rewriting needs both --llm-url, an endpoint up to /v1, and --llm-model.")
    options = NegationOptions(kind, per_caption, seed, hard)
    run = _engine(engine, processes or os.cpu_count() or 1)
    if llm_url is None or llm_model is None:
        return negate_file(data, out, labels, options, run)
    rewrite = _rewriter(llm_url, llm_model, llm_cache, llm_per_minute)
    return negate_file(data, out, labels, options, run, rewrite, by=f"{llm_model} at {llm_url}")


def run_report(records: Path, seed: int = 0) -> dict[str, Any]:
    """Return the quality report of records that `negate` wrote.

    Raises OmniNegClipError for records without its provenance.
    """
    try:
        from omninegclip.captions.quality import report
    except ImportError as error:
        raise OmniNegClipError("A report needs scikit-learn: pip install 'omninegclip[negate]'.") from error
    rows = list(read_records(records))
    for row in rows:
        if any(not isinstance(row.get(column, 0), str | None) for column in PROVENANCE):
            raise OmniNegClipError(
                f"{records} has no provenance: a report needs records written by `omninegclip negate`."
            )
    return report(rows, seed)


def as_text(found: dict[str, Any]) -> str:
    """Return a report as lines to read."""
    lines = [f"{found['rows']} rows of {found['captions']} captions"]
    for kind in ("presence", "absence"):
        part = found[kind]
        lines += ["", f"{kind}-based: {part['made']} made, {part['rejected share']:.1%} of rows rejected"]
        lines += [f"  {count:7d}  {name}" for name, count in part["rules"].items()]
        lines += [f"  {count:7d}  rejected: {reason}" for reason, count in part["rejected"].items()]
        shift = f"{part['words more']:+.1f} words, comma changed in {part['comma']:.1%}"
        lines += [f"  {part['duplicates']} duplicates, {shift}"]
        lines += [_cue_line("told from its caption", part["cues"])]
        lines += [f"  {sample['caption']}\n    {sample['negated']}" for sample in part["samples"]]
    return "\n".join([*lines, "", _cue_line("presence told from absence", found["presence against absence"])])


def _cue_line(what: str, cues: dict[str, float]) -> str:
    return f"  {what} by " + ", ".join(f"{name} {accuracy:.1%}" for name, accuracy in cues.items())


def _engine(name: str, processes: int) -> Engine:
    if name == "local":
        return local(processes)
    from omninegclip.captions.ray_engine import over_ray

    return over_ray(processes)


def _rewriter(url: str, model: str, cache: Path, per_minute: float) -> RewriteRows:
    try:
        from omninegclip.captions.rewrite import Endpoint, Rewriter, rewrite_rows
    except ImportError as error:
        raise OmniNegClipError("Rewriting needs httpx: pip install 'omninegclip[llm]'.") from error
    return partial(rewrite_rows, rewriter=Rewriter(Endpoint(url, model, per_minute=per_minute), cache))
