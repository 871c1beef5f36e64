"""The run folder: what lies in it, whether a run may begin or go on there, and what the run was.

A marker file identifies it, and is written before anything else, into an empty folder only. So files with a
run's names beside a marker belong to the run, and a folder without a marker is never touched.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import torch
import yaml

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.environment import git_state, versions
from omninegclip.errors import DamagedError, OmniNegClipError
from omninegclip.files import (
    LOCK,
    PARTIAL,
    JsonObject,
    free_name,
    hash_file,
    hold,
    read_sealed,
    write_sealed,
    write_text,
)
from omninegclip.progress import console
from omninegclip.run.job import Data, Job
from omninegclip.training.checkpoint import load_checkpoint
from omninegclip.training.distributed import from_first, rank, world_size

MARKER = "omninegclip-run.json"
CONFIG, VERSIONS, LOG, METRICS = "config.yaml", "versions.json", "log.jsonl", "metrics.json"
CHECKPOINTS = "checkpoints"
LAST, BEST = f"{CHECKPOINTS}/last.safetensors", f"{CHECKPOINTS}/best.safetensors"
CURVES, EVENTS, MODEL = "curves.svg", "tensorboard", "model"
CARD = "README.md"  # of the model: its reader is asked to add to it

_KIND = "omninegclip train"
_FILES = "files"  # the key of the metrics that holds the hashes of the model's files
_FREE = ("data", "preset")  # where the same records lie does not matter
_MEANS = {
    "data_hash": " (other records)",
    "image_hash": " (other images)",
    "model_fingerprint": " (other base weights)",
    "tokenizer_hash": " (another tokenizer)",
}


class RunFolder:
    """A run folder that this process alone writes.

    Attributes:
        out: where it is.
        run: what the marker holds: `config`, all that decides the weights, and `versions`.
    """

    def __init__(self, out: Path) -> None:
        """Write nothing yet."""
        self.out = out
        self.run: JsonObject = {}
        self._made: list[Path] = []  # by this very call

    def same_run(self, config: Mapping[str, object]) -> None:
        """Record what the run is, or compare it with what was recorded when it began.

        Raises OmniNegClipError when they differ, or it can't be written.
        """
        self.run = from_first(lambda: self._same_run(json.loads(json.dumps(config))))

    def _same_run(self, config: JsonObject) -> JsonObject:
        if self.run:
            _refuse_other(self.out, difference(self.run["config"], config))
        else:
            metadata = {**versions(), "threads": torch.get_num_threads(), "git": git_state()}
            self.run = {"kind": _KIND, "config": config, "versions": metadata}
            self._made.append(self.out / MARKER)
            write_sealed(self.out / MARKER, self.run)
            _sweep(self.out)
        if not (self.out / CHECKPOINTS).exists():
            self._made.append(self.out / CHECKPOINTS)
            (self.out / CHECKPOINTS).mkdir()
        self._say(VERSIONS, json.dumps(self.run["versions"], indent=2) + "\n")
        self._say(CONFIG, yaml.safe_dump(self.run["config"], sort_keys=False))
        return self.run

    def _say(self, name: str, text: str) -> None:
        """Write a file for readers, unless it says the same already."""
        path = self.out / name
        with suppress(OSError, ValueError, RecursionError, yaml.YAMLError):
            if yaml.safe_load(path.read_text("utf-8")) == yaml.safe_load(text):
                return
        if not path.exists():
            self._made.append(path)
        write_text(path, text)

    def finished(self) -> JsonObject | None:
        """Return the summary of the run if it is done, and its model is what was written."""
        if not (self.out / METRICS).exists():
            return None
        try:
            done = read_sealed(self.out / METRICS)
        except DamagedError as error:
            _say(f"{error} It is written again.")
            return None
        kept = done.pop(_FILES, {})
        found = hashes(self.out / MODEL)
        if wrong := [name for name, digest in kept.items() if found.get(name) != digest]:
            _say(f"{self.out / MODEL / wrong[0]} was changed: the model is written again.")
            return None
        return done | {"model": str(self.out / MODEL)}

    def finish(self, summary: Mapping[str, object]) -> None:
        """Write the metrics, the last file of a run."""
        kept = {name: each for name, each in hashes(self.out / MODEL).items() if name != CARD}
        write_sealed(self.out / METRICS, {**summary, _FILES: kept})

    def put_model(self, new: Path) -> None:
        """Move a newly written model into place, and rename what is there if it differs."""
        model = self.out / MODEL
        if model.is_dir() and hashes(model) == hashes(new):
            shutil.rmtree(new)
            return
        if model.is_symlink() or model.exists():
            aside = free_name(model)
            model.rename(aside)
            _say(f"{model} is not the model of this run: it is renamed to {aside}.")
        new.rename(model)

    def take(self, resume: bool, holding: ExitStack) -> None:
        """Lock the folder, read its marker, and remove what a killed process of this run left half-written.

        Raises OmniNegClipError when it is occupied, by anything but a run if `resume`, held, or damaged.
        """
        _refuse_occupied(self.out, resume)
        holding.enter_context(hold(self.out))
        _refuse_occupied(self.out, resume)  # somebody may have been here before it was held
        if (self.out / MARKER).exists():
            self.run = _read_marker(self.out)
            _sweep(self.out)

    def undo(self) -> None:
        """Remove what this call made, if no step was taken: the same command can then be given again."""
        log, events = self.out / LOG, self.out / EVENTS
        if rank() > 0 or (log.exists() and log.stat().st_size):
            return
        if self.out / MARKER in self._made:  # the folder was empty before, so these are ours as well
            shutil.rmtree(events, ignore_errors=True)
            log.unlink(missing_ok=True)
        for path in reversed(self._made):
            with suppress(OSError):  # a folder that somebody else uses by now stays
                path.rmdir() if path.name == CHECKPOINTS else path.unlink()


@contextmanager
def run_folder(out: Path, resume: bool) -> Iterator[RunFolder]:
    """Lock the folder of a run for this process; the first of several processes locks it for all.

    Raises OmniNegClipError when it is occupied, by anything but this run if `resume`, or can't be written.
    """
    folder = RunFolder(out)
    with ExitStack() as holding:
        from_first(lambda: folder.take(resume, holding))
        try:
            yield folder
        except BaseException:
            folder.undo()
            raise


def config_of(job: Job, encoder: ClipEncoder, data: Data, contents: Sequence[str]) -> JsonObject:
    """Return all that decides the weights a run ends with; `contents` are the hashes of its images."""
    columns = job.preset.method.columns
    records = ([record.get(column) for column in columns] for record in (*data.training, *data.held_out))
    return {
        "preset": job.preset_name,
        **job.preset.as_dict(),
        "seed": job.seed,
        "processes": world_size(),
        "data": [str(source) for source in job.data],
        "records": len(data.training),
        "records_held_out": len(data.held_out),
        "data_hash": _digest(map(json.dumps, records)),
        "image_hash": _digest(contents),
        "model_fingerprint": encoder.fingerprint,
        "tokenizer_hash": _tokenizer_hash(encoder),
    }


def same_plan(path: Path, plan: Mapping[str, object]) -> None:
    """Write down in `path` what the work beside it is made of, or compare it with what is written there.

    `plan` holds all that decides the work; what JSON doesn't know, such as paths, is kept as a text.

    Raises OmniNegClipError when they differ, or the file is damaged or can't be written.
    """
    now = json.loads(json.dumps(dict(plan), default=str))
    if path.exists():
        _refuse_other(path.parent, difference(read_sealed(path), now, free=()))
    else:
        write_sealed(path, now)


def difference(
    was: Mapping[str, object], now: Mapping[str, object], free: Sequence[str] = _FREE
) -> str | None:
    """Return the first value in which two configs differ, in words, if one decides the weights."""
    for key, value in now.items():
        if key not in free and was.get(key) != value:
            return f"{key}={was.get(key)!r}, not {value!r}{_MEANS.get(key, '')}"
    return None


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a folder, by its path there; none for no folder."""
    found = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = hash_file(path)
    return found


def _refuse_other(folder: Path, problem: str | None) -> None:
    if problem:
        raise OmniNegClipError(
            f"The run in {folder} began with {problem}: resume with the same options, or name a new folder."
        )


def _refuse_occupied(out: Path, resume: bool) -> None:
    try:
        entries = [each.name for each in out.iterdir()] if out.is_dir() else []
    except OSError as error:
        raise OmniNegClipError(f"Can't read {out}: {error.strerror or error}.") from error
    strangers = sorted(each for each in entries if not _is_of_a_start(each))
    if out.exists() and not out.is_dir():
        raise OmniNegClipError(f"{out} is a file: name a new folder.")
    if strangers and MARKER not in strangers:
        raise OmniNegClipError(
            f"{out} holds {strangers[0]}, and no run to resume: name another folder."
            if resume
            else f"{out} already exists and holds {strangers[0]}, but no run: name a new folder."
        )
    if strangers and not resume:
        raise OmniNegClipError(f"{out} already exists: add --resume to continue it, or name a new folder.")


def _is_of_a_start(name: str) -> bool:
    """Tell whether a file of this name can be left by a process killed before it wrote the marker."""
    return name == LOCK or (name.startswith(f".{MARKER}.") and name.endswith(PARTIAL))


def _read_marker(out: Path) -> JsonObject:
    """Return what the run is, from the last checkpoint when the marker is damaged."""
    path = out / MARKER
    try:
        run = read_sealed(path)
    except DamagedError as error:
        try:
            run = load_checkpoint(out / LAST)[1].get("run", {})
        except DamagedError:
            run = {}
        if run.get("kind") != _KIND:
            raise OmniNegClipError(
                f"{error} No checkpoint says which run this is: name another folder, or remove {out} first."
            ) from error
        _say(f"{error} It is written again, from the last checkpoint.")
        write_sealed(path, run)
    if run.get("kind") != _KIND:
        raise OmniNegClipError(f"{path} does not belong to a run of `{_KIND}`: name another folder.")
    return run


def _sweep(out: Path) -> None:
    """Remove temporary files of this run's processes that were killed; it alone has these names here."""
    for name in (MARKER, CONFIG, VERSIONS, METRICS, CURVES, LAST, BEST, MODEL, f"{MODEL}-*"):
        folder = (out / name).parent
        for leftover in folder.glob(f".{Path(name).name}.*{PARTIAL}"):
            with suppress(OSError):
                is_folder = leftover.is_dir() and not leftover.is_symlink()
                shutil.rmtree(leftover) if is_folder else leftover.unlink()


def _digest(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode())
    return digest.hexdigest()[:16]


def _tokenizer_hash(encoder: ClipEncoder) -> str:
    """Return the hash of the whole tokenizer but for how it cuts and pads, which every call says anew."""
    rules = json.loads(encoder.tokenizer.backend_tokenizer.to_str())
    return _digest([json.dumps({k: v for k, v in rules.items() if k not in ("truncation", "padding")})])


def _say(sentence: str) -> None:
    console.print(sentence, soft_wrap=True)
