"""The verb `evaluate`."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cyclopts import Parameter

from omninegclip.commands.options import Flag, Json, ModelOptions, Models, Seed
from omninegclip.printable import say_json


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """What is asked, and by which rule.

    Attributes:
        suite: negation, retrieval, scenes, all, or a YAML file (docs/benchmarks.md).
        data: Folder that holds the benchmarks' files and images.
        protocol: strict scores ties by chance and refuses NaN; official scores as the field does.
        seed: Order of the options under the strict protocol.
        allow_missing: Score only the items whose images are there.
        out: Folder for results; what is finished there is not scored again.
        cache: Folder for image embeddings; by default OUT/features.
    """

    suite: str = "all"
    data: Path
    protocol: Literal["strict", "official"] = "strict"
    seed: Seed = 0
    allow_missing: Flag = False
    out: Path | None = None
    cache: Path | None = None


def evaluate(
    models: Models,
    /,
    *,
    options: EvaluationOptions,
    weights: ModelOptions = ModelOptions(),
    published: Flag = False,
    json_: Json = False,
    csv: Flag = False,
) -> int:
    """Score models side by side on negation benchmarks, and on what negation training costs.

    Args:
        published: Show figures from papers, with their source.
        csv: Print CSV.
    """
    from omninegclip.clip.io.load import load_clip
    from omninegclip.evaluation.run import Settings
    from omninegclip.evaluation.side_by_side import evaluate_models, exit_code, refuse_absent
    from omninegclip.evaluation.suite import load_suite
    from omninegclip.progress import show
    from omninegclip.report import comparison

    cache = options.cache or (options.out / "features" if options.out else None)
    settings = Settings(
        options.data, options.protocol, options.seed, options.allow_missing, options.out, cache
    )
    names, benchmarks = weights.named(models), load_suite(options.suite)
    by_model = evaluate_models(names, load_clip, benchmarks, settings)
    rows = comparison.summarise(by_model)
    known = comparison.published([result.benchmark for result in by_model[0]]) if published else []
    if json_:
        say_json(comparison.as_dict(by_model, known), indent=2)
    elif csv:
        sys.stdout.write(comparison.to_csv(rows))
    elif rows:
        show(*comparison.tables(rows, names, known), width=200)
    refuse_absent(by_model, options.suite, benchmarks, options.data)
    return exit_code(by_model)
