"""Several models on the same benchmarks."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.results import BenchmarkResult
from omninegclip.evaluation.run import Settings, evaluate
from omninegclip.evaluation.suite import Benchmark
from omninegclip.files import hold
from omninegclip.progress import console

if TYPE_CHECKING:  # imports torch
    from omninegclip.clip.encoder import Encoder


def evaluate_models(
    models: Sequence[str],
    load: Callable[[str], "Encoder"],
    benchmarks: Sequence[Benchmark],
    settings: Settings,
) -> list[list[BenchmarkResult]]:
    """Return the results of each model; every model is loaded once before the first is scored.

    So one that is misspelt or damaged is found before the work. Raises OmniNegClipError if a model can't be
    loaded or has no calibration that the scorer needs, there is no data folder, or another process is writing
    the folder for the results.
    """
    if not settings.data.is_dir():
        raise OmniNegClipError(
            f"{settings.data} is not a folder: --data must name the folder that holds the benchmarks."
        )
    by_model = []
    with hold(settings.out) if settings.out else nullcontext():
        for model in models[1:]:
            _check(model, load(model), settings)
        for model in models:
            console.print(model, style="bold")
            encoder = load(model)
            _check(model, encoder, settings)
            by_model.append(evaluate(model, encoder, benchmarks, settings))
    return by_model


def _check(model: str, encoder: "Encoder", settings: Settings) -> None:
    """Raise OmniNegClipError when the score needs a calibration that the model has not."""
    settings.scorer.of(model, encoder)


def refuse_absent(
    by_model: Sequence[Sequence[BenchmarkResult]], suite: str, benchmarks: Sequence[Benchmark], data: Path
) -> None:
    """Raise OmniNegClipError if no benchmark of the suite has its files in `data`."""
    if all(result.status == "absent" for results in by_model for result in results):
        wanted = ", ".join(path for benchmark in benchmarks for path in benchmark.files)
        raise OmniNegClipError(f"{data} holds no benchmark of the suite {suite}; it looked for {wanted}.")


def exit_code(by_model: Sequence[Sequence[BenchmarkResult]]) -> int:
    """Return 1 if a benchmark failed, else 0; one whose files are not there does not count."""
    found = {result.status for results in by_model for result in results}
    if "done" not in found:
        console.print("Nothing was measured: every benchmark that is there failed, for the reasons above.")
    return int("failed" in found)
