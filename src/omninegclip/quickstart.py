"""The proof in one command: a CLIP that ignores "no", the same one after fine-tuning, and what changed."""

import copy
import json
import time
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml
from rich.table import Table

from omninegclip.clip.encoder import ClipEncoder, Embeddings
from omninegclip.clip.facts import read_facts
from omninegclip.clip.load import load_clip
from omninegclip.clip.policy import PolicyTable
from omninegclip.clip.save import save_clip
from omninegclip.environment import peak_memory, versions
from omninegclip.evaluation.scenes import Figures, as_dict, evaluate_blind
from omninegclip.files import atomic_folder, refuse_occupied
from omninegclip.memory import keep_freed_memory
from omninegclip.progress import console
from omninegclip.report.card import model_card
from omninegclip.report.curves import curves_svg
from omninegclip.report.page import PolicyRow, render
from omninegclip.report.page import write as write_page
from omninegclip.report.pictures import Picture, PictureRow
from omninegclip.report.scenes import ATTRIBUTION, NOTES, figure_rows, summary_rows
from omninegclip.report.table import Row, rich_table
from omninegclip.scenes.graphics import graphics_folder
from omninegclip.scenes.render import picture_of
from omninegclip.scenes.showcase import Showcase, make_showcase
from omninegclip.study.world import Size, ask, embed_scenes, make_world, train_on
from omninegclip.training.finetune import freeze
from omninegclip.training.loop import Step
from omninegclip.training.preset import Preset, load_preset

MODEL = "scenes-tiny"
COLUMNS = ("pretrained", "omni")


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
        world = make_world(encoder, folder / "data", seed, size)
        before = ask(encoder, world)
        tuned = copy.deepcopy(encoder)
        policy = freeze(tuned, preset)
        console.print(str(policy))
        with (folder / "log.jsonl").open("w") as log:
            steps = []
            for step in train_on(tuned, world, preset, seed):
                steps.append(step)
                line = {"step": step.number, "learning_rate": step.learning_rate, **step.scalars}
                log.write(json.dumps(line) + "\n")
        result = Result(before, ask(tuned, world), evaluate_blind(world.benchmark), policy, steps)
        rows = figure_rows((result.before, result.after), result.blind)
        facts = _facts(preset, seed, size, result)
        save_clip(folder / "model", tuned, base=MODEL, card=_card(rows, facts))
        _write_report(folder / "report.html", result, rows, facts, _picture_rows((encoder, tuned), seed))
        _write_config(folder, preset_name, preset, seed, size)
        summary = {
            "before": as_dict(result.before),
            "after": as_dict(result.after),
            "blind": {name: {"rule": rule, "value": value} for name, (rule, value) in result.blind.items()},
            "model": str(out / "model"),
            "report": str(out / "report.html"),
            "seconds": round(time.perf_counter() - started, 1),
            "peak_memory_bytes": peak_memory(),
        }
        (folder / "metrics.json").write_text(json.dumps(summary, indent=2) + "\n")
    shown = summary_rows((result.before, result.after), result.blind)
    return summary, rich_table(shown, COLUMNS, "The picture world, before and after")


def free_name(folder: Path) -> Path:
    """Return `folder`, or the first of `folder`-2, `folder`-3, ... that does not exist."""
    numbered = (folder.with_name(f"{folder.name}-{number}") for number in count(2))
    return next(name for name in chain([folder], numbered) if not name.exists())


def _picture_rows(encoders: Sequence[ClipEncoder], seed: int) -> list[PictureRow]:
    """Return for each fixed query the top pictures of every model, right and wrong marked."""
    showcase = make_showcase(seed)
    texts = [question.text for question in showcase.questions]
    pictures = embed_scenes(encoders[0], "showcase", showcase.scenes, seed)
    scores = [encoder.embed_text(texts) @ pictures.T for encoder in encoders]
    return [
        PictureRow(
            text,
            {name: _top(showcase, number, scores[model][number], seed) for model, name in enumerate(COLUMNS)},
        )
        for number, text in enumerate(texts)
    ]


def _top(showcase: Showcase, question: int, scores: Embeddings, seed: int, size: int = 5) -> list[Picture]:
    return [
        Picture(
            _png(showcase, index, seed),
            showcase.questions[question].is_right(showcase.scenes[index]),
            ", ".join(kind.singular for kind in showcase.scenes[index].kinds),
            float(scores[index]),
        )
        for index in np.argsort(-scores, kind="stable")[:size].tolist()
    ]


def _png(showcase: Showcase, index: int, seed: int) -> bytes:
    png = BytesIO()
    picture_of("showcase", showcase.scenes[index], seed, index).save(png, "PNG")
    return png.getvalue()


def _facts(preset: Preset, seed: int, size: Size, result: Result) -> dict[str, str]:
    """Return what a reader needs to judge or repeat the run."""
    installed = versions()
    return {
        "seed": str(seed),
        "pictures to learn from": f"{size.scenes:,}",
        "steps": f"{preset.steps} of {preset.batch_size} + {preset.batch_size} pictures",
        "learning rate": f"{preset.learning_rate:g}",
        "parameters that train": f"{result.policy.trained:,} of {result.policy.total:,}",
        "last loss": f"{result.steps[-1].scalars['loss']:.3f}",
        **{name: installed[name] for name in ("omninegclip", "torch", "transformers")},
    }


def _write_report(
    path: Path,
    result: Result,
    rows: Sequence[Row],
    facts: Mapping[str, str],
    picture_rows: Sequence[PictureRow],
) -> None:
    wanted = ("loss", "presence/two_way", "absence/negated", "absence/text")
    parts = [part for part in wanted if part in result.steps[0].scalars]  # other objectives have other parts
    series = {part: [(step.number, step.scalars[part]) for step in result.steps] for part in parts}
    page = render(
        title="What “no” means to a CLIP, before and after",
        summary="A small CLIP that ships with omninegclip finds what a caption mentions and ignores “no”. "
        "This is the same model after Omni-NegCLIP fine-tuning of the front of its text tower, "
        "asked about pictures that it has not seen.",
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


def _card(rows: Sequence[Row], facts: Mapping[str, str]) -> str:
    return model_card(
        name="model",
        summary="scenes-tiny after Omni-NegCLIP fine-tuning by `omninegclip quickstart`.",
        licence="mit",
        base_model=None,
        tags=["omninegclip"],
        rows=rows,
        columns=COLUMNS,
        measured_on="the scenes benchmark of omninegclip: held-out pictures of its picture world",
        facts=facts,
        limits=[NOTES[0], "It knows the objects and places of the picture world and nothing else."],
        attribution=ATTRIBUTION,
    )


def _write_config(folder: Path, preset_name: str, preset: Preset, seed: int, size: Size) -> None:
    """Write what the run was: the merged config, and the versions of everything that computed it."""
    config = {"preset": preset_name, "seed": seed, "model": MODEL, **size._asdict(), **preset.as_dict()}
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    facts = {**versions(), "threads": torch.get_num_threads(), "model": read_facts(folder / "model")}
    (folder / "versions.json").write_text(json.dumps(facts, indent=2) + "\n")
