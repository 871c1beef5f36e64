"""One report: our figures with their intervals, the paper's claims, and published figures beside them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from omninegclip.evaluation.results import BenchmarkResult, load
from omninegclip.evaluation.suite import load_suite
from omninegclip.files import JsonObject, write_sealed, write_text
from omninegclip.progress import console
from omninegclip.report.comparison import ComparisonCell, ComparisonRow, in_words, published, summarise
from omninegclip.report.markdown import table
from omninegclip.reproduce.plan import ReproductionPlan
from omninegclip.reproduce.records import MADE

# What the paper claims for its recipe, relative to the pretrained model, the most over its backbones; and the
# figure here that is nearest, since its tables are not known.
CLAIMS = {
    "presence": ("+52.65 %", "cc-neg", "accuracy"),
    "absence": ("+12.50 %", "negrefcocog", "accuracy"),
    "retrieval": ("+19.62 %", "coco-retrieval", "text_to_image_r5"),
}
PAPER = "arXiv 2603.29258, abstract"
BLIND = (
    "blind: the best rule that reads the texts and sees no image. One that looks for contradictions has "
    "98.6 % of NegBench's COCO questions and 97.1 % of VOC's, more than any model that we know of on these "
    "two: a high figure there shows no seeing."
)


class Reproduced(NamedTuple):
    """What the report is made of.

    Attributes:
        plan: what was to be done.
        recipes: the names of the trainings.
        models: the names of the models, the pretrained one first.
        results: how texts are scored -> the folder of the results.
        data: what the data stage said: `gone` and `origins`.
        failed: models that could not be evaluated, and why.
    """

    plan: ReproductionPlan
    recipes: Sequence[str]
    models: Sequence[str]
    results: Mapping[str, Path]
    data: JsonObject
    failed: JsonObject


class _Scored(NamedTuple):
    """The figures of all models under one protocol and one way of scoring texts."""

    scorer: str
    protocol: str
    models: list[str]
    rows: list[ComparisonRow]


def write_report(made: Reproduced, folder: Path) -> None:
    """Write `report.md` and the same as `report.json` into `folder`.

    Raises OmniNegClipError when a results file is damaged, or the report can't be written.
    """
    scored = [
        _scored(made, scorer, protocol) for scorer in made.results for protocol in ("official", "strict")
    ]
    scored = [each for each in scored if each.rows]
    write_text(folder / "report.md", _markdown(made, scored))
    write_sealed(folder / "report.json", _json(made, scored))
    console.print(f"The report is {folder / 'report.md'}.", soft_wrap=True)


def _scored(made: Reproduced, scorer: str, protocol: str) -> _Scored:
    """Read the results of every model; a benchmark that one of them lacks is left out of its column."""
    by_model: dict[str, dict[str, BenchmarkResult]] = {}
    for path in sorted(made.results[scorer].glob(f"*/{protocol}/*.json")):
        result = load(path)
        by_model.setdefault(result.model["name"], {})[result.benchmark] = result
    models = [name for name in made.models if name in by_model]
    if not models:
        return _Scored(scorer, protocol, [], [])
    names = list(dict.fromkeys(name for model in models for name in by_model[model]))
    lists = [
        [by_model[model].get(name) or _absent(by_model[models[0]], name, by_model) for name in names]
        for model in models
    ]
    return _Scored(scorer, protocol, models, summarise(lists))


def _absent(
    first: Mapping[str, BenchmarkResult], name: str, by_model: Mapping[str, Mapping[str, BenchmarkResult]]
) -> BenchmarkResult:
    some = first.get(name) or next(each[name] for each in by_model.values() if name in each)
    return BenchmarkResult(name, some.model, some.protocol, some.seed, some.measures, "absent")


def _markdown(made: Reproduced, scored: Sequence[_Scored]) -> str:
    note = _training_note(made)
    parts = [
        f"# Omni-NegCLIP on {made.plan.backbone.name}",
        f"Backbone {made.plan.backbone.backbone}; trained: {', '.join(made.recipes) or 'nothing'}. {note}",
        "## The paper's claims",
        _claims(scored),
        f"Source of the claims: {PAPER}, relative to the pretrained model, the most over backbones. {note}",
        "## Beside published figures",
        _published(made, scored),
        f"Ours: official protocol, every text as one vector. {BLIND} {note}",
    ]
    for each in scored:
        how = "with the gate" if each.scorer == "gate" else "every text as one vector"
        parts += [
            f"## Measured here: {each.protocol} protocol, {how}",
            _table(each),
            "Per cent [95 % interval], change relative to the first model; * it differs from 0. "
            f"{BLIND} {note}",
        ]
    return "\n\n".join([*parts, *_missing(made)]) + "\n"


def _training_note(made: Reproduced) -> str:
    """Return where the rows that were trained on are from, which stands under every table."""
    origins = made.data.get("origins", {})
    said = "; ".join(f"{kind} rows: {origin}" for kind, origin in origins.items())
    if not said:
        return "Nothing was trained here."
    other = "Not the paper's data where rules made them. " if MADE in origins.values() else ""
    return f"Training data: {said}. {other}".strip()


def _table(scored: _Scored) -> str:
    header = ["measure", "benchmark", "figure", "n", *scored.models, "blind"]
    lines = []
    for row in scored.rows:
        n = next(cell.estimate.n for cell in row.cells if cell)
        cells = [_cell(cell, place > 0) for place, cell in enumerate(row.cells)]
        lines.append([row.measure, row.benchmark, row.figure, f"{n:,}", *cells, _blind(row)])
    return table(header, lines)


def _cell(cell: ComparisonCell | None, compared: bool) -> str:
    return in_words(cell, compared=compared, missing="not measured")


def _blind(row: ComparisonRow) -> str:
    return f"{100 * row.blind[1]:.1f} ({row.blind[0]})" if row.blind else ""


def _claims(scored: Sequence[_Scored]) -> str:
    official = next((each for each in scored if (each.scorer, each.protocol) == ("plain", "official")), None)
    lines = []
    for kind, (claim, benchmark, figure) in CLAIMS.items():
        ours = _find(official, benchmark, figure)
        trained = [
            f"{model.rpartition('+')[2]}: {_cell(cell, True)}"
            for model, cell in zip(
                official.models if official else [], ours.cells if ours else [], strict=False
            )
            if "+" in model
        ]
        lines.append([kind, claim, f"{benchmark}, {figure}", "; ".join(trained) or "not measured"])
    return table(["kind", "claimed", "measured here on", "ours"], lines)


def _published(made: Reproduced, scored: Sequence[_Scored]) -> str:
    """Return the published figures, each with those of all models here on the same benchmark."""
    official = next((each for each in scored if (each.scorer, each.protocol) == ("plain", "official")), None)
    names = [each.name for suite in ("negation", "retrieval") for each in load_suite(suite)]
    models = official.models if official else []
    lines = []
    for known in published(names):
        ours = dict(_columns(official, _find(official, known["benchmark"], known["figure"])))
        told = [known["benchmark"], known["figure"], f"{known['model']}, {known['backbone']}"]
        told += [known["value"], known["blind"]]
        source = f"{known['source']}, {known['table']}, {known['version']}, {known['read']}"
        cells = [_cell(ours.get(model), False) for model in models]
        lines.append([*told, *cells, _comparable(known, made), known["protocol"], source])
    header = ["benchmark", "figure", "published", "value", "blind", *models, "comparable", "protocol"]
    return table([*header, "source"], lines)


def _comparable(known: Mapping[str, str], made: Reproduced) -> str:
    """Say whether a published figure can be compared with the pretrained model here, and if not why."""
    backbone = made.plan.backbone
    if known["backbone"] != backbone.backbone:
        return f"no: {backbone.backbone} here"
    if not backbone.name.startswith("openai/"):
        return "no: pretrained on other data than OpenAI's"
    return known["comparable"]


def _columns(
    scored: _Scored | None, row: ComparisonRow | None
) -> Iterator[tuple[str, ComparisonCell | None]]:
    """Yield every model with its cell of a row; nothing where there is no such row."""
    if scored and row:
        yield from zip(scored.models, row.cells, strict=True)


def _find(scored: _Scored | None, benchmark: str, figure: str) -> ComparisonRow | None:
    rows = scored.rows if scored else []
    return next((row for row in rows if (row.benchmark, row.figure) == (benchmark, figure)), None)


def _missing(made: Reproduced) -> list[str]:
    reasons = {
        **{each.name: each.why for each in made.plan.table.absent},
        **{
            each.name: f"fetch it by hand from {each.page}"
            for each in made.plan.manual
            if each.name in made.plan.missing
        },
        **made.data.get("gone", {}),
        **made.failed,
    }
    if not reasons:
        return []
    return ["## Not measured", table(["what", "why"], [[name, str(why)] for name, why in reasons.items()])]


def _json(made: Reproduced, scored: Sequence[_Scored]) -> JsonObject:
    return {
        "plan": made.plan.as_dict(),
        "data": made.data,
        "failed": made.failed,
        "claims": {kind: {"claimed": claim, "source": PAPER} for kind, (claim, _, _) in CLAIMS.items()},
        "scored": [
            {
                "scorer": each.scorer,
                "protocol": each.protocol,
                "models": each.models,
                "rows": [row.as_dict() for row in each.rows],
            }
            for each in scored
        ],
    }
