import csv
import io

import numpy as np
import pytest
from rich.console import Console

from omninegclip.evaluation.results import BenchmarkResult, describe
from omninegclip.evaluation.suite import MEASURES, load_suite
from omninegclip.evaluation.tasks import Figure
from omninegclip.report import comparison as summary


def result(model, right, n=100, benchmark="choices", measure="multiple choice", **change):
    figure = Figure(
        "accuracy", (np.arange(n) < right).astype(float), blind={"constant": 0.25, "shortest": 0.4}
    )
    made = BenchmarkResult(benchmark, {"name": model}, "strict", 0, {measure: "accuracy"}, scored=n, **change)
    made.figures, made.values = {"accuracy": describe(figure)}, {"accuracy": figure.values}
    return made


def test_models_are_compared_with_the_first_on_the_same_items():
    row = summary.summarise([[result("one", 40)], [result("two", 60)]])[0]
    first, second = row.cells
    assert (first.relative, first.p) == (None, None)
    assert second.relative == pytest.approx(0.5)
    assert second.difference.value == pytest.approx(0.2)
    assert second.p == pytest.approx(2 / 2**20)  # 20 of 20 discordant items are for the second
    assert row.blind == ("shortest", 0.4)


def test_other_items_are_not_paired():
    fewer = result("two", 60, missing={"a.jpg": "not found"})
    cell = summary.summarise([[result("one", 40)], [fewer]])[0].cells[1]
    assert cell.relative == pytest.approx(0.5)
    assert (cell.difference, cell.p) == (None, None)


def test_rows_follow_the_measures_and_what_was_not_measured_is_told():
    price = [result("one", 1, measure="zero-shot"), result("one", 1), result("one", 1, measure="presence")]
    rows = summary.summarise([price])
    assert [row.measure for row in rows] == ["presence", "multiple choice", "zero-shot"]
    assert summary.unmeasured(rows) == [m for m in MEASURES if m not in {row.measure for row in rows}]


def test_a_model_that_failed_leaves_a_gap():
    failed = BenchmarkResult(
        "choices", {"name": "two"}, "strict", 0, {"multiple choice": "accuracy"}, status="failed"
    )
    row = summary.summarise([[result("one", 40)], [failed]])[0]
    assert row.cells[1] is None
    assert row.as_dict()["models"][1] is None


def test_the_table_and_the_csv_say_the_same():
    rows = summary.summarise([[result("one", 40)], [result("two", 60)]])
    lines = list(csv.DictReader(io.StringIO(summary.to_csv(rows))))
    assert [(line["model"], float(line["value"])) for line in lines] == [("one", 0.4), ("two", 0.6)]
    out = io.StringIO()
    Console(file=out, width=160).print(summary.table(rows, ["one", "two"]))
    assert "40.0 [30.9, 49.8]" in out.getvalue()
    assert "+50.0 %*" in out.getvalue()


def test_published_figures_have_sources_and_belong_to_benchmarks_of_the_suites():
    suites = {benchmark.name: benchmark for benchmark in load_suite("all")}
    rows = summary.published(list(suites))
    assert len(rows) == len(summary.published([*suites, "none"])) == 54
    for row in rows:
        told = ("model", "backbone", "source", "table", "version", "protocol")
        assert all(row[key] for key in told), row
        assert row["comparable"].split(":")[0] in ("yes", "no", "unclear"), row
        assert row["read"] in ("first-hand", "second-hand"), row
        assert 0 < float(row["value"]) < 100
        assert row["figure"] in suites[row["benchmark"]].measures.values(), row
    assert len({(*row.values(),) for row in rows}) == len(rows)


def figures(benchmark, model):
    return {row["value"] for row in summary.published([benchmark]) if row["model"] == model}


def test_published_figures_are_those_of_the_tables_they_name():
    assert figures("cc-neg", "CLIP") == {"68.1"}  # SemCLIP's abstract alone, by image retrieval
    assert figures("negbench-coco-choices", "CLIP") == {"39.2", "39.3"}  # the paper, the repository
    assert figures("negbench-coco-choices", "NegCLIP-NegFull") == {"56.2"}
    assert figures("negbench-voc2007-choices", "NegCLIP-NegFull") == {"59.65"}
    assert figures("negrefcocog", "CLIP") == {"57.73"}
    # https://github.com/StevenCYLu/PeakPatch/blob/08a9e690/README.md
    assert figures("negbench-coco-choices", "PeakPatch") == {"74.3"}
    assert figures("negbench-voc2007-choices", "PeakPatch") == {"65.5"}
    # https://github.com/m1k2zoo/negbench/tree/2ac009b5/results/mcq
    assert figures("negbench-coco-choices", "CLIP DataComp") == {"26.26"}
    assert figures("negbench-voc2007-choices", "CLIP LAION-2B Large") == {"25.26"}


def test_a_blind_rule_stands_beside_every_published_choice_of_negbench():
    rows = [row for row in summary.published([b.name for b in load_suite("all")]) if row["blind"]]
    assert {(row["benchmark"], row["blind"]) for row in rows} == {
        ("negbench-coco-choices", "98.6"),
        ("negbench-voc2007-choices", "97.1"),
        ("negbench-msrvtt-choices", "60.0"),
    }
    choices = [b.name for b in load_suite("all") if b.reader == "negbench-choices"]
    assert len(rows) == len(summary.published(choices))


def test_names_in_a_table_are_no_markup():
    rows = summary.summarise([[result("[b]m[/x]", 40, benchmark="x[/y]")]])
    out = io.StringIO()
    Console(file=out, width=160).print(summary.table(rows, ["[b]m[/x]"]))
    assert "[b]m[/x]" in out.getvalue()
    assert "x[/y]" in out.getvalue()


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1"])
def test_no_cell_of_the_csv_is_a_formula(name):
    rows = summary.summarise([[result(name, 40, benchmark=name)]])
    (line,) = csv.DictReader(io.StringIO(summary.to_csv(rows)))
    assert (line["model"], line["benchmark"], line["value"]) == (f"'{name}", f"'{name}", "0.4")


def test_items_that_share_images_are_compared_by_image():
    first, second = result("one", 40), result("two", 60)
    alone = summary.summarise([[first], [second]])[0].cells[1]
    for each in (first, second):
        each.clusters = {"accuracy": np.repeat(np.arange(10), 10)}
    together = summary.summarise([[first], [second]])[0].cells[1]
    assert together.difference.value == alone.difference.value
    assert together.difference.high - together.difference.low > alone.difference.high - alone.difference.low
    assert together.p == pytest.approx(1 / 2, abs=0.02)  # two images of ten differ, for the same model
