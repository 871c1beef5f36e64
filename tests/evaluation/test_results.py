import numpy as np
import pytest

from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation import results
from omninegclip.evaluation.results import BenchmarkResult
from omninegclip.evaluation.tasks import Figure

MODEL = {"name": "one", "fingerprint": "abc", "activation": "gelu", "logit_scale": 100.0, "dim": 8}


def test_a_figure_is_described_with_its_breakdowns():
    figure = Figure("accuracy", np.array([1.0, 1, 0, 0]), {"kind": ["a", "a", "a", "b"], "same": ["x"] * 4})
    found = results.describe(figure)
    assert (found["value"], found["n"]) == (0.5, 4)
    assert found["by"]["kind"]["groups"]["a"]["value"] == pytest.approx(2 / 3)
    assert found["by"]["kind"]["macro"] == pytest.approx(1 / 3)
    assert "same" not in found["by"]  # one group says nothing more


def test_a_result_comes_back_as_it_was_saved(tmp_path):
    result = BenchmarkResult("choices", MODEL, "strict", 0, {"multiple choice": "accuracy"}, scored=2)
    figure = Figure("accuracy", np.array([1.0, 0.5]))
    result.figures, result.values = {"accuracy": results.describe(figure)}, {"accuracy": figure.values}
    results.save(result, tmp_path / "one" / "choices.json")
    assert results.load_all([tmp_path])[0].as_dict() == result.as_dict()
    loaded = results.load(tmp_path / "one" / "choices.json")
    assert loaded.as_dict() == result.as_dict()
    assert loaded.values["accuracy"].tolist() == [1, 0.5]
    assert loaded.estimate("accuracy").value == 0.75
    assert loaded.estimate("recall") is None


def test_what_is_no_result_is_named(tmp_path):
    (tmp_path / "other.json").write_text('{"a": 1}')
    with pytest.raises(OmniNegClipError, match=r"other\.json is not a results file"):
        results.load_all([tmp_path])
    with pytest.raises(OmniNegClipError, match="There are no results below"):
        results.load_all([tmp_path / "empty"])


def test_the_hash_of_a_source_follows_its_content(tmp_path):
    (tmp_path / "a.csv").write_text("abc")
    # The SHA-256 of "abc" is the example of FIPS 180-2.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert results.hash_source(tmp_path / "a.csv") == expected
    before = results.hash_source(tmp_path)
    (tmp_path / "b.csv").write_text("abc")
    assert results.hash_source(tmp_path) != before
