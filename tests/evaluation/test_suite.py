import pytest

from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.suite import MEASURES, SHIPPED, load_suite

ENTRY = "{name: a, reader: valse, files: a.json, measures: {presence: accuracy}}"


def test_the_shipped_suites_load_and_together_measure_everything():
    whole = load_suite("all")
    assert len(whole) == sum(len(load_suite(name)) for name in SHIPPED)
    assert {measure for benchmark in whole for measure in benchmark.measures} == set(MEASURES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("benchmarks: [", "is no YAML"),
        ("benchmarks: []", "needs a list named 'benchmarks'"),
        ("benchmarks: [{name: a}]", "Benchmark 1 of .* needs name, reader, files, measures"),
        (ENTRY.replace("name", "nmae: 1, name"), "unknown key 'nmae'"),
        (
            ENTRY.replace("valse", "vales"),
            "The reader of Benchmark 1 of .* is 'vales': use one of aro-visual-genome",
        ),
        (
            ENTRY.replace("presence", "absent"),
            "A measure of Benchmark 1 of .* is 'absent': use one of presence",
        ),
        (ENTRY.replace("name", "task: guess, name"), "The task of Benchmark 1 of .* is 'guess'"),
        (ENTRY.replace("name", "options: {last: 4}, name"), "An option of .* is 'last': use one of none"),
        (ENTRY.replace("a.json", "../a.json"), "names '../a.json': a path inside the data folder"),
        (ENTRY.replace("valse", "table-labels"), "needs more options for its reader: missing .* 'image'"),
        (f"{ENTRY}, {ENTRY}", "has two benchmarks named 'a'"),
    ],
)
def test_broken_suites_are_named(tmp_path, text, message):
    path = tmp_path / "suite.yaml"
    path.write_text(text if text.startswith("benchmarks") else f"benchmarks: [{text}]")
    with pytest.raises(OmniNegClipError, match=message):
        load_suite(str(path))


def test_what_is_no_suite_is_named(tmp_path):
    with pytest.raises(
        OmniNegClipError, match=r"is no suite: use all, negation, retrieval, scenes or a \.yaml file"
    ):
        load_suite("negations")
    with pytest.raises(OmniNegClipError, match="Can't read the suite"):
        load_suite(str(tmp_path / "none.yaml"))
