import os
from dataclasses import fields

import pytest
import yaml

from omninegclip.data.record import write_records
from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.suite import MEASURES, SHIPPED, Benchmark, load_suite

ENTRY = "{name: a, reader: valse, files: a.json, measures: {presence: accuracy}}"


def test_the_shipped_suites_load_and_together_measure_everything():
    whole = load_suite("all")
    assert len(whole) == sum(len(load_suite(name)) for name in SHIPPED)
    assert {measure for benchmark in whole for measure in benchmark.measures} == set(MEASURES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("benchmarks: [", "is not valid YAML"),
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
        OmniNegClipError, match=r"is not a suite: use all, negation, retrieval, scenes or a \.yaml file"
    ):
        load_suite("negations")
    with pytest.raises(OmniNegClipError, match=r"The suite .*none\.yaml is no file"):
        load_suite(str(tmp_path / "none.yaml"))


def load(tmp_path, **change):
    entry = {"name": "a", "reader": "table-choices", "files": "a.csv", "measures": {"presence": "accuracy"}}
    entry["options"] = {"image": "i", "right": "r", "wrong": ["w"]}
    path = tmp_path / "suite.yaml"
    path.write_text(yaml.safe_dump({"benchmarks": [entry | change]}))
    return load_suite(str(path))[0]


WRONG = [3, 2.5, True, None, [3], {"a": 3}, [["a"]], "", "\x1b[31m", {3: "a"}, [None]]
RIGHT = {  # key -> values among the wrong that are right for it
    "files": [],
    "images": [],
    "options": [],
    "extension": [None],
    "task": [None],
    "first_found": [True],
}


@pytest.mark.parametrize("key", [field.name for field in fields(Benchmark)])
def test_a_value_of_another_type_is_one_sentence_for_every_key(tmp_path, key):
    for value in WRONG:
        if not any(value is right for right in RIGHT.get(key, [])):
            with pytest.raises(OmniNegClipError, match=r"of Benchmark 1 of|Benchmark 1 of .* needs"):
                load(tmp_path, **{key: value})


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../../../escaped"},
        {"name": "/escaped"},
        {"name": "a\\b"},
        {"name": ".hidden"},
        {"name": "x[/y]"},
        {"name": "n" * 101},
        {"files": ["a.csv", "../*.csv"]},
        {"files": "/etc/*"},
        {"files": "C:\\data.csv"},
        {"files": "."},
        {"images": "a/../../b"},
        {"extension": "/../../x.jpg"},
        {"extension": ".."},
        {"reader": "folders", "options": {"classes_file": "../../classes.txt"},
         "measures": {"zero-shot": "top1"}},
        {"reader": "folders", "options": {}, "official": {"classes_file": "/etc/passwd"},
         "measures": {"zero-shot": "top1"}},
    ],
)  # fmt: skip
def test_nothing_that_a_suite_names_lies_outside(tmp_path, change):
    with pytest.raises(OmniNegClipError, match="of Benchmark 1 of"):
        load(tmp_path, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"measures": {"presence": "accurracy"}},
            "The figure for presence of .* is 'accurracy': use one of accuracy",
        ),
        ({"measures": {}}, "The measures of .* are none"),
        ({"files": []}, "names no files: at least one is needed"),
        ({"files": "a**b"}, r"\*\* stands for folders"),
        (
            {"options": {"image": "i", "right": "r", "wrong": "foil"}},
            "wrong of .* is 'foil': a list of texts",
        ),
        ({"options": {"image": 3, "right": "r", "wrong": ["w"]}}, "image of .* is 3: a text is needed"),
        ({"task": "retrieve"}, "The task of .* is 'retrieve': use one of choose text"),
        ({"task_options": {"templates": ["{}"]}}, "A task option of .* is 'templates': use one of official"),
        ({"task_options": {"official": "most"}}, "official of .* is 'most': argmax or greater is needed"),
    ],
)
def test_a_typo_is_found_before_work_begins(tmp_path, change, message):
    with pytest.raises(OmniNegClipError, match=message):
        load(tmp_path, **change)


@pytest.mark.parametrize("templates", [[], ["a photo"], "a photo of a {}"])
def test_templates_are_a_list_with_a_place_for_the_name(tmp_path, templates):
    with pytest.raises(OmniNegClipError, match="The task option templates of"):
        load(
            tmp_path,
            reader="folders",
            options={},
            measures={"zero-shot": "top1"},
            task_options={"templates": templates},
        )


@pytest.mark.parametrize(("first", "good"), [(5, True), (None, True), (0, False), (-1, False), (True, False)])
def test_a_count_is_above_0(tmp_path, first, good):
    change = {"reader": "coco", "options": {"first": first}, "measures": {"retrieval": "text_to_image_r5"}}
    if good:
        assert load(tmp_path, **change).options["first"] == first
    else:
        with pytest.raises(
            OmniNegClipError, match=r"The option first of .*: a number above 0 or null is needed"
        ):
            load(tmp_path, **change)


def test_of_several_forms_of_one_data_set_the_first_that_is_there_is_read(tmp_path):
    benchmark = load(tmp_path, files=["a.csv", "b.csv"], first_found=True)
    (tmp_path / "b.csv").write_text("i,r,w\n1.jpg,a,b\n")
    assert [path.name for path in benchmark.sources(tmp_path)] == ["b.csv"]
    (tmp_path / "a.csv").write_text("i,r,w\n1.jpg,c,d\n")
    assert [item.options for item in benchmark.items(tmp_path, "strict")] == [("c", "d")]


def test_cc_neg_is_read_from_its_parquet_too(tmp_path):
    benchmark = next(each for each in load_suite("negation") if each.name == "cc-neg")
    row = {
        "image": "a.jpg",
        "image_id": "1",
        "caption": "a",
        "presence_negated": "b",
        "absence_negated": None,
    }
    write_records(tmp_path / "ccneg" / "ccneg.parquet", [row])
    assert [item.options for item in benchmark.items(tmp_path, "strict")] == [("a", "b")]


def test_a_nested_suite_is_one_sentence(tmp_path):
    path = tmp_path / "deep.yaml"
    path.write_text("[" * 20_000)
    with pytest.raises(OmniNegClipError, match="more than 20 levels of nesting"):
        load_suite(str(path))


def test_aliases_and_pipes_are_one_sentence(tmp_path):
    path = tmp_path / "bomb.yaml"
    path.write_text("benchmarks: &a [x, x]\nmore: [*a, *a]")
    with pytest.raises(OmniNegClipError, match="an anchor or alias, where the value itself is needed"):
        load_suite(str(path))
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(OmniNegClipError, match=r"pipe\.yaml is no file"):
        load_suite(str(tmp_path / "pipe.yaml"))
