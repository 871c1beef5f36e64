"""A suite is a list of benchmarks; a benchmark is a reader and a task, written down in YAML."""

import inspect
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from omninegclip import plain_yaml
from omninegclip.data.items import BenchmarkItem
from omninegclip.data.readers import READERS
from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.protocols import Rule
from omninegclip.evaluation.tasks import FIGURES, KINDS, kinds_of

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
_NEEDED = ("name", "reader", "files", "measures")
_LONGEST_NAME = 100  # characters: a benchmark's name is that of its results file


@dataclass(frozen=True)
class Benchmark:
    """One entry of a suite; paths are relative to the data folder and may hold `*`."""

    name: str
    reader: str  # a name of data.readers.READERS
    files: tuple[str, ...]
    measures: Mapping[str, str]  # measure -> the figure that stands for it in the summary
    images: tuple[str, ...] = ()  # folders of the images; default: where the files are
    extension: str | None = None  # of the images, where it is not that of the rows
    options: Mapping[str, object] = field(default_factory=dict)  # of the reader; `*_file` are paths
    official: Mapping[str, object] = field(default_factory=dict)  # options under --protocol official alone
    task: str | None = None  # a name of tasks.KINDS, where the records allow several
    task_options: Mapping[str, object] = field(default_factory=dict)
    first_found: bool = False  # the files are one data set in several forms: the first that is there is read
    note: str = ""  # what a reader of the figures must know, such as where they differ from the field's

    def sources(self, data: Path) -> list[Path]:
        """Return the files that are there, first those to read and then those that options name."""
        named = _option_files(self.options, data) | _option_files(self.official, data)
        return self._found(data) + [path for path in named.values() if path.exists()]

    def items(self, data: Path, rule: Rule) -> Iterator[BenchmarkItem]:
        """Yield the records of all files."""
        options = dict(self.options) | (dict(self.official) if rule == "official" else {})
        options |= _option_files(options, data)
        for path in self._found(data):
            yield from READERS[self.reader](path, **options)

    def image_folders(self, data: Path) -> list[Path]:
        """Return the folders below which the images lie."""
        if self.images:
            return [data / folder for folder in self.images]
        return sorted({path if path.is_dir() else path.parent for path in self._found(data)})

    def _found(self, data: Path) -> list[Path]:
        by_pattern = [sorted(data.glob(pattern)) for pattern in self.files]
        if self.first_found:
            return next(filter(None, by_pattern), [])
        return [path for found in by_pattern for path in found]


def load_suite(name: str) -> list[Benchmark]:
    """Return the benchmarks of a suite: `negation`, `retrieval`, `scenes`, `all`, or a YAML file.

    Raises OmniNegClipError for an entry that names an unknown key, reader, option, task, measure or figure,
    has a value of another type, or a path that leaves the data folder.
    """
    if name == "all":
        return _distinct([benchmark for shipped in SHIPPED for benchmark in load_suite(shipped)], name)
    if name not in SHIPPED and Path(name).suffix not in (".yaml", ".yml"):
        raise OmniNegClipError(f"{name} is not a suite: use all, {', '.join(SHIPPED)} or a .yaml file.")
    shipped = Path(str(files(__package__))) / "suites" / f"{name}.yaml"
    loaded = plain_yaml.read(shipped if name in SHIPPED else Path(name), f"The suite {name}")
    entries = loaded.get("benchmarks") if isinstance(loaded, dict) else None
    if not isinstance(entries, list) or not entries:
        raise OmniNegClipError(f"The suite {name} needs a list named 'benchmarks'.")
    return _distinct(
        [_benchmark(entry, f"Benchmark {i} of {name}") for i, entry in enumerate(entries, 1)], name
    )


def _benchmark(entry: object, where: str) -> Benchmark:
    known = {key.name for key in fields(Benchmark)}
    if not isinstance(entry, dict) or any(key not in entry for key in _NEEDED):
        raise OmniNegClipError(f"{where} needs {', '.join(_NEEDED)}.")
    if strange := sorted(set(map(str, entry)) - known):
        raise OmniNegClipError(
            f"{where} has the unknown key {strange[0]!r}: known are {', '.join(sorted(known))}."
        )
    made = Benchmark(**{key: _SHAPES[key](value, f"The {key} of {where}") for key, value in entry.items()})
    if not made.files:
        raise OmniNegClipError(f"{where} names no files: at least one is needed.")
    _check_options(made, where)
    kind = _check_task(made, where)
    for measure, figure in made.measures.items():
        _one_of(measure, MEASURES, f"A measure of {where}")
        _one_of(figure, FIGURES[kind], f"The figure for {measure} of {where}")
    return made


def _check_options(made: Benchmark, where: str) -> None:
    reader = READERS[_one_of(made.reader, READERS, f"The reader of {where}")]
    allowed = get_type_hints(reader)
    del allowed["path"], allowed["return"]
    for name, value in (*made.options.items(), *made.official.items()):
        _one_of(name, allowed, f"An option of {where}")
        _fit(value, allowed[name], f"The option {name} of {where}")
        if name.endswith("_file") and value is not None:
            _inside(value, f"The option {name} of {where}")
    try:
        inspect.signature(reader).bind(None, **made.options)
    except TypeError as error:
        raise OmniNegClipError(f"{where} needs more options for its reader: {error}.") from error


def _check_task(made: Benchmark, where: str) -> str:
    """Return the kind of task, whose options are checked."""
    (record,) = get_args(get_type_hints(READERS[made.reader])["return"])
    fitting = kinds_of(record)
    if made.task is not None:
        _one_of(made.task, fitting, f"The task of {where}")
    kind = made.task or fitting[0]
    make: Any = KINDS[kind][1]
    allowed = get_type_hints(make.__init__ if inspect.isclass(make) else make)
    for name in ("items", "return"):
        allowed.pop(name, None)
    for name, value in made.task_options.items():
        _one_of(name, allowed, f"A task option of {where}")
        _fit(value, allowed[name], f"The task option {name} of {where}")
        texts = value if isinstance(value, list) else [value]
        if name != "official" and not (texts and all("{}" in str(text) for text in texts)):
            raise OmniNegClipError(f"The task option {name} of {where} needs {{}} where the name goes.")
    return kind


def _fit(value: object, hint: object, what: str) -> None:
    """Raise OmniNegClipError unless a value from YAML is of the type that a parameter is annotated with."""
    if not _fits(value, hint):
        raise OmniNegClipError(f"{what} is {value!r}: {_in_words(hint)} is needed.")


def _fits(value: object, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, argument) for argument in arguments)
    if origin is Literal:
        return isinstance(value, str) and value in arguments
    if origin is not None:  # a list or sequence
        return isinstance(value, list) and all(_fits(each, arguments[0]) for each in value)
    if hint is int:
        return type(value) is int and value > 0
    return isinstance(value, str if hint is Path else hint)


def _in_words(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(map(_in_words, arguments))
    if origin is Literal:
        return " or ".join(arguments)
    if origin is not None:
        return "a list of texts"
    return {int: "a number above 0", Path: "a path", str: "a text"}.get(hint, "null")


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise OmniNegClipError(f"{what} is {value!r}: a text is needed.")
    return value


def _name(value: object, what: str) -> str:
    name = _text(value, what)
    strange = set(name) & set('/\\:*?"<>|') or name.startswith((".", " ")) or name.endswith((".", " "))
    if strange or len(name) > _LONGEST_NAME:
        raise OmniNegClipError(f"{what} is {name!r}: a plain file name is needed, for its results.")
    return name


def _inside(value: object, what: str) -> str:
    text = _text(value, what)
    path, windows = PurePosixPath(text), PureWindowsPath(text)
    if path.is_absolute() or windows.drive or windows.root or ".." in windows.parts or not path.parts:
        raise OmniNegClipError(f"{what} names {text!r}: a path inside the data folder is needed.")
    if any("**" in part and part != "**" for part in path.parts):
        raise OmniNegClipError(f"{what} names {text!r}: ** stands for folders and must stand alone.")
    return text


def _paths(value: object, what: str) -> tuple[str, ...]:
    if not isinstance(value, str | list):
        raise OmniNegClipError(f"{what} is {value!r}: a path or a list of paths is needed.")
    return tuple(_inside(path, what) for path in ([value] if isinstance(value, str) else value))


def _mapping(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise OmniNegClipError(f"{what} is {value!r}: names with values, {{name: value}}, are needed.")
    return value


def _figures(value: object, what: str) -> dict[str, str]:
    if not (named := _mapping(value, what)):
        raise OmniNegClipError(f"{what} are none: at least one, such as {{presence: accuracy}}, is needed.")
    return {name: _text(figure, what) for name, figure in named.items()}


def _extension(value: object, what: str) -> str | None:
    if value is None or (isinstance(value, str) and re.fullmatch(r"\.\w{1,10}", value)):
        return value
    raise OmniNegClipError(f"{what} is {value!r}: an ending such as .jpg is needed.")


def _yes_or_no(value: object, what: str) -> bool:
    if not isinstance(value, bool):
        raise OmniNegClipError(f"{what} is {value!r}: true or false is needed.")
    return value


# Key of an entry -> what makes its value one of a Benchmark, or says what would be right.
_SHAPES: Mapping[str, Callable[[object, str], Any]] = {
    "name": _name,
    "reader": _text,
    "files": _paths,
    "measures": _figures,
    "images": _paths,
    "extension": _extension,
    "options": _mapping,
    "official": _mapping,
    "task": lambda value, what: None if value is None else _text(value, what),
    "task_options": _mapping,
    "first_found": _yes_or_no,
    "note": _text,
}


def _option_files(options: Mapping[str, object], data: Path) -> dict[str, Path]:
    return {name: data / str(value) for name, value in options.items() if name.endswith("_file") and value}


def _one_of(name: str, known: Collection[str], what: str) -> str:
    if name not in known:
        raise OmniNegClipError(f"{what} is {name!r}: use one of {', '.join(known) or 'none'}.")
    return name


def _distinct(benchmarks: list[Benchmark], name: str) -> list[Benchmark]:
    names = [benchmark.name for benchmark in benchmarks]
    if repeated := {found for found in names if names.count(found) > 1}:
        raise OmniNegClipError(f"The suite {name} has two benchmarks named {min(repeated)!r}.")
    return benchmarks
