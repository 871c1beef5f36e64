"""The package from Python: load a CLIP, train it, evaluate it, and negate captions.

    import omninegclip as onc

    clip = onc.load("openai/clip-vit-base-patch32")
    clip.similarity(["a cat without glasses"], [Path("cat.jpg"), Path("cat-with-glasses.jpg")])

Wrong input raises `OmniNegClipError`, whose message says in a sentence what would be right.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack, get_args

from omninegclip.errors import OmniNegClipError
from omninegclip.reading.reading import Reading

if TYPE_CHECKING:  # these import torch, pyarrow or spaCy
    from omninegclip.captions.negate import NegationKind
    from omninegclip.clip.encoder import ClipEncoder, Encoder
    from omninegclip.evaluation.intervals import Estimate
    from omninegclip.evaluation.results import BenchmarkResult
    from omninegclip.files import JsonObject
    from omninegclip.llm import Endpoint
    from omninegclip.report.comparison import ComparisonRow

Activation = Literal["quick_gelu", "gelu"]
Precision = Literal["fp32", "bf16", "fp16"]


def load(
    name: str | Path,
    *,
    activation: Activation | None = None,
    tokenizer: str | Path | None = None,
    device: str = "cpu",
    precision: Precision = "fp32",
) -> "ClipEncoder":
    """Load a CLIP, with weights in float32, with its tokenizer and image transform.

    Args:
        name: an id of the Hugging Face hub, a folder, a weight file, or `scenes-small`, which ships with the
            package. What is on this machine never touches the network.
        activation: of the MLP blocks, for weights that don't say it.
        tokenizer: a folder with the tokenizer, for weights that come without one.
        device: where it computes: `cpu`, `cuda`, `cuda:N`, `mps`, or `auto`, a CUDA GPU where there is one.
        precision: of matrix products; where another changes embeddings too much, it is fp32, which is said.

    Returns:
        An encoder: `embed_text` and `embed_image` return L2-normalised embeddings [n, d], and `similarity`
        the cosines [texts, images].

    Raises:
        OmniNegClipError: there is no such model, or its files are incomplete, damaged or contradictory.
    """
    from omninegclip.clip.device import ComputePlace, choose_device, settle
    from omninegclip.clip.io.load import load_clip

    place = ComputePlace(choose_device(device), precision)
    if (device, precision) != ("cpu", "fp32"):  # which nobody has to be told
        settle(place)
    folder = Path(tokenizer) if tokenizer else None
    return load_clip(name, activation=activation, tokenizer=folder, place=place)


class MoreTrainingOptions(TypedDict, total=False):
    """The options of `train` that are rarely needed.

    Attributes:
        images: folder of the images; default: that of the records.
        cache: folder of the image features; default: `features` beside the run folder.
        limit: how many records are read of each source; default: all.
        tensorboard: write TensorBoard events too.
        allow_missing: leave out records whose images are missing or can't be read, instead of an error.
        activation: as for `load`, of the base model.
        tokenizer: as for `load`, of the base model.
    """

    images: str | Path
    cache: str | Path
    limit: int
    tensorboard: bool
    allow_missing: bool
    activation: Activation
    tokenizer: str | Path


@dataclass(frozen=True)
class TrainingRun:
    """A finished run.

    Attributes:
        model_path: the folder of the fine-tuned model, in Hugging Face's layout.
        steps: optimizer steps taken.
        best_step: the step whose weights were kept; None when no images were held out.
        before: the figures of the base model on the held-out images; empty when there were none.
        after: the same figures of the fine-tuned model.
        fingerprint: hash of the fine-tuned model.
        seconds: how long the steps took.
    """

    model_path: Path
    steps: int
    best_step: int | None
    before: Mapping[str, "Estimate"]
    after: Mapping[str, "Estimate"]
    fingerprint: str
    seconds: float

    def load(self) -> "ClipEncoder":
        """Load the fine-tuned model."""
        return load(self.model_path)

    def _repr_html_(self) -> str:
        rows = [[name, _percent(self.before[name]), _percent(after)] for name, after in self.after.items()]
        title = f"{self.model_path}: {self.steps} steps in {self.seconds:.0f} s"
        return _html_table(title, ["held-out images, %", "before", "after"], rows)


def train(
    data: str | Path | Sequence[str | Path],
    preset: str | Path,
    *,
    out: str | Path | None = None,
    overrides: Mapping[str, object] | None = None,
    seed: int = 0,
    resume: bool = False,
    **options: Unpack[MoreTrainingOptions],
) -> TrainingRun:
    """Fine-tune a CLIP on records of negated captions; what `omninegclip train` does.

    Args:
        data: Parquet files or folders of records, such as `omninegclip negate` writes.
        preset: a name, such as `omni-vitb32`, or a YAML file.
        out: the run folder, new or empty unless `resume`; default: `runs/PRESET`.
        overrides: values that differ from the preset's, such as `{"model": "scenes-small", "steps": 100}`.
        seed: decides the order of the data, and which images are held out.
        resume: continue the run in `out`, or start it if there is none.
        **options: see `MoreTrainingOptions`.

    Raises:
        OmniNegClipError: the data, the preset or the model don't fit, or `out` holds something else.
    """
    from omninegclip.run.driver import train as run
    from omninegclip.run.job import Job
    from omninegclip.training.preset import load_preset

    folder = Path(out) if out else Path("runs") / Path(preset).stem
    job = Job(
        data=tuple(map(Path, [data] if isinstance(data, str | Path) else data)),
        images=Path(options["images"]) if "images" in options else None,
        preset_name=str(preset),
        preset=load_preset(str(preset), (), overrides or {}),
        out=folder,
        seed=seed,
        cache=Path(options.get("cache", folder.parent / "features")),
        limit=options.get("limit"),
        tensorboard=options.get("tensorboard", False),
        allow_missing=options.get("allow_missing", False),
        activation=options.get("activation"),
        tokenizer=Path(options["tokenizer"]) if "tokenizer" in options else None,
    )
    done = run(job, resume=resume)
    return TrainingRun(
        Path(done["model"]),
        done["steps"],
        done["best_step"],
        _estimates(done["before"]),
        _estimates(done["after"]),
        done["fingerprint"],
        done["seconds"],
    )


def _estimates(figures: Mapping[str, "JsonObject"] | None) -> dict[str, "Estimate"]:
    from omninegclip.evaluation.intervals import Estimate

    return {name: Estimate(**figure) for name, figure in (figures or {}).items()}


class MoreEvaluationOptions(TypedDict, total=False):
    """The options of `evaluate` that are rarely needed.

    Attributes:
        seed: order of the options of a question under the strict protocol; default: 0.
        allow_missing: score the items whose images are there, instead of an error.
        cache: folder of the image embeddings; default: `features` in `out`.
        reader: `none` (default) scores a text by one vector; `rules` reads what it affirms and negates, and
            `learned:PATH` does with a reader that was trained for the model.
        score: of a text that negates something: `gate` (default), `subtract`, `subspace` or `cosine`.
        calibration: a file of `omninegclip calibrate`, to take instead of the model's own.
        threshold: of the gate, in standard deviations; default: the calibration's, mostly 2.
        level: how much of an image's level is taken off when texts are chosen among, from 0 to 1; default:
            the calibration's, mostly 0.
    """

    seed: int
    allow_missing: bool
    cache: str | Path
    reader: str
    score: Literal["gate", "subtract", "subspace", "cosine"]
    calibration: str | Path
    threshold: float
    level: float


@dataclass(frozen=True)
class Evaluation:
    """The results of one or more models on the same benchmarks.

    Attributes:
        models: their names; changes are relative to the first.
        results: by model, one result per benchmark, those that are absent or failed included.
    """

    models: Sequence[str]
    results: Sequence[Sequence["BenchmarkResult"]]

    @cached_property
    def rows(self) -> list["ComparisonRow"]:
        """One row per measure and benchmark, with each model's figure and what the best blind rule scores."""
        from omninegclip.report.comparison import summarise

        return summarise(self.results)

    @property
    def unmeasured(self) -> list[str]:
        """The measures without any figure."""
        from omninegclip.report.comparison import unmeasured

        return unmeasured(self.rows)

    def _repr_html_(self) -> str:
        rows = [
            [
                row.measure,
                row.benchmark,
                row.figure,
                *(_percent(cell.estimate) if cell else "-" for cell in row.cells),
                f"{100 * row.blind[1]:.1f} ({row.blind[0]})" if row.blind else "",
            ]
            for row in self.rows
        ]
        title = "Per cent [95 % interval]"
        if self.unmeasured:
            title += f"; not measured: {', '.join(self.unmeasured)}"
        return _html_table(title, ["measure", "benchmark", "figure", *self.models, "blind"], rows)


def evaluate(
    models: "str | Path | Sequence[str | Path] | Mapping[str, Encoder]",
    data: str | Path,
    *,
    suite: str | Path = "all",
    protocol: Literal["strict", "official"] = "strict",
    out: str | Path | None = None,
    **options: Unpack[MoreEvaluationOptions],
) -> Evaluation:
    """Score models side by side on negation benchmarks and on what negation training costs.

    What `omninegclip evaluate` does. Every model is loaded once before the first is scored, so that a
    misspelt name is found before the work.

    Args:
        models: names as for `load`, or encoders by name: `{"mine": encoder}`.
        data: the folder that holds the files and images of the benchmarks.
        suite: `negation`, `retrieval`, `scenes`, `all`, or a YAML file.
        protocol: `strict` scores ties by chance and refuses NaN; `official` scores as the field does.
        out: a folder for the results; what is finished there is not scored again.
        **options: see `MoreEvaluationOptions`.

    Raises:
        OmniNegClipError: the suite or a model can't be read, or no benchmark is there.
    """
    from omninegclip.evaluation.run import Settings
    from omninegclip.evaluation.scorer import make_scorer
    from omninegclip.evaluation.side_by_side import evaluate_models, refuse_absent
    from omninegclip.evaluation.suite import load_suite

    benchmarks, folder, results = load_suite(str(suite)), Path(data), Path(out) if out else None
    cache = options.get("cache", results and results / "features")
    calibration = options.get("calibration")
    settings = Settings(
        folder,
        protocol,
        options.get("seed", 0),
        options.get("allow_missing", False),
        results,
        Path(cache) if cache else None,
        make_scorer(
            options.get("reader", "none"),
            options.get("score", "gate"),
            Path(calibration) if calibration else None,
            options.get("threshold"),
            level=options.get("level"),
        ),
    )
    listed = [models] if isinstance(models, str | Path) else models
    if not isinstance(listed, Sequence | Mapping) or not all(isinstance(name, str | Path) for name in listed):
        raise OmniNegClipError('models must be names, or loaded models by name: {"mine": encoder}.')
    names = list(map(str, listed))

    def encoder(name: str) -> "Encoder":
        return models[name] if isinstance(models, Mapping) else load(name)

    by_model = evaluate_models(names, encoder, benchmarks, settings)
    refuse_absent(by_model, str(suite), benchmarks, folder)
    return Evaluation(names, by_model)


@dataclass(frozen=True)
class Negation:
    """A caption with its two negated forms.

    Attributes:
        caption: what was given, with its white space tidied.
        presence_negated: a false one, which negates what the caption asserts; None if there is none.
        presence_kind: what was negated: `object`, `attribute`, `relation` or `action`.
        presence_reason: why there is none.
        absence_negated: a true one, which negates an object that is not in the image; None if there is none.
        absence_object: that object.
        absence_reason: why there is none.
    """

    caption: str
    presence_negated: str | None
    presence_kind: str | None
    presence_reason: str | None
    absence_negated: str | None
    absence_object: str | None
    absence_reason: str | None


class NegationList(list[Negation]):
    """Negations that a notebook shows as a table."""

    def _repr_html_(self) -> str:
        header = ["caption", "presence-based", "absence-based"]
        rows = [
            [
                row.caption,
                row.presence_negated or row.presence_reason or "",
                row.absence_negated or row.absence_reason or "",
            ]
            for row in self
        ]
        return _html_table("Negated captions, or why there is none", header, rows)


def negate(
    captions: Sequence[str],
    *,
    kind: "NegationKind" = "both",
    per_caption: int = 1,
    seed: int = 0,
    labels: Sequence[Sequence[str] | None] | None = None,
) -> NegationList:
    """Negate captions, each of an image of its own; what `omninegclip negate` does with a file of lines.

    Which objects are plausible and yet absent is read from all captions together: give a collection rather
    than a caption at a time.

    Args:
        captions: English captions.
        kind: which negation: `presence`, `absence` or `both`.
        per_caption: negated captions per caption, at most.
        seed: decides every choice.
        labels: the objects that are in each image, as many entries as captions; None for an unlabelled image.

    Returns:
        One row or more per caption, in order. A caption that can't be negated well has a row that says why.

    Raises:
        OmniNegClipError: an option is out of range, or the extra `negate` is not installed.
    """
    from omninegclip.captions.lexicon import english
    from omninegclip.captions.negate import Captioned, CollectionStatistics, NegationKind, NegationOptions
    from omninegclip.captions.negate import negate as rows_of

    if isinstance(captions, str):
        captions = [captions]
    if wrong := [caption for caption in captions if not isinstance(caption, str)]:
        raise OmniNegClipError(f"{wrong[0]!r} is not a caption: negate takes a list of texts.")
    if kind not in get_args(NegationKind):
        raise OmniNegClipError(f"kind is {kind!r}: it can be {', '.join(get_args(NegationKind))}.")
    if per_caption < 1:
        raise OmniNegClipError("per_caption must be 1 or more.")
    if labels is not None and len(labels) != len(captions):
        raise OmniNegClipError(
            f"There are {len(captions)} captions and {len(labels)} labels: labels needs one entry per "
            "caption."
        )
    images = [
        Captioned(str(number), None, [caption], labels[number - 1] if labels else None)
        for number, caption in enumerate(captions, 1)
    ]
    vocabulary = sorted({label for objects in labels or () for label in objects or ()})
    statistics = CollectionStatistics.of(images, english(), vocabulary)
    columns = [field.name for field in fields(Negation)][1:]
    rows = rows_of(images, statistics, NegationOptions(kind, per_caption, seed))
    return NegationList(Negation(row["caption"], *(row[column] for column in columns)) for row in rows)


def read(
    sentence: str,
    *,
    reader: str = "rules",
    model: "Encoder | None" = None,
    llm: "Endpoint | None" = None,
) -> Reading:
    """Return what a sentence affirms and what it denies; what `omninegclip read` does.

    Args:
        sentence: one English sentence.
        reader: `rules`; `llm`, a language model; `learned:PATH`, a text tower that was trained to read for
            `model`; or `none`, which takes the sentence as it stands.
        model: what `load` returns, for a learned reader.
        llm: where the language model answers, for the reader `llm`.

    Raises:
        OmniNegClipError: the sentence is no text, there is no such reader, or it lacks what it needs.
    """
    from omninegclip.llm import Endpoint
    from omninegclip.reading.registry import make_reader

    if not isinstance(sentence, str):
        raise OmniNegClipError(f"{sentence!r} is not a text: read takes one sentence.")
    if llm is not None and not isinstance(llm, Endpoint):
        raise OmniNegClipError("llm must be an Endpoint: Endpoint('http://localhost:8000/v1', 'NAME').")
    if model is not None and not hasattr(model, "embed_text"):
        raise OmniNegClipError(f"model must be what load returns, not {model!r}.")
    return make_reader(reader, llm, model).read([sentence])[0]


def _percent(estimate: "Estimate") -> str:
    value, low, high, _ = (100 * number for number in estimate)
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"


def _html_table(title: str, header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    def line(tag: str, cells: Iterable[str]) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

    body = "".join(line("td", row) for row in rows)
    return f"<table><caption>{escape(title)}</caption>{line('th', header)}{body}</table>"
