"""One benchmark on one model with all that is needed to repeat it: JSON, and per-item values beside it."""

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.intervals import Estimate, bootstrap_mean, proportion
from omninegclip.evaluation.suite import MEASURES
from omninegclip.evaluation.tasks import Figure
from omninegclip.files import atomic_file

Status = Literal["done", "absent", "failed"]
SEED = 0  # of the bootstrap
_PACKAGES = ("omninegclip", "torch", "transformers", "numpy", "pillow")


@dataclass
class Result:
    """What one benchmark said of one model."""

    benchmark: str
    model: dict[str, Any]  # name, fingerprint, activation, logit_scale, dim
    protocol: str
    seed: int
    measures: Mapping[str, str]
    status: Status = "done"
    reason: str = ""  # why it is absent or failed
    scored: int = 0
    skipped: dict[str, int] = field(default_factory=dict)  # why -> how many items
    missing: dict[str, str] = field(default_factory=dict)  # picture -> what is wrong with it
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)  # file -> SHA-256
    settings: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    seconds: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)
    values: dict[str, NDArray[np.float64]] = field(
        default_factory=dict, repr=False
    )  # per item, not in the JSON

    def estimate(self, figure: str) -> Estimate | None:
        """Return a figure with its interval, or None if there is none of that name."""
        found = self.figures.get(figure)
        return None if found is None else Estimate(*(found[name] for name in Estimate._fields))

    def as_dict(self) -> dict[str, Any]:
        """Return all but the per-item values."""
        return {name: value for name, value in asdict(self).items() if name != "values"}


def describe(figure: Figure) -> dict[str, Any]:
    """Return a figure's estimate, its breakdowns with their macro averages, and what blind rules achieve."""
    breakdowns: dict[str, dict[str, Any]] = {}
    for name, groups in figure.groups.items():
        members = np.array(groups)
        parts = {
            str(group): _estimate(figure.values[members == group], figure) for group in np.unique(members)
        }
        if len(parts) > 1:
            breakdowns[name] = {
                "macro": float(np.mean([part.value for part in parts.values()])),
                "groups": {group: part.as_dict() for group, part in parts.items()},
            }
    return {**_estimate(figure.values, figure).as_dict(), "by": breakdowns, "blind": dict(figure.blind)}


def save(result: Result, path: Path) -> None:
    """Write `path` as JSON and the per-item values beside it as .npz."""
    with atomic_file(path.with_suffix(".npz")) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **result.values)  # type: ignore[arg-type]
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(result.as_dict(), indent=2, ensure_ascii=False) + "\n", "utf-8")


def load(path: Path) -> Result:
    """Read what `save` wrote.

    Raises OmniNegClipError if it is no results file.
    """
    try:
        result = Result(**json.loads(path.read_text("utf-8")))
        arrays = path.with_suffix(".npz")
        if arrays.exists():
            with np.load(arrays, allow_pickle=False) as values:
                result.values = {name: values[name] for name in values.files}
        if unknown := set(result.measures) - set(MEASURES):
            raise ValueError(f"it has the measure {min(unknown)!r}")
    except (OSError, ValueError, TypeError) as error:
        raise OmniNegClipError(f"{path} is no results file of `omninegclip evaluate`: {error}.") from error
    return result


def load_all(folders: Sequence[Path]) -> list[Result]:
    """Read every results file below the folders."""
    paths = [
        path for folder in folders for path in ([folder] if folder.is_file() else folder.rglob("*.json"))
    ]
    if not paths:
        raise OmniNegClipError(f"There are no results below {', '.join(map(str, folders))}.")
    return [load(path) for path in sorted(paths)]


def hash_source(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's sorted file names and sizes."""
    if path.is_dir():
        names = sorted(
            (p.relative_to(path).as_posix(), p.stat().st_size) for p in path.rglob("*") if p.is_file()
        )
        return hashlib.sha256(json.dumps(names).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def key_of(**settings: Any) -> str:
    """Return the hash of everything that decides a result."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a figure may depend on."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _estimate(values: NDArray[np.float64], figure: Figure) -> Estimate:
    return proportion(values) if figure.proportion else bootstrap_mean(values, SEED)
