"""The verb `quickstart` as a user meets it, on little data; in a process of its own where that counts."""

import json
import resource
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
import yaml
from command_line import call
from transformers import CLIPModel

from omninegclip.clip.io.load import load_clip
from omninegclip.files import atomic_folder

COMMAND = [sys.executable, "-c", "from omninegclip.cli import main; main()"]
METRICS = {
    "presence_accuracy",
    "absence_choice_accuracy",
    "multiple_choice_accuracy",
    "retrieval_text_to_image_r1",
    "retrieval_image_to_text_r1",
    "negated_retrieval_r5",
    "exclusion_at_10",
    "zero_shot_auc",
}


def process(*arguments: str, cwd: Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [*COMMAND, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        **options,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    folder = tmp_path_factory.mktemp("quickstart")
    result = process("quickstart", "--smoke", "--json", "--seed", "4", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder, json.loads(result.stdout)


def test_json_is_all_that_standard_output_holds(run: tuple[Path, dict[str, object]]) -> None:
    _, summary = run
    others = {"blind", "model", "report", "seconds", "peak_memory_bytes"}
    assert set(summary) == {"before", "after", "paper", "gate"} | others
    assert summary["after"] != summary["paper"]
    for moment in ("before", "after", "paper", "gate"):
        figures = summary[moment]
        assert isinstance(figures, dict)
        assert set(figures) >= METRICS
        for metric, groups in figures.items():
            assert "seen" in groups
            assert ("held_out" in groups) == (not metric.startswith("retrieval"))
            for estimate in groups.values():
                assert set(estimate) == {"value", "low", "high", "n"}
                assert 0 <= estimate["low"] <= estimate["value"] <= estimate["high"] <= 1
    assert set(summary["blind"]) >= METRICS  # type: ignore[call-overload]


def test_the_run_folder_describes_itself(run: tuple[Path, dict[str, object]]) -> None:
    folder, summary = run
    out = folder / "runs" / "quickstart"
    assert {path.name for path in out.iterdir()} == {
        "config.yaml", "data", "log.jsonl", "log-paper.jsonl", "metrics.json", "model", "model-paper",
        "report.html", "versions.json",
    }  # fmt: skip
    assert json.loads((out / "metrics.json").read_text()) == summary
    config = yaml.safe_load((out / "config.yaml").read_text())
    assert (config["preset"], config["seed"], config["steps"]) == ("scenes-plus", 4, 8)
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == list(range(8))
    assert json.loads((out / "versions.json").read_text())["torch"] == version("torch")


def test_the_model_loads_with_transformers_and_its_image_tower_is_untouched(
    run: tuple[Path, dict[str, object]],
) -> None:
    folder, _ = run
    for name in ("model", "model-paper"):
        card = (folder / "runs/quickstart" / name / "README.md").read_text()
        assert "over all groups of a metric together" in card
        assert f'CLIPModel.from_pretrained("runs/quickstart/{name}")' in card
    tuned = CLIPModel.from_pretrained(folder / "runs/quickstart/model").state_dict()
    shipped = load_clip("scenes-small").model.state_dict()
    changed = {name for name in shipped if not torch.equal(tuned[name], shipped[name])}
    assert changed
    assert not any(name.startswith(("vision_model", "visual_projection")) for name in changed)


def test_the_report_is_one_file_with_images_and_curves(run: tuple[Path, dict[str, object]]) -> None:
    folder, _ = run
    found: list[str] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append(tag)
            for name, value in attrs:
                if name in ("src", "href") and tag != "a" and value:
                    assert value.startswith(("data:", "#")), value

    Parser().feed((folder / "runs/quickstart/report.html").read_text())
    assert found.count("img") == 8 * 4 * 5
    assert found.count("svg") >= 4


def test_the_papers_preset_stands_alone_when_it_is_asked_for(
    tmp_path: Path, run: tuple[Path, dict[str, object]]
) -> None:
    arguments = ("quickstart", "--smoke", "--json", "--seed=4", "--preset=scenes-paper", "--out=paper")
    code, output, errors = call(*arguments, cwd=tmp_path)
    assert code == 0, errors
    summary = json.loads(output)
    assert summary["after"] == summary["paper"] == run[1]["paper"]
    assert not (tmp_path / "paper" / "model-paper").exists()


def test_a_second_run_gets_a_folder_of_its_own(run: tuple[Path, dict[str, object]]) -> None:
    folder, first = run
    code, output, errors = call("quickstart", "--smoke", "--json", "--seed", "4", cwd=folder)
    assert code == 0, errors
    second = json.loads(output)
    for moment in ("before", "paper", "gate", "after"):
        assert second[moment] == first[moment], "the same seed gives the same figures"
    assert second["report"] == "runs/quickstart-2/report.html"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--preset", "scenes-papr"],
            "There is no preset 'scenes-papr' (did you mean 'scenes-paper'?)",
        ),
        (
            ["--set", "step=3"],
            "The preset scenes-plus has no key 'step' (did you mean 'steps'?).",
        ),
        (
            ["--out", "occupied"],
            "occupied already exists: name a new folder, or remove it first.",
        ),
        (
            ["--out", "file/run"],
            "Can't write file/run: a part of this path is a file, and a folder is needed there.",
        ),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_1(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "occupied").mkdir()
    (tmp_path / "occupied" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("")
    code, output, errors = call("quickstart", "--smoke", *arguments, cwd=tmp_path)
    assert code == 1
    assert output == ""
    assert errors.strip().startswith(f"omninegclip: {sentence}")
    assert len(errors.strip().splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "occupied"]


def test_a_process_ends_with_that_sentence_alone(tmp_path: Path) -> None:
    result = process("quickstart", "--smoke", "--set", "step=3", cwd=tmp_path)
    sentence = "omninegclip: The preset scenes-plus has no key 'step' (did you mean 'steps'?)."
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(sentence)
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_missing_graphics_are_named_with_the_extra(tmp_path: Path) -> None:
    hide = (
        "import sys; from importlib.machinery import PathFinder as F; find = F.find_spec;"
        "F.find_spec = classmethod(lambda c, n, *a: None if n.startswith('twemoji') else find(n, *a));"
        "from omninegclip.cli import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", hide, "scenes", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert result.stderr.strip().endswith("python -m pip install 'omninegclip[scenes]'.")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of a file stands for the full disk: writing fails in the same way."""

    def no_large_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    result = process("quickstart", "--smoke", "--out", "run", cwd=tmp_path, preexec_fn=no_large_files)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.strip().splitlines()[-1].startswith("omninegclip: Can't ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_leave_nothing_half_written(tmp_path: Path, number: signal.Signals) -> None:
    running = subprocess.Popen(
        [*COMMAND, "quickstart", "--out", "run"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob(".run.*-partial")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    running.send_signal(number)
    stdout, stderr = running.communicate(timeout=120)
    assert running.returncode == 130
    assert stdout == ""
    assert "Traceback" not in stderr
    assert stderr.strip().splitlines()[-1] == "omninegclip: Stopped; nothing half-written is left."
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_in_one_folder_is_refused_before_it_works(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "run"):
        code, _, errors = call("quickstart", "--smoke", "--out", "run", cwd=tmp_path)
    assert code == 1
    assert errors == (
        "omninegclip: Another process is writing run: wait until it ends, or name another folder.\n"
    )


def test_help_names_the_verbs_without_loading_torch() -> None:
    code = (
        "import sys; sys.argv = ['omninegclip', '--help']\n"
        "from omninegclip.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "assert not {'torch', 'transformers', 'numpy', 'PIL'} & set(sys.modules), sorted(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert all(verb in result.stdout for verb in ("quickstart", "scenes", "study"))
