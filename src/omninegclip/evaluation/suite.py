"""A suite is a list of benchmarks; a benchmark is a reader and a task, written down in YAML."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from omninegclip.data.items import Item
from omninegclip.data.readers import READERS
from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.protocols import Rule
from omninegclip.evaluation.tasks import KINDS

MEASURES = (  # the columns of every summary, in this order: no negation figure without its price
    "presence",
    "absence",
    "multiple choice",
    "retrieval",
    "negated retrieval",
    "exclusion",
    "zero-shot",
)
SHIPPED = ("negation", "retrieval", "scenes")


@dataclass(frozen=True)
class Benchmark:
    """One entry of a suite; paths are relative to the data folder and may hold `*`."""

    name: str
    reader: str  # a name of data.readers.READERS
    files: tuple[str, ...]
    measures: Mapping[str, str]  # measure -> the figure that stands for it in the summary
    images: tuple[str, ...] = ()  # folders of the pictures; default: where the files are
    extension: str | None = None  # of the pictures, where it is not that of the rows
    options: Mapping[str, Any] = field(default_factory=dict)  # of the reader; `*_file` are paths
    official: Mapping[str, Any] = field(default_factory=dict)  # options under --protocol official alone
    task: str | None = None  # a name of tasks.KINDS, where the records allow several
    task_options: Mapping[str, Any] = field(default_factory=dict)

    def sources(self, data: Path) -> list[Path]:
        """Return the files that are there, first those to read and then those that options name."""
        found = [path for pattern in self.files for path in sorted(data.glob(pattern))]
        return found + [path for path in self._option_files(data).values() if path.exists()]

    def items(self, data: Path, rule: Rule) -> Iterator[Item]:
        """Yield the records of all files."""
        options = dict(self.options) | (dict(self.official) if rule == "official" else {})
        options |= self._option_files(data)
        for pattern in self.files:
            for path in sorted(data.glob(pattern)):
                yield from READERS[self.reader](path, **options)

    def image_folders(self, data: Path) -> list[Path]:
        """Return the folders below which the pictures lie."""
        if self.images:
            return [data / folder for folder in self.images]
        found = [path for pattern in self.files for path in data.glob(pattern)]
        return sorted({path if path.is_dir() else path.parent for path in found})

    def _option_files(self, data: Path) -> dict[str, Path]:
        return {name: data / value for name, value in self.options.items() if name.endswith("_file")}


def load_suite(name: str) -> list[Benchmark]:
    """Return the benchmarks of a suite: `negation`, `retrieval`, `scenes`, `all`, or a YAML file.

    Raises OmniNegClipError for an entry that names an unknown key, reader, option, task or measure.
    """
    if name == "all":
        return _distinct([benchmark for shipped in SHIPPED for benchmark in load_suite(shipped)], name)
    if name in SHIPPED:
        return _parse((files(__package__) / "suites" / f"{name}.yaml").read_text("utf-8"), name)
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        raise OmniNegClipError(f"{name} is no suite: use all, {', '.join(SHIPPED)} or a .yaml file.")
    try:
        return _parse(path.read_text("utf-8"), name)
    except (OSError, UnicodeDecodeError) as error:
        raise OmniNegClipError(f"Can't read the suite {name}: {error}.") from error


def _parse(text: str, name: str) -> list[Benchmark]:
    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise OmniNegClipError(f"The suite {name} is no YAML: {' '.join(str(error).split())}.") from error
    entries = loaded.get("benchmarks") if isinstance(loaded, dict) else None
    if not isinstance(entries, list) or not entries:
        raise OmniNegClipError(f"The suite {name} needs a list named 'benchmarks'.")
    return _distinct(
        [_benchmark(entry, f"Benchmark {i} of {name}") for i, entry in enumerate(entries, 1)], name
    )


def _benchmark(entry: Any, where: str) -> Benchmark:
    known = {key.name for key in fields(Benchmark)}
    needed = ("name", "reader", "files", "measures")
    if not isinstance(entry, dict) or any(key not in entry for key in needed):
        raise OmniNegClipError(f"{where} needs {', '.join(needed)}.")
    if strange := sorted(set(map(str, entry)) - known):
        raise OmniNegClipError(
            f"{where} has the unknown key {strange[0]!r}: known are {', '.join(sorted(known))}."
        )
    for key in ("files", "images"):
        entry[key] = tuple([entry[key]] if isinstance(entry.get(key), str) else entry.get(key, ()))
        if outside := [path for path in entry[key] if Path(path).is_absolute() or ".." in Path(path).parts]:
            raise OmniNegClipError(f"{where} names {outside[0]!r}: a path inside the data folder is needed.")
    benchmark = Benchmark(**entry)
    _one_of(benchmark.reader, READERS, f"The reader of {where}")
    for measure in benchmark.measures:
        _one_of(measure, MEASURES, f"A measure of {where}")
    if benchmark.task is not None:
        _one_of(benchmark.task, KINDS, f"The task of {where}")
    for option in (*benchmark.options, *benchmark.official):
        allowed = list(inspect.signature(READERS[benchmark.reader]).parameters)[1:]
        _one_of(option, allowed, f"An option of {where}")
    try:
        inspect.signature(READERS[benchmark.reader]).bind(None, **benchmark.options)
    except TypeError as error:
        raise OmniNegClipError(f"{where} needs more options for its reader: {error}.") from error
    return benchmark


def _one_of(name: str, known: Any, what: str) -> None:
    if name not in known:
        raise OmniNegClipError(f"{what} is {name!r}: use one of {', '.join(known) or 'none'}.")


def _distinct(benchmarks: list[Benchmark], name: str) -> list[Benchmark]:
    names = [benchmark.name for benchmark in benchmarks]
    if repeated := {found for found in names if names.count(found) > 1}:
        raise OmniNegClipError(f"The suite {name} has two benchmarks named {min(repeated)!r}.")
    return benchmarks
