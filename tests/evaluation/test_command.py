import csv
import io
import json

import pytest

from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.command import run_evaluate, run_leaderboard
from omninegclip.evaluation.run import Settings


@pytest.fixture
def evaluate(data, suite_file, tmp_path, ignores_no, understands_no, capsys):
    """Run the verb on two models and return its exit code and standard output."""
    models = {"before": ignores_no, "after": understands_no}

    def evaluate(form, **settings):
        settings = Settings(**{"data": data, "out": tmp_path / "out"} | settings)
        code = run_evaluate(list(models), models.__getitem__, str(suite_file), settings, form)
        return code, capsys.readouterr().out

    return evaluate


def test_json_is_one_object_on_standard_output(evaluate):
    code, out = evaluate("json")
    found = json.loads(out)
    assert code == 0
    row = next(row for row in found["summary"] if row["benchmark"] == "choices")
    assert [model["value"] for model in row["models"]] == [0.25, 1]
    assert row["models"][1]["relative"] == 3
    assert row["blind"] == {"rule": "contradiction", "value": 1}
    assert found["unmeasured"] == ["retrieval"]
    assert len(found["results"]) == 2 * 8


def test_csv_has_a_line_per_model_and_measure(evaluate):
    lines = list(csv.DictReader(io.StringIO(evaluate("csv")[1])))
    assert {line["model"] for line in lines} == {"before", "after"}
    assert len(lines) == 2 * 8


def test_the_table_tells_the_price(evaluate):
    code, out = evaluate("table")
    assert code == 0
    for text in ("exclusion", "zero-shot", "+300.0 %", "Not measured: retrieval"):
        assert text in out


def test_a_failed_benchmark_makes_the_exit_code_1(evaluate, data):
    (data / "refs.json").write_text("[")
    assert evaluate("json")[0] == 1


def test_no_data_is_one_sentence(evaluate, tmp_path):
    with pytest.raises(OmniNegClipError, match="is no folder: --data names the folder"):
        evaluate("json", data=tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        OmniNegClipError, match=r"holds no benchmark of the suite .*; it looked for existence\.json"
    ):
        evaluate("json", data=tmp_path / "empty")


def test_the_leaderboard_is_made_of_what_was_written(evaluate, tmp_path, capsys):
    evaluate("json")
    assert run_leaderboard([tmp_path / "out"], tmp_path / "board") == 0
    assert capsys.readouterr().out.split() == [
        str(tmp_path / "board" / f"leaderboard.{kind}") for kind in ("md", "html")
    ]
