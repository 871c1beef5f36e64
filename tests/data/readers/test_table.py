import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from omninegclip.data.readers import table
from omninegclip.errors import OmniNegClipError

ROWS = [
    {
        "pic": "a.jpg",
        "good": "a cat, no dog",
        "bad": "a dog, no cat",
        "worse": "a bus",
        "kind": "pets",
        "key": "1",
    },
    {"pic": "b.jpg", "good": "a bus", "bad": "no bus", "worse": "a car", "kind": "cars", "key": "2"},
]
COLUMNS = {"image": "pic", "right": "good", "wrong": ["bad", "worse"], "groups": ["kind"], "item_id": "key"}


@pytest.fixture(params=["csv", "tsv", "jsonl", "parquet"])
def path(request, tmp_path):
    path = tmp_path / f"rows.{request.param}"
    if request.param == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif request.param == "jsonl":
        path.write_text("\n".join(map(json.dumps, ROWS)))
    else:
        separator = "," if request.param == "csv" else "\t"
        lines = [ROWS[0], *(row.values() for row in ROWS)]
        path.write_text("\n".join(separator.join(f'"{cell}"' for cell in line) for line in lines))
    return path


def test_every_kind_of_file_gives_the_same_choices(path):
    first, second = table.read_choices(path, **COLUMNS)
    assert (first.id, first.image.path, first.groups) == ("1", "a.jpg", {"kind": "pets"})
    assert second.options == ("a bus", "no bus", "a car")


def test_captions_and_labels(path):
    assert [item.captions for item in table.read_captions(path, "pic", "good")] == [
        ("a cat, no dog",),
        ("a bus",),
    ]
    assert [item.label for item in table.read_labels(path, "pic", "kind")] == ["pets", "cars"]


def test_image_choices(write):
    path = write("rows.csv", "text,a,b,split\na cat without a dog,1.jpg,2.jpg,held out\n")
    item = next(table.read_image_choices(path, "text", "a", ["b"], groups=["split"]))
    assert ([image.path for image in item.images], item.answer) == (["1.jpg", "2.jpg"], 0)
    assert (item.text, item.groups) == ("a cat without a dog", {"split": "held out"})


def test_presence(write):
    path = write(
        "rows.jsonl", '{"i": "1.jpg", "o": "cat", "p": true}\n{"i": "1.jpg", "o": "dog", "p": "no"}\n'
    )
    assert [item.present for item in table.read_presence(path, "i", "o", "p")] == [True, False]
    with pytest.raises(OmniNegClipError, match=r"'p' of row 1 in .* is 'maybe': yes or no is needed"):
        list(table.read_presence(write("rows.csv", "i,o,p\n1.jpg,cat,maybe\n"), "i", "o", "p"))


def test_a_missing_column_is_named_with_those_that_are_there(path):
    with pytest.raises(OmniNegClipError, match="has no column 'best': it has pic, good, bad"):
        list(table.read_choices(path, "pic", "best", ["bad"]))


def test_a_duplicate_id_is_refused(write):
    path = write("rows.csv", "pic,kind,key\na.jpg,pets,1\nb.jpg,cars,1\n")
    with pytest.raises(OmniNegClipError, match="has the id '1' twice"):
        list(table.read_labels(path, "pic", "kind", item_id="key"))


def test_captions_may_be_lists(write):
    path = write("rows.csv", "pic,texts,there\na.jpg,\"['one', 'two']\",\"['cat']\"\na.jpg,three,[]\n")
    item = next(table.read_captions(path, "pic", "texts", present="there", groups=["pic"]))
    assert item.captions == ("one", "two", "three")
    assert (item.present, item.groups) == (("cat",), {"pic": "a.jpg"})


def test_another_kind_of_file_is_refused(write):
    with pytest.raises(OmniNegClipError, match=r"is no table: \.csv, \.tsv, \.jsonl or \.parquet is needed"):
        list(table.read_labels(write("rows.xlsx", ""), "pic", "kind"))
