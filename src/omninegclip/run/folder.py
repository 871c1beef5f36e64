"""The run folder: what lies in it, whether a run may begin or go on there, and what the run was."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import yaml

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.environment import git_state, versions
from omninegclip.errors import OmniNegClipError
from omninegclip.files import PARTIAL, atomic_file
from omninegclip.run.job import Data, Job
from omninegclip.training.distributed import from_first, rank, world_size
from omninegclip.training.statements import OBJECTIVE as STATEMENTS

CONFIG, VERSIONS, LOG, METRICS = "config.yaml", "versions.json", "log.jsonl", "metrics.json"
LAST, BEST = "checkpoints/last.safetensors", "checkpoints/best.safetensors"
CURVES, EVENTS, MODEL = "curves.svg", "tensorboard", "model"


@contextmanager
def run_folder(out: Path, resume: bool) -> Iterator[None]:
    """Have the folder of a run, and remove it again if the run never began: a wrong option occupies no name.

    Raises OmniNegClipError when it is occupied, by anything but this run if `resume`, or can't be written.
    """
    _prepare(out, resume)
    try:
        yield
    except BaseException:
        if rank() == 0 and not (out / LOG).exists():
            shutil.rmtree(out, ignore_errors=True)
        raise


def _prepare(out: Path, resume: bool) -> None:
    """Make the folder, or take up the one that is there and remove what a killed process half wrote."""

    def prepare() -> str | None:
        try:
            if out.exists() and not out.is_dir():
                return f"{out} is a file: name a new folder."
            if _entries(out) and not resume:
                return f"{out} already exists: add --resume to go on with it, or name a new folder."
            if not (out / CONFIG).exists():
                known = {"checkpoints", VERSIONS}  # of a run that was killed before it began
                strangers = [entry.name for entry in _entries(out) if entry.name not in known]
                if strangers:
                    return f"{out} holds no run to resume, but {strangers[0]}: name another folder."
            (out / "checkpoints").mkdir(parents=True, exist_ok=True)
            for leftover in [*out.glob(f".*{PARTIAL}"), *(out / "checkpoints").glob(f".*{PARTIAL}")]:
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        except OSError as error:
            return f"Can't write {out}: {error.strerror or error}."
        return None

    if problem := from_first(prepare):
        raise OmniNegClipError(problem)


def _entries(out: Path) -> list[Path]:
    """Return what lies in the folder, but for files that a killed process left half-written."""
    return [each for each in out.iterdir() if not each.name.endswith(PARTIAL)] if out.is_dir() else []


def config_of(job: Job, encoder: ClipEncoder, data: Data) -> dict[str, Any]:
    """Return all that decides the weights a run ends with."""
    digest = hashlib.sha256()
    columns = ["image_id", "caption", "presence_negated", "absence_negated"]
    if job.preset.objective == STATEMENTS:
        columns += ["statements", "objects_present", "objects_unsure"]
    for record in (*data.training, *data.held_out):
        digest.update(json.dumps([record.get(column) for column in columns]).encode())
    return {
        "preset": job.preset_name,
        **job.preset.as_dict(),
        "seed": job.seed,
        "processes": world_size(),
        "data": [str(source) for source in job.data],
        "records": len(data.training),
        "records_held_out": len(data.held_out),
        "data_hash": digest.hexdigest()[:16],
        "model_fingerprint": encoder.fingerprint,
    }


def same_config(job: Job, config: dict[str, Any]) -> None:
    """Write what the run is, or compare it with what it was when it began.

    Raises OmniNegClipError when they differ.
    """
    path = job.out / CONFIG

    def compare() -> str | None:
        if path.exists():
            was = yaml.safe_load(path.read_text())
            for key, value in config.items():
                # where the same records lie does not matter
                if key not in ("data", "preset") and was.get(key) != value:
                    return (
                        f"The run in {job.out} began with {key}={was.get(key)!r}, not {value!r}: "
                        "resume with the same options, or name a new folder."
                    )
            return None
        facts = {**versions(), "threads": torch.get_num_threads(), "git": git_state()}
        with atomic_file(job.out / VERSIONS) as temporary:
            temporary.write_text(json.dumps(facts, indent=2) + "\n")
        with atomic_file(path) as temporary:
            temporary.write_text(yaml.safe_dump(config, sort_keys=False))
        return None

    if problem := from_first(compare):
        raise OmniNegClipError(problem)
