"""One benchmark on one model with all that is needed to repeat it: JSON, and per-item values beside it."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from omninegclip.data.sources import load_json, readable
from omninegclip.errors import DamagedError, OmniNegClipError
from omninegclip.evaluation.arrays import read_arrays
from omninegclip.evaluation.intervals import Estimate, bootstrap_mean, clustered_proportion, proportion
from omninegclip.evaluation.suite import MEASURES
from omninegclip.evaluation.tasks import Figure
from omninegclip.files import CHECKSUM, JsonObject, atomic_file, hash_file, read_sealed, write_sealed
from omninegclip.progress import console

Status = Literal["done", "absent", "failed"]
SEED = 0  # of the bootstrap
_PER_ITEM = ("values", "clusters", "chosen")
_IMAGES, _CHOSEN = ".images", "chosen"  # in the names of arrays


class ModelFacts(TypedDict):
    """What a result says of the model."""

    name: str
    fingerprint: str
    activation: str
    logit_scale: float
    dim: int


@dataclass
class BenchmarkResult:
    """The result of one benchmark for one model."""

    benchmark: str
    model: ModelFacts
    protocol: str
    seed: int
    measures: Mapping[str, str]
    status: Status = "done"
    reason: str = ""  # why it is absent or failed
    scored: int = 0
    skipped: dict[str, int] = field(default_factory=dict)  # why -> how many items
    missing: dict[str, str] = field(default_factory=dict)  # image -> what is wrong with it
    figures: dict[str, JsonObject] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)  # file -> SHA-256
    settings: dict[str, object] = field(default_factory=dict)
    key: str = ""
    note: str = ""  # what a reader of the figures must know
    truncated: int = 0  # texts that the model does not read to their end
    arrays: str = ""  # SHA-256 of the .npz beside
    seconds: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)
    # per item and not in the JSON: the values of each figure, the image of each of its items, and `chosen`
    values: dict[str, NDArray[np.float64]] = field(default_factory=dict, repr=False)
    clusters: dict[str, NDArray[np.int64]] = field(default_factory=dict, repr=False)
    chosen: NDArray[np.int64] | None = field(default=None, repr=False)

    def estimate(self, figure: str) -> Estimate | None:
        """Return a figure with its interval, or None if there is none of that name."""
        found = self.figures.get(figure)
        return None if found is None else Estimate(*(found[name] for name in Estimate._fields))

    def as_dict(self) -> dict[str, object]:
        """Return all but the per-item values."""
        return {name: value for name, value in asdict(self).items() if name not in _PER_ITEM}


def describe(figure: Figure) -> JsonObject:
    """Return a figure's estimate, its breakdowns with their macro averages, and what blind rules achieve."""
    breakdowns: dict[str, dict[str, object]] = {}
    for name, groups in figure.groups.items():
        members = np.array(groups)
        parts = {str(group): _estimate(figure, members == group) for group in np.unique(members)}
        if len(parts) > 1:
            breakdowns[name] = {
                "macro": float(np.mean([part.value for part in parts.values()])),
                "groups": {group: part.as_dict() for group, part in parts.items()},
            }
    whole = _estimate(figure, np.ones(len(figure.values), np.bool_))
    return {**whole.as_dict(), "by": breakdowns, "blind": dict(figure.blind)}


def save(result: BenchmarkResult, path: Path) -> None:
    """Write the per-item values as .npz and `path` as JSON, which knows whether both are whole."""
    arrays: dict[str, Any] = dict(result.values)
    arrays |= {f"{name}{_IMAGES}": clusters for name, clusters in result.clusters.items()}
    if result.chosen is not None:
        arrays[_CHOSEN] = result.chosen
    with atomic_file(path.with_suffix(".npz")) as temporary:
        with temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)
        result.arrays = hash_source(temporary)
    write_sealed(path, result.as_dict())


def load(path: Path) -> BenchmarkResult:
    """Read what `save` wrote.

    Raises DamagedError if a file is not what was written or of an older version, OmniNegClipError if it
    can't be opened.
    """
    with readable(path):
        result = _of_json(read_sealed(path), path)
    arrays = path.with_suffix(".npz")
    if not arrays.is_file() or hash_source(arrays) != result.arrays:
        raise DamagedError(f"{arrays} is not what was written with {path.name}.")
    found = read_arrays(arrays)
    result.chosen = found.pop(_CHOSEN, None)
    result.clusters = {n.removesuffix(_IMAGES): found.pop(n) for n in list(found) if n.endswith(_IMAGES)}
    result.values = found
    return result


def load_all(folders: Sequence[Path]) -> list[BenchmarkResult]:
    """Read the JSON of every results file below the folders, without the per-item values.

    Raises OmniNegClipError if there is none, or one is damaged or no results file.
    """
    paths = [
        path for folder in folders for path in ([folder] if folder.is_file() else folder.rglob("*.json"))
    ]
    if not paths:
        raise OmniNegClipError(f"There are no results below {', '.join(map(str, folders))}.")
    return [_load_figures(path) for path in sorted(paths)]


def _load_figures(path: Path) -> BenchmarkResult:
    values = load_json(path, dict)
    if CHECKSUM in values:
        try:
            return _of_json(read_sealed(path), path)
        except DamagedError as error:
            raise OmniNegClipError(
                f"{path} is damaged: run the same `omninegclip evaluate` again to replace it."
            ) from error
    result = _of_json(values, path)
    console.print(f"{path} has no checksum: an older version wrote it.")
    return result


def _of_json(values: JsonObject, path: Path) -> BenchmarkResult:
    try:
        result = BenchmarkResult(**{name: value for name, value in values.items() if name not in _PER_ITEM})
        _check(result)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DamagedError(f"{path} is not a results file of `omninegclip evaluate`: {error}.") from error
    return result


def _check(result: BenchmarkResult) -> None:
    """Raise an error of some kind unless all that the leaderboard shows is there and of its type."""
    if unknown := set(result.measures) - set(MEASURES):
        raise ValueError(f"it has the measure {min(unknown)!r}")
    texts = [result.benchmark, result.protocol, *result.measures.values()]
    texts += [result.model["name"], result.model["activation"], result.model["fingerprint"]]
    numbers: list[object] = [sum(result.skipped.values())]
    for figure in result.figures.values():
        numbers += [*(figure[name] for name in Estimate._fields), *figure["blind"].values()]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a name in it is no text")
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers):
        raise TypeError("a figure in it is no number")


def hash_source(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's sorted file names and sizes."""
    if path.is_dir():
        names = sorted(
            (p.relative_to(path).as_posix(), p.stat().st_size) for p in path.rglob("*") if p.is_file()
        )
        return hashlib.sha256(json.dumps(names).encode()).hexdigest()
    with readable(path):
        return hash_file(path)


def key_of(**settings: object) -> str:
    """Return the hash of everything that decides a result."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _estimate(figure: Figure, members: NDArray[np.bool_]) -> Estimate:
    values = figure.values[members]
    clusters = None if figure.clusters is None else figure.clusters[members]
    if not figure.proportion:
        return bootstrap_mean(values, SEED, clusters=clusters)
    return proportion(values) if clusters is None else clustered_proportion(values, clusters, SEED)
