"""Evaluation of dual encoders beside CLIP: every benchmark of a suite gives a figure."""

import pytest
from tiny_dual import TINY

from omninegclip.evaluation.run import Settings, evaluate
from omninegclip.evaluation.suite import load_suite


@pytest.mark.parametrize("family", TINY)
def test_every_benchmark_is_measured(family, data, suite_file, tmp_path):
    settings = Settings(data, out=tmp_path / "out", cache=tmp_path / "cache")
    results = evaluate("models/one", TINY[family](), load_suite(str(suite_file)), settings)
    assert {result.status for result in results if result.benchmark != "elsewhere"} == {"done"}
