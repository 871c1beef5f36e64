import re

import numpy as np
import pytest

from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation import leaderboard, results
from omninegclip.evaluation.results import Result
from omninegclip.evaluation.tasks import Figure


def saved(folder, model, right, figure="accuracy", measure="absence"):
    result = Result(
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
    result = Result(
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
    result = Result(name, model, "strict", 0, {"absence": "accuracy"})
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
