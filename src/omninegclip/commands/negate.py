"""The verb `negate`."""

import os
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from omninegclip.commands.options import (
    Between,
    DeviceOptions,
    Flag,
    Json,
    LlmOptions,
    Processes,
    Repeats,
    Seed,
    WeightOptions,
)
from omninegclip.errors import OmniNegClipError
from omninegclip.extras import needed_for
from omninegclip.printable import say, say_json

if TYPE_CHECKING:
    from omninegclip.captions.pipeline import Engine, Look, RewriteRows, Summary
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
        wordings: Ways to say each negation, by the language model; each that passes the checks is a row.
        processes: Worker processes; one per core when not given.
        engine: local, or ray for a cluster.
    """

    labels: Path | None = None
    kind: Literal["presence", "absence", "both"] = "both"
    per_caption: Repeats = 1
    seed: Seed = 0
    hard: Flag = False
    wordings: Annotated[int, Parameter(validator=Between(1, 8))] = 1
    processes: Processes | None = None
    engine: Literal["local", "ray"] = "local"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ScreenOptions(DeviceOptions, WeightOptions):
    """The model that looks at the images.

    Attributes:
        screen_with: A model that looks at the images: nothing that it sees is called absent.
        images: Folder of the images; that of DATA when not given.
        calibration: File of `omninegclip calibrate`, to take instead of the model's own.
    """

    screen_with: str | None = None
    images: Path | None = None
    calibration: Path | None = None


def negate(
    data: Path,
    out: Path | None = None,
    /,
    *,
    options: NegateOptions = NegateOptions(),
    llm: LlmOptions = LlmOptions(),
    screen: ScreenOptions = ScreenOptions(),
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
        done = _negate(data, out, options, llm, screen)
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


def _negate(
    data: Path, out: Path, options: NegateOptions, llm: LlmOptions, screen: ScreenOptions
) -> "Summary":
    from omninegclip.captions.negate import NegationOptions
    from omninegclip.captions.pipeline import RULES, negate_file, refuse_output

    refuse_output(out)  # before a model is loaded
    asked = NegationOptions(options.kind, options.per_caption, options.seed, options.hard)
    models = RULES
    if (endpoint := llm.endpoint) is not None:
        by = f"{endpoint.model} at {endpoint.url}"
        if options.wordings > 1:
            by += f", {options.wordings} wordings"
        models = replace(models, by=by, rewrite=_rewriter(endpoint, options.wordings))
    elif options.wordings > 1:
        raise OmniNegClipError("--wordings needs a language model: name it with --llm-url and --llm-model.")
    if screen.screen_with is not None:
        look, fingerprint = _looks(screen.screen_with, screen, data)
        models = replace(models, by=f"{models.by}, screened with {fingerprint}", look=look)
    return negate_file(data, out, options.labels, asked, _engine(options), models)


def _looks(model: str, screen: ScreenOptions, data: Path) -> "tuple[Look, str]":
    """Return what looks at images, and the fingerprint of its image tower."""
    from omninegclip.captions.lexicon import english
    from omninegclip.clip.io.load import load_clip
    from omninegclip.scoring.calibration import calibration_of
    from omninegclip.scoring.visible import look

    encoder = load_clip(*screen.named([model]), place=screen.place)
    calibration = calibration_of(model, encoder.image_fingerprint, screen.calibration)
    folder = data.parent if screen.images is None else screen.images
    looks = partial(look, folder=folder, lexicon=english(), model=encoder, calibration=calibration)
    return looks, calibration.fingerprint


def _engine(options: NegateOptions) -> "Engine":
    processes = options.processes or os.cpu_count() or 1
    if options.engine == "ray":
        from omninegclip.captions.ray_engine import over_ray

        return over_ray(processes)
    from omninegclip.captions.pipeline import local

    return local(processes)


def _rewriter(endpoint: "Endpoint", wordings: int) -> "RewriteRows":
    from omninegclip.captions.rewrite import REWRITING, Rewriter, rewording, rewrite_rows
    from omninegclip.llm import LanguageModel

    task = REWRITING if wordings == 1 else rewording(wordings)
    return partial(rewrite_rows, rewriter=Rewriter(LanguageModel(endpoint, task), wordings))
