import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from omninegclip.captions.negate import Captioned
from omninegclip.data.captioned import labelled, read_captioned, read_labels
from omninegclip.errors import OmniNegClipError

EXPECTED = [Captioned("1", "a.jpg", ["A dog", "A big dog"]), Captioned("2", "b.jpg", ["A cat, asleep"])]
ROWS = [
    {"image_id": "1", "image": "a.jpg", "caption": "A dog"},
    {"image_id": "2", "image": "b.jpg", "caption": "A cat, asleep"},
    {"image_id": "1", "image": "a.jpg", "caption": "A big dog"},
]


def test_tables_of_each_kind_are_grouped_by_image(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        'image_id,image,caption\n1,a.jpg,A dog\n2,b.jpg,"A cat, asleep"\n1,a.jpg,A big dog\n'
    )
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "a.parquet")
    coco = {
        "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
        "annotations": [{"image_id": int(row["image_id"]), "caption": row["caption"]} for row in ROWS],
    }
    (tmp_path / "a.json").write_text(json.dumps(coco))
    for name in ("a.csv", "a.jsonl", "a.parquet", "a.json"):
        assert read_captioned(tmp_path / name) == EXPECTED


def test_plain_lines_and_flickr_tokens(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("A dog\n\nA cat\n")
    assert [image.captions for image in read_captioned(tmp_path / "plain.txt")] == [
        ["A dog"],
        [""],
        ["A cat"],
    ]
    (tmp_path / "tokens.txt").write_text("a.jpg#0\tA dog\na.jpg#1\tA big dog\nb.jpg.1#0\tA cat\n")
    assert read_captioned(tmp_path / "tokens.txt") == [
        Captioned("a.jpg", "a.jpg", ["A dog", "A big dog"]),
        Captioned("b.jpg.1", "b.jpg.1", ["A cat"]),
    ]


def test_labels_of_coco_cover_images_without_boxes(tmp_path: Path) -> None:
    instances = {
        "images": [{"id": 1}, {"id": 2}],
        "categories": [{"id": 18, "name": "dog"}, {"id": 17, "name": "cat"}],
        "annotations": [{"image_id": 1, "category_id": 18}, {"image_id": 1, "category_id": 18}],
    }
    (tmp_path / "instances.json").write_text(json.dumps(instances))
    labels, vocabulary = read_labels(tmp_path / "instances.json")
    assert labels == {"1": ["dog"], "2": []}
    assert vocabulary == ["cat", "dog"]
    assert [image.objects for image in labelled([*EXPECTED, Captioned("3", None, [])], labels)] == [
        ["dog"],
        [],
        None,
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xml", "<a/>", "no known ending"),
        ("a.csv", "image,words\na.jpg,dog\n", "Row 1 of .* has no caption"),
        ("a.csv", "image,caption\n", "holds no caption"),
        ("a.jsonl", '{"caption": "a"}\nbroken\n', "can't be read as .jsonl"),
        ("a.json", '{"images": [{}]}', "Image 1 of .* has no 'sentences'"),
        ("a.json", '{"images": [', "can't be read as .json"),
        ("a.parquet", "PAR1", "can't be read as .parquet"),
    ],
)
def test_other_files_are_refused_in_one_sentence(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(OmniNegClipError, match=message):
        read_captioned(tmp_path / name)


def test_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OmniNegClipError, match="can't be read"):
        read_captioned(tmp_path / "none.csv")
    with pytest.raises(OmniNegClipError, match="can't be read as labels"):
        read_labels(tmp_path / "none.json")
