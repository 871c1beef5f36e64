"""The house: which part may import which, read from the imports themselves."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import omninegclip

PACKAGE = Path(omninegclip.__file__).parent
# A part imports itself and what stands in the lines below it, so that nothing is built on what it serves.
LAYERS = (
    ("__main__",),
    ("__init__", "cli"),
    ("commands",),
    ("serve",),
    ("api",),
    ("reproduce",),
    ("study",),
    ("run",),
    ("report",),
    ("index",),
    ("evaluation",),
    ("scenes",),
    ("rivals",),
    ("training",),
    ("scoring",),
    ("reading",),
    ("captions",),
    ("clip",),
    ("data",),
    ("objectives",),
    ("images", "plain_yaml"),
    ("llm",),
    ("embeddings", "files", "progress", "environment", "memory", "interruption", "extras"),
    ("printable",),
    ("errors",),
)
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}


def part_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively: name the whole module"
            found.add(str(node.module))
            found |= {f"{node.module}.{alias.name}" for alias in node.names if node.module == "omninegclip"}
    ours = {name for name in found if name.split(".")[0] == "omninegclip"}
    # `from omninegclip import __version__` asks for a name, and no part
    return {
        name
        for name in ours
        if (PACKAGE / Path(*name.split(".")[1:2])).with_suffix("").exists() or part_of(name) in LEVEL
    }


def test_arrows_point_down_alone() -> None:
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for name in imports(path):
            its = part_of(name)
            if its != own and its in LEVEL and its != "__init__" and LEVEL[its] <= LEVEL[own]:
                wrong.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert not wrong, "\n".join(sorted(wrong))


def test_every_part_has_its_place() -> None:
    there = {
        path.name.removesuffix(".py")
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert there == set(LEVEL)


def test_a_class_name_stands_for_one_thing() -> None:
    places = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(PACKAGE)))
    assert not {name: files for name, files in places.items() if len(files) > 1}


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}", node


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count from `def` to the last line, with the docstring; decorators stand before it."""
    return (function.end_lineno or 0) - function.lineno + 1


def parameters_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count what a caller gives, `*` and `**` as one each; a command's option groups count as they stand."""
    given = function.args
    names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")]) + sum(
        each is not None for each in (given.vararg, given.kwarg)
    )


def test_functions_fit_on_a_screen_and_take_few_parameters() -> None:
    assert not [name for name, each in functions() if lines_of(each) > 60]
    assert not [name for name, each in functions() if parameters_of(each) > 7]


def test_few_types_are_left_open() -> None:
    """`Any` is counted wherever it is written; an alias such as `files.JsonObject` counts once."""
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Name) and node.id == "Any"
    ]
    assert len(found) <= 40, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "lines", "parameters"),
    [
        ("def f():\n    return 1\n", 2, 0),
        ("@wrapped\ndef f(self, a, /, b, *rest, c=1, **more):\n    'x'\n    return 1\n", 3, 5),
    ],
)
def test_how_lines_and_parameters_are_counted(source: str, lines: int, parameters: int) -> None:
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert (lines_of(function), parameters_of(function)) == (lines, parameters)
