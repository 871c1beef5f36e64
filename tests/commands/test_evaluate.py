import csv
import io
import json

import pytest

from omninegclip.cli import app
from omninegclip.errors import OmniNegClipError
from omninegclip.files import hold


@pytest.fixture
def run(data, suite_file, monkeypatch, capsys):
    """Run the verb on models that are objects and return its exit code and standard output."""

    def run(models, *options, suite=suite_file, data=data):
        monkeypatch.setattr("omninegclip.clip.io.load.load_clip", models.__getitem__)
        command = ["evaluate", *models, f"--suite={suite}", f"--data={data}", *options]
        code = app(command, result_action="return_value")
        return code, capsys.readouterr().out

    return run


@pytest.fixture
def evaluate(run, tmp_path, ignores_no, understands_no):
    """Run the verb on two models."""
    models = {"before": ignores_no, "after": understands_no}
    return lambda *options, **where: run(models, f"--out={tmp_path / 'out'}", *options, **where)


def test_json_is_one_object_on_standard_output(evaluate):
    code, out = evaluate("--json")
    found = json.loads(out)
    assert code == 0
    row = next(row for row in found["summary"] if row["benchmark"] == "choices")
    assert [model["value"] for model in row["models"]] == [0.25, 1]
    assert row["models"][1]["relative"] == 3
    assert row["blind"] == {"rule": "contradiction", "value": 1}
    assert found["unmeasured"] == ["retrieval"]
    assert len(found["results"]) == 2 * 8


def test_csv_has_a_line_per_model_and_measure(evaluate):
    lines = list(csv.DictReader(io.StringIO(evaluate("--csv")[1])))
    assert {line["model"] for line in lines} == {"before", "after"}
    assert len(lines) == 2 * 8


def test_the_table_tells_the_price(evaluate):
    code, out = evaluate()
    assert code == 0
    for text in ("exclusion", "zero-shot", "+300.0 %", "Not measured: retrieval"):
        assert text in out


def test_a_failed_benchmark_makes_the_exit_code_1(evaluate, data):
    (data / "refs.json").write_text("[")
    assert evaluate("--json")[0] == 1


def test_no_data_is_one_sentence(evaluate, tmp_path):
    with pytest.raises(OmniNegClipError, match="is not a folder: --data must name the folder"):
        evaluate("--json", data=tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        OmniNegClipError, match=r"holds no benchmark of the suite .*; it looked for existence\.json"
    ):
        evaluate("--json", data=tmp_path / "empty")


def test_the_leaderboard_is_made_of_what_was_written(evaluate, tmp_path, capsys):
    evaluate("--json")
    app(["leaderboard", str(tmp_path / "out"), f"--out={tmp_path / 'board'}"], result_action="return_value")
    assert capsys.readouterr().out.split() == [
        str(tmp_path / "board" / f"leaderboard.{kind}") for kind in ("md", "html")
    ]


def test_a_second_model_that_is_misspelt_is_noticed_before_the_first_is_scored(run, ignores_no):
    class Models(dict):
        def __getitem__(self, name):
            if name == "tpyo":
                raise OmniNegClipError("tpyo is no model")
            return ignores_no

    ignores_no.embed_text = None  # whoever embeds now, fails
    with pytest.raises(OmniNegClipError, match="tpyo is no model"):
        run(Models.fromkeys(["one", "tpyo"]))


def test_two_at_once_into_one_folder_are_one_too_many(evaluate, tmp_path):
    with hold(tmp_path / "out"), pytest.raises(OmniNegClipError, match=r"Another process is writing .*out"):
        evaluate("--json")
    assert evaluate("--json")[0] == 0


def test_when_all_failed_a_sentence_says_so_and_no_empty_table(evaluate, data, capsys):
    for path in (data / "images").iterdir():
        path.unlink()
    for path in (data / "classes").rglob("*.png"):
        path.write_bytes(b"")
    code, out = evaluate()
    assert (code, out) == (1, "")


def test_published_figures_and_names_with_brackets_are_printed_as_they_are(run, tmp_path, ignores_no):
    (tmp_path / "suite.yaml").write_text(
        "benchmarks:\n  - {name: 'x[y]', reader: valse, files: existence.json, images: images,"
        " measures: {presence: accuracy}}\n"
        "  - {name: valse-existence, reader: valse, files: existence.json, images: images,"
        " measures: {presence: accuracy}}"
    )
    code, out = run({"[b]m[/x]": ignores_no}, "--published", suite=tmp_path / "suite.yaml")
    assert code == 0
    for text in ("[b]m[/x]", "x[y]", "80.15", "second-hand", "all 534 items"):
        assert text in out
