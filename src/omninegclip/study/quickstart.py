"""The quickstart: a CLIP that ignores "no", the same one after fine-tuning, and what changed."""

import copy
import json
import time
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import torch
import yaml
from rich.table import Table

from omninegclip.clip.device import ComputePlace, settle
from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip
from omninegclip.clip.io.metadata import read_metadata
from omninegclip.clip.io.save import save_clip
from omninegclip.clip.policy import PolicyTable
from omninegclip.environment import peak_memory, versions
from omninegclip.evaluation.scenes import Figures, as_dict, evaluate_blind
from omninegclip.evaluation.scorer import Scorer
from omninegclip.files import JsonObject, atomic_folder, refuse_occupied, write_text
from omninegclip.memory import keep_freed_memory
from omninegclip.progress import console
from omninegclip.report.card import ModelCard
from omninegclip.report.curves import training_curves
from omninegclip.report.page import PolicyRow, RunPage
from omninegclip.report.scenes import ATTRIBUTION, BLIND, NOTES, figure_rows, summary_rows
from omninegclip.report.table import FigureRow, rich_table
from omninegclip.report.thumbnails import ThumbnailRow, thumbnail_rows
from omninegclip.run.driver import freeze_texts
from omninegclip.run.log import step_line
from omninegclip.run.summary import facts
from omninegclip.scenes.benchmark import make_benchmark
from omninegclip.scenes.graphics import graphics_folder
from omninegclip.scenes.records import RECORDS
from omninegclip.scenes.render import image_of
from omninegclip.scenes.showcase import make_showcase
from omninegclip.scoring.texts import ReadTexts, whole_texts
from omninegclip.study.tunings import Tuner, TuningJob, each_tuned
from omninegclip.study.workers import in_workers
from omninegclip.study.world import Size, ask, embed_scenes, make_training_data
from omninegclip.training.loop import Step
from omninegclip.training.preset import Preset, load_preset

MODEL = "scenes-small"
PAPER = "scenes-paper"
PRETRAINED, GATED = "pretrained", "pretrained, gate"


class TunedModel(NamedTuple):
    """A fine-tuned model, how it came to be, and what it scores."""

    preset: Preset
    encoder: ClipEncoder
    policy: PolicyTable
    steps: list[Step]
    figures: Figures


class QuickstartResult(NamedTuple):
    """The figures of a run; the last of `tuned` is the model of the run.

    `gated` are those of the model before, with sentences read by rules and scored by their halves;
    `workers_memory` the largest resident sizes of the processes that trained, in bytes, added up.
    """

    before: Figures
    gated: Figures
    workers_memory: int
    tuned: dict[str, TunedModel]
    blind: dict[str, tuple[str, float]]

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the models."""
        return (PRETRAINED, *self.tuned, GATED)

    @property
    def figures(self) -> tuple[Figures, ...]:
        """Return the figures of the models."""
        return (self.before, *(each.figures for each in self.tuned.values()), self.gated)

    @property
    def last(self) -> TunedModel:
        """Return the model of the run."""
        return list(self.tuned.values())[-1]


def quickstart(
    out: Path,
    seed: int,
    preset_name: str,
    overrides: Sequence[str],
    size: Size,
    paper_overrides: Sequence[str] = (),
    place: ComputePlace | None = None,
) -> tuple[JsonObject, Table]:
    """Run the whole chain on the picture world and write the run folder `out`.

    The paper's preset is trained beside the one that is asked for, on the same data. Returns what `--json`
    prints, and the table of all models. Raises OmniNegClipError when the preset is unknown, the folder can't
    be written, or a package is missing; nothing is left behind then.
    """
    started = time.perf_counter()
    chosen = load_preset(preset_name, overrides)
    is_paper = (preset_name, tuple(overrides)) == (PAPER, tuple(paper_overrides))
    presets = {} if is_paper else {"paper": load_preset(PAPER, paper_overrides)}
    presets["paper" if is_paper else chosen.objective] = chosen
    refuse_occupied(out)
    graphics_folder()
    keep_freed_memory()
    with atomic_folder(out) as folder:
        if place is not None:
            settle(place)
        encoder = load_clip(MODEL, place=place)
        result = _compare(encoder, presets, folder, seed, size, place)
        rows = figure_rows(result.figures, result.blind)
        _save_models(
            folder, out, result, rows, {name: _facts(each, seed, size) for name, each in result.tuned.items()}
        )
        models = {PRETRAINED: encoder} | {name: each.encoder for name, each in result.tuned.items()}
        readers = {name: whole_texts(each.embed_text) for name, each in models.items()} | {
            GATED: _gate(encoder)
        }
        images = _image_rows(encoder, readers, seed)
        _write_report(folder / "report.html", result, rows, _facts(result.last, seed, size), images)
        _write_config(folder, preset_name, chosen, seed, size)
        summary = {
            "before": as_dict(result.before),
            "after": as_dict(result.last.figures),
            "paper": as_dict(result.tuned["paper"].figures),
            "gate": as_dict(result.gated),
            "blind": {name: {"rule": rule, "value": value} for name, (rule, value) in result.blind.items()},
            "model": str(out / "model"),
            "report": str(out / "report.html"),
            "seconds": round(time.perf_counter() - started, 1),
            "peak_memory_bytes": peak_memory() + result.workers_memory,
        }
        (folder / "metrics.json").write_text(json.dumps(summary, indent=2) + "\n")
    shown = summary_rows(result.figures, result.blind)
    return summary, rich_table(shown, result.columns, "The picture world, before and after", BLIND)


def _compare(
    encoder: ClipEncoder,
    presets: Mapping[str, Preset],
    folder: Path,
    seed: int,
    size: Size,
    place: ComputePlace | None,
) -> QuickstartResult:
    """Fine-tune with each preset, the last being that of the run, and score every model.

    That of the run trains the longest and begins first; the benchmark is drawn and embedded beside it, and
    then the others train: so two cores have work to the end.
    """
    features = make_training_data(encoder, folder / "data", seed, size)
    tuner = Tuner(MODEL, place, folder / "data" / RECORDS, features, seed)
    models, policies, jobs = dict[str, ClipEncoder](), dict[str, PolicyTable](), list[TuningJob]()
    for name, preset in presets.items():
        models[name] = copy.deepcopy(encoder)
        policies[name] = freeze_texts(models[name], preset)
        console.print(f"Fine-tuning, {name}:", str(policies[name]), sep="\n")
        is_last = len(jobs) == len(presets) - 1
        jobs.append(TuningJob(name, preset, folder / ("log.jsonl" if is_last else f"log-{name}.jsonl")))
    tuned = dict[str, TunedModel]()
    memory = 0
    with in_workers(tuner.fine_tune, len(jobs)) as submit:
        running = {jobs[-1]: submit(jobs[-1])}
        benchmark = make_benchmark(seed, size.questions)
        images = embed_scenes(encoder, "benchmark", benchmark.scenes, seed)
        running |= {job: submit(job) for job in jobs[:-1]}
        before = ask(encoder, benchmark, images)
        gated = ask(encoder, benchmark, images, _gate(encoder))
        for (name, preset, _), texts in each_tuned(running):
            texts.load_into(models[name])
            figures = ask(models[name], benchmark, images)
            tuned[name] = TunedModel(preset, models[name], policies[name], texts.steps, figures)
            memory += texts.peak_memory
    tuned = {name: tuned[name] for name in presets}
    return QuickstartResult(before, gated, memory, tuned, evaluate_blind(benchmark))


def _gate(encoder: ClipEncoder) -> ReadTexts:
    """Return what reads sentences by rules and scores them by their halves."""
    return Scorer("rules").of(MODEL, encoder)


def _save_models(
    folder: Path,
    out: Path,
    result: QuickstartResult,
    rows: Sequence[FigureRow],
    metadata: Mapping[str, Mapping[str, str]],
) -> None:
    """Write the models into `folder`, which will be `out`; the model of the run is called so."""
    for name, each in result.tuned.items():
        target = "model" if each is result.last else f"model-{name}"
        card = _card(name, out / target, result, rows, metadata[name])
        save_clip(folder / target, each.encoder, base=MODEL, card=card)


def _image_rows(encoder: ClipEncoder, readers: Mapping[str, ReadTexts], seed: int) -> list[ThumbnailRow]:
    """Return for each fixed query the top images by every column, right and wrong marked.

    All share the image tower of `encoder`.
    """
    showcase = make_showcase(seed)
    texts = [question.text for question in showcase.questions]
    images = embed_scenes(encoder, "showcase", showcase.scenes, seed)
    everything = slice(None)
    scores = {
        name: read(texts).rank_images(images).block(everything, everything) for name, read in readers.items()
    }

    def show(number: int, index: int) -> tuple[bytes, bool, str]:
        scene, png = showcase.scenes[index], BytesIO()
        image_of("showcase", scene, seed, index).save(png, "PNG")
        caption = ", ".join(kind.singular for kind in scene.kinds)
        return png.getvalue(), showcase.questions[number].is_right(scene), caption

    return thumbnail_rows(texts, scores, show)


def _facts(tuned: TunedModel, seed: int, size: Size) -> dict[str, str]:
    """Return what a reader needs to judge or repeat the run."""
    more = {
        "training images": f"{size.scenes:,}",
        "last loss": f"{tuned.steps[-1].scalars['loss']:.3f}",
    }
    return facts(tuned.preset, tuned.policy, seed, len(tuned.steps), **more)


def _write_report(
    path: Path,
    result: QuickstartResult,
    rows: Sequence[FigureRow],
    metadata: Mapping[str, str],
    image_rows: Sequence[ThumbnailRow],
) -> None:
    page = RunPage(
        title="What “no” means to a CLIP, before and after",
        summary="A small CLIP that ships with omninegclip finds what a caption mentions and ignores “no”. "
        "Here it is compared with the same model after fine-tuning its text tower, "
        "on images that none of them was trained on.",
        rows=rows,
        columns=result.columns,
        curves=[
            training_curves(
                [step_line(step) for step in tuned.steps],
                tuned.preset.minimises.curves,
                f"Fine-tuning, {name}",
            )
            for name, tuned in result.tuned.items()
        ],
        image_rows=image_rows,
        metadata=metadata,
        policy_rows=[PolicyRow(part.name, part.trains, part.parameters) for part in result.last.policy.parts],
        notes=NOTES,
        attribution=ATTRIBUTION,
    ).html()
    write_text(path, page)


def _card(
    name: str, place: Path, result: QuickstartResult, rows: Sequence[FigureRow], metadata: Mapping[str, str]
) -> str:
    return ModelCard(
        name=f"scenes-small, {name}",
        place=place,
        summary=f"scenes-small after fine-tuning by `omninegclip quickstart`: the column {name}.",
        licence="mit",
        rows=rows,
        columns=result.columns,
        measured_on=f"The scenes benchmark of omninegclip: images that no model was trained on. {BLIND}",
        metadata=metadata,
        limits=[NOTES[0], "It knows the objects and places of the picture world and nothing else."],
        attribution=ATTRIBUTION,
    ).markdown()


def _write_config(folder: Path, preset_name: str, preset: Preset, seed: int, size: Size) -> None:
    """Write what the run was: the merged config, and the versions of everything that computed it."""
    config = {"preset": preset_name, "seed": seed, "model": MODEL, **size._asdict(), **preset.as_dict()}
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    metadata = {**versions(), "threads": torch.get_num_threads(), "model": read_metadata(folder / "model")}
    (folder / "versions.json").write_text(json.dumps(metadata, indent=2) + "\n")
