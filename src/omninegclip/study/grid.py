"""A grid of fine-tuning runs on the picture world: same data and budget, one thing changed each time.

Finished cells are kept, a file per cell and seed, so a study can be stopped at any moment and continued.
"""

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from omninegclip import __version__
from omninegclip.clip.blend import blend
from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip
from omninegclip.errors import DamagedError, OmniNegClipError
from omninegclip.evaluation.intervals import Estimate, proportion
from omninegclip.evaluation.scenes import Figures, as_dict, evaluate_scenes
from omninegclip.evaluation.scorer import Scorer
from omninegclip.files import JsonObject, read_sealed, write_sealed
from omninegclip.memory import keep_freed_memory
from omninegclip.progress import console
from omninegclip.reading.learned import LearnedReader
from omninegclip.report.figures import over_seeds
from omninegclip.run.driver import tune
from omninegclip.scenes.negation import split
from omninegclip.scoring.calibration import calibration_of
from omninegclip.scoring.others import KnownThings
from omninegclip.scoring.texts import halved_texts, halves_by_words, whole_texts
from omninegclip.scoring.vectors import METHODS, without_training
from omninegclip.study.rivals import check_rival, fit_rival
from omninegclip.study.workers import each_done
from omninegclip.study.world import Size, World, ask
from omninegclip.study.worlds import keep_world, read_world
from omninegclip.training.checkpoint import trained_of
from omninegclip.training.methods.halves import HALVES
from omninegclip.training.preset import Preset, load_preset

PRETRAINED = "pretrained"


class StudyCell(NamedTuple):
    """A line of the table: its name, and what of the preset it changes; None trains nothing.

    For a cell that trains nothing, `training_free` is the name of a method of `scoring.vectors`, and `scorer`
    what reads and scores sentences. `preset` is the one that this cell starts from, where it is not the
    study's; a reader that it trains is scored by the gate. `blend` is the share of the tuned weights in what
    is scored, the rest being those before (WiSE-FT, Wortsman et al., CVPR 2022). `rival` is the name of a
    network of `study.rivals` that trains beside the model, which stays as it is.
    """

    name: str
    overrides: tuple[str, ...] | None
    training_free: str | None = None
    scorer: Scorer = Scorer()
    preset: str | None = None
    blend: float = 1.0
    rival: str | None = None


class Outcome(NamedTuple):
    """What a cell came to with one seed: its figures, and the scalars of its last step.

    Where the objective has a hinge, the share of the last step's pairs in which it is active is a figure too.
    """

    figures: Figures
    last: dict[str, float]


Results = dict[str, list[Outcome]]


class CellJob(NamedTuple):
    """A cell with one seed, where its world is and where its outcome goes."""

    cell: StudyCell
    preset: Preset | None
    seed: int
    size: Size
    world: Path
    path: Path


def with_presets(
    cells: Sequence[StudyCell], preset_name: str, overrides: Sequence[str]
) -> dict[StudyCell, Preset | None]:
    """Return each cell with its preset, None for one that trains nothing.

    Raises OmniNegClipError when a preset is unknown, or has no such value.
    """
    return {
        cell: None
        if cell.overrides is None
        else load_preset(cell.preset or preset_name, [*overrides, *cell.overrides])
        for cell in cells
    }


def run_grid(
    model: str,
    cells: Mapping[StudyCell, Preset | None],
    seeds: Sequence[int],
    size: Size,
    out: Path,
    workers: int = 1,
) -> Results:
    """Train and score every cell with every seed, and return the outcomes by cell, in the order of the seeds.

    Finished cells are read from `out/cells`, and worlds from `out/worlds`. The cells are spread over
    `workers` processes. Raises OmniNegClipError when the model is unknown, a package is missing, a worker
    dies, or `out` can't be written.
    """
    runner = Runner(model)
    cells = _fitting(cells, runner.encoder)
    fingerprint = runner.encoder.fingerprint
    paths = {
        (cell.name, seed): out / "cells" / f"{_key(model, fingerprint, cell, preset, seed, size)}.json"
        for seed in seeds
        for cell, preset in cells.items()
    }

    def jobs() -> Iterator[CellJob]:
        for seed in seeds:
            if missing := [cell for cell in cells if _kept(paths[cell.name, seed]) is None]:
                world = keep_world(runner.encoder, out / "worlds", seed, size)
                for cell in missing:
                    yield CellJob(cell, cells[cell], seed, size, world, paths[cell.name, seed])

    for job in each_done(runner, jobs(), workers):
        console.print(f"{job.cell.name}, seed {job.seed}: {job.path}")
    return {cell.name: [_load(paths[cell.name, seed]) for seed in seeds] for cell in cells}


def _fitting(
    cells: Mapping[StudyCell, Preset | None], encoder: ClipEncoder
) -> dict[StudyCell, Preset | None]:
    """Return the cells without the rivals that can't stand beside a model, and say why.

    Raises OmniNegClipError when none is left.
    """
    kept = dict(cells)
    for cell in cells:
        try:
            if cell.rival is not None:
                check_rival(cell.rival, encoder)
        except OmniNegClipError as error:
            del kept[cell]
            if not kept:
                raise
            console.print(f"{cell.name} is left out: {error}")
    return kept


class Runner:
    """Does jobs with a model and the latest world in memory; goes to another process as the model's name."""

    def __init__(self, model: str) -> None:
        """Load the model."""
        keep_freed_memory()
        self._model, self.encoder = model, load_clip(model)
        self._world: tuple[Path, World] | None = None

    def __reduce__(self) -> tuple[type["Runner"], tuple[str]]:
        """Let the other process load the model by itself."""
        return Runner, (self._model,)

    def __call__(self, job: CellJob) -> None:
        """Train and score the cell, and write its outcome."""
        if self._world is None or self._world[0] != job.world:
            self._world = job.world, read_world(self.encoder, job.world, job.seed, job.size)
        _save(job, _run(self.encoder, self._world[1], job, self._model))


def summary(results: Results) -> dict[str, object]:
    """Return means over seeds, and the last step's scalars, ready for JSON."""
    return {
        name: {
            **as_dict(over_seeds([each.figures for each in outcomes])),
            "last_step": [each.last for each in outcomes],
        }
        for name, outcomes in results.items()
    }


def _run(encoder: ClipEncoder, world: World, job: CellJob, model: str) -> Outcome:
    cell, preset, seed = job.cell, job.preset, job.seed
    if cell.training_free is not None:
        embed = without_training(encoder.embed_text, split, METHODS[cell.training_free])
        return Outcome(evaluate_scenes(world.benchmark, world.images, whole_texts(embed)), {})
    if cell.rival is not None:
        return Outcome(*fit_rival(cell.rival, encoder, world, seed))
    if preset is None:
        return Outcome(ask(encoder, world.benchmark, world.images, cell.scorer.of(model, encoder)), {})
    tuned = copy.deepcopy(encoder)
    steps = tune(tuned, world.records, preset, seed, f"{cell.name}, seed {seed}").steps
    last = dict(steps[-1].scalars)
    if preset.method is HALVES:  # what was trained reads for the model before
        reader = LearnedReader(encoder, trained_of(tuned.model))
        calibration = calibration_of(model, encoder.image_fingerprint)
        known = cache(lambda: KnownThings(encoder.embed_text, calibration.nouns))
        halves = halves_by_words(encoder.embed_text, reader)
        read = halved_texts(halves, calibration, calibration.gate, known=known)
        return Outcome(ask(encoder, world.benchmark, world.images, read), last)
    if cell.blend < 1:
        tuned = blend(encoder, tuned, cell.blend)
    return Outcome(ask(tuned, world.benchmark, world.images), last)


def _key(model: str, fingerprint: str, cell: StudyCell, preset: Preset | None, seed: int, size: Size) -> str:
    decisive: list[object] = [__version__, fingerprint, preset and preset.as_dict(), seed, size]
    decisive += [cell.training_free] if cell.training_free else []
    decisive += [cell.blend] if cell.blend < 1 else []
    decisive += [cell.rival] if cell.rival else []
    reads = preset is not None and preset.method is HALVES
    # a learned reader's halves are scored as those of rules
    scorer = Scorer("rules") if reads else cell.scorer
    decisive += [scored] if (scored := scorer.as_dict(model)) else []
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:16]


def _save(job: CellJob, outcome: Outcome) -> None:
    content = {
        "cell": job.cell.name,
        "seed": job.seed,
        "preset": job.preset and job.preset.as_dict(),
        "figures": as_dict(outcome.figures),
        "last": outcome.last,
    }
    write_sealed(job.path, content)


def _kept(path: Path) -> JsonObject | None:
    """Return what a finished cell wrote; one that is damaged is not finished."""
    if not path.exists():
        return None
    try:
        return read_sealed(path)
    except DamagedError as error:
        console.print(f"{error} Its cell is run again.")
        return None


def _load(path: Path) -> Outcome:
    content = read_sealed(path)
    figures = {
        metric: {group: Estimate(**figure) for group, figure in groups.items()}
        for metric, groups in content["figures"].items()
    }
    share = content["last"].get("absence/hinge_active")
    if share is not None:
        figures["hinge_active"] = {"last_step": _share(share, content["preset"]["batch_size"])}
    return Outcome(figures, content["last"])


def _share(share: float, pairs: int) -> Estimate:
    """Return a share of the pairs of one step with its interval."""
    return proportion((np.arange(pairs) < round(share * pairs)).astype(np.float64))
