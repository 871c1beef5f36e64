import json
import re

import numpy as np
import pytest

from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation import results
from omninegclip.evaluation.results import BenchmarkResult
from omninegclip.evaluation.tasks import Figure
from omninegclip.report import leaderboard


def saved(folder, model, right, figure="accuracy", measure="absence"):
    result = BenchmarkResult(
        "refs",
        {"name": model, "fingerprint": model * 9, "activation": "gelu"},
        "strict",
        0,
        {measure: figure},
    )
    result.figures = {figure: results.describe(Figure(figure, (np.arange(10) < right).astype(float)))}
    results.save(result, folder / model / "refs.json")


def test_the_best_comes_first_in_both_pages(tmp_path):
    for model, right in (("low", 2), ("high", 9)):
        saved(tmp_path / "runs", model, right)
    markdown, page = leaderboard.write([tmp_path / "runs"], tmp_path / "board")
    text = markdown.read_text()
    assert "## Absence: refs, accuracy (strict protocol)" in text
    assert text.index("| high | 90.0 | 59.6 to 98.2 | 10 |") < text.index("| low | 20.0 |")
    assert page.read_text().index("<td>high<") < page.read_text().index("<td>low<")


def test_the_least_exclusion_is_the_best(tmp_path):
    for model, right in (("low", 2), ("high", 9)):
        saved(tmp_path, model, right, "exclusion_at_5", "exclusion")
    entries = leaderboard.rank(results.load_all([tmp_path]))[0]["entries"]
    assert [entry["model"] for entry in entries] == ["low", "high"]


def test_a_models_name_is_text_and_no_markup(tmp_path):
    result = BenchmarkResult(
        "refs", {"name": "<b>|x", "fingerprint": "f", "activation": "g"}, "strict", 0, {"absence": "accuracy"}
    )
    result.figures = {"accuracy": results.describe(Figure("accuracy", np.ones(3)))}
    results.save(result, tmp_path / "runs" / "refs.json")
    markdown, page = leaderboard.write([tmp_path / "runs"], tmp_path)
    assert "&lt;b>\\|x" in markdown.read_text()
    assert "&lt;b&gt;|x" in page.read_text()


@pytest.mark.parametrize("name", ["a|b\\|c", "x\n| y | z |", "<script>alert(1)</script>", "[a](http://x)"])
def test_names_from_results_end_no_cell_and_begin_no_markup(tmp_path, name):
    model = {"name": name, "fingerprint": "`|" + name, "activation": name}
    result = BenchmarkResult(name, model, "strict", 0, {"absence": "accuracy"})
    result.figures = {"accuracy": results.describe(Figure("accuracy", np.ones(3), {name: 0.5}))}
    results.save(result, tmp_path / "runs" / "refs.json")
    markdown, page = leaderboard.write([tmp_path / "runs"], tmp_path)
    text = markdown.read_text()
    assert "<script" not in text + page.read_text()
    assert "](http" not in text
    assert sum(line.startswith("## ") for line in text.splitlines()) == 1
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert [len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows] == [9, 9, 9]


def test_no_results_are_an_error(tmp_path):
    with pytest.raises(OmniNegClipError, match="There are no results below"):
        leaderboard.write([tmp_path], tmp_path)


def test_no_link_that_lies_in_the_way_is_followed(tmp_path):
    saved(tmp_path / "runs", "one", 5)
    (tmp_path / "board").mkdir()
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    for name in ("leaderboard.md", ".leaderboard.md.partial", ".leaderboard.html.partial"):
        (tmp_path / "board" / name).symlink_to(precious)
    markdown, _ = leaderboard.write([tmp_path / "runs"], tmp_path / "board")
    assert precious.read_text() == "mine"
    assert not markdown.is_symlink()
    assert "| one |" in markdown.read_text()


def test_a_damaged_result_is_one_sentence_that_says_what_mends_it(tmp_path):
    saved(tmp_path, "one", 5)
    path = tmp_path / "one" / "refs.json"
    path.write_text(path.read_text().replace('"value": 0.5', '"value": 0.9'))
    with pytest.raises(OmniNegClipError, match=r"refs\.json is damaged: run the same .* again to replace it"):
        leaderboard.write([tmp_path], tmp_path)
    path.write_text(path.read_text()[:100])
    with pytest.raises(OmniNegClipError, match=r"refs\.json is not complete JSON"):
        leaderboard.write([tmp_path], tmp_path)


def test_a_result_of_an_older_version_is_read_and_said(tmp_path, capsys):
    saved(tmp_path, "one", 5)
    path = tmp_path / "one" / "refs.json"
    found = json.loads(path.read_text())
    for key in ("checksum", "note", "truncated", "arrays"):
        del found[key]
    path.write_text(json.dumps(found))
    path.with_suffix(".npz").unlink()
    assert "| one |" in leaderboard.write([tmp_path], tmp_path)[0].read_text()
    assert "has no checksum: an older version wrote it" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    "change",
    [
        {"figures": 3},
        {"figures": {"accuracy": 3}},
        {"figures": {"accuracy": {"value": "x", "low": 0, "high": 1, "n": 1, "blind": {}}}},
        {"figures": {"accuracy": {"value": 1, "low": 0, "high": 1, "n": 1, "blind": {"a": None}}}},
        {"model": "one"},
        {"model": {"name": 3, "fingerprint": "a", "activation": "b"}},
        {"measures": ["absence"]},
        {"measures": {"absence": ["accuracy"]}},
        {"skipped": {"a": "b"}},
        {"benchmark": None},
        {"protocol": {}},
    ],
)
def test_a_result_of_another_shape_is_named(tmp_path, change):
    saved(tmp_path, "one", 5)
    path = tmp_path / "one" / "refs.json"
    found = json.loads(path.read_text())
    del found["checksum"]
    path.write_text(json.dumps(found | change))
    with pytest.raises(OmniNegClipError, match=r"refs\.json is not a results file"):
        leaderboard.write([tmp_path], tmp_path)
