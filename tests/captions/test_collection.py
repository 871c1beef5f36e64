import json
import os
import resource
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from omninegclip.captions.collection import labelled, read_captioned, read_labels
from omninegclip.captions.negate import Captioned
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
    (tmp_path / "tokens.txt").write_text("a.jpg#0\tA dog\na.jpg#1\tA big dog\nb.jpg.1#0\tA cat\nc#0\tA cow\n")
    assert read_captioned(tmp_path / "tokens.txt") == [
        Captioned("a.jpg", "a.jpg", ["A dog", "A big dog"]),
        Captioned("b.jpg", "b.jpg", ["A cat"]),
        Captioned("c", "c", ["A cow"]),
    ]


def test_both_flavours_of_karpathys_splits(tmp_path: Path) -> None:
    expected = [Captioned("val/a.jpg", "val/a.jpg", ["A dog"] * 6), Captioned("b.jpg", "b.jpg", ["A cat"])]
    both = {
        "images": [
            {"filepath": "val", "filename": "a.jpg", "split": "test", "sentences": [{"raw": "A dog "}] * 6},
            {"filename": "b.jpg", "split": "train", "sentences": [{"raw": "A cat"}]},
        ]
    }
    plain = [{"image": each.image, "caption": each.captions} for each in expected]
    for content in (both, plain):
        (tmp_path / "splits.json").write_text(json.dumps(content))
        assert read_captioned(tmp_path / "splits.json") == expected


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
        ("a.xml", "<a/>", "no known extension"),
        ("a.csv", "image,words\na.jpg,dog\n", "Row 1 of .* has no caption"),
        ("a.csv", "image,caption\n", "holds no caption"),
        ("a.jsonl", '{"caption": "a"}\nbroken\n', "Line 2 of .*is not complete JSON"),
        ("a.json", '{"images": [{"filename": "a"}]}', "Image 1 of .* has no 'sentences'"),
        ("a.json", '{"images": [', "is not complete JSON"),
        ("a.parquet", "PAR1", "is not a readable Parquet file"),
    ],
)
def test_other_files_are_refused_in_one_sentence(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(OmniNegClipError, match=message):
        read_captioned(tmp_path / name)


def test_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OmniNegClipError, match=r"Can't read .*none\.csv: No such file"):
        read_captioned(tmp_path / "none.csv")
    with pytest.raises(OmniNegClipError, match=r"Can't read .*none\.json: No such file"):
        read_labels(tmp_path / "none.json")


ENDINGS = (".txt", ".csv", ".tsv", ".json", ".jsonl", ".parquet")
DEEP = "[" * 100_000


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, ending: str) -> None:
    os.mkfifo(tmp_path / f"pipe{ending}")
    (tmp_path / f"folder{ending}").mkdir()
    with pytest.raises(OmniNegClipError, match=f"pipe{ending} is a pipe or a device: a regular file"):
        read_captioned(tmp_path / f"pipe{ending}")
    with pytest.raises(OmniNegClipError, match=f"Can't read .*folder{ending}: "):
        read_captioned(tmp_path / f"folder{ending}")
    if ending.startswith(".json"):
        with pytest.raises(OmniNegClipError, match="is a pipe or a device: a regular file"):
            read_labels(tmp_path / f"pipe{ending}")


@pytest.mark.parametrize("ending", ENDINGS[:-1])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("caption\nA dog\n".encode("utf-16"), "Line 1 of .* holds a NUL"),
        ("caption\nA dog\n".encode("utf-16-le"), "Line 1 of .* holds a NUL"),
        ("caption\nA dog\nA caf\u00e9\n".encode("latin-1"), r"Line 3 of .* is not UTF-8 text: save the file"),
        (b"caption\nA dog\nA\0cat\n", "Line 3 of .* holds a NUL"),
        (b"\x89PNG\r\n\x1a\n", "Line 1 of .* is not UTF-8 text"),
        (b"", "holds no caption|is not complete JSON"),
    ],
)
def test_other_encodings_and_binary_files_are_told_by_line(
    tmp_path: Path, ending: str, content: bytes, message: str
) -> None:
    (tmp_path / f"a{ending}").write_bytes(content)
    with pytest.raises(OmniNegClipError, match=message):
        read_captioned(tmp_path / f"a{ending}")


def test_a_byte_order_mark_of_utf_8_is_no_part_of_the_first_word(tmp_path: Path) -> None:
    for name, content in (
        ("a.txt", "A dog"),
        ("a.csv", "caption\nA dog"),
        ("a.json", '[{"caption": "A dog"}]'),
        ("a.jsonl", '{"caption": "A dog"}'),
    ):
        (tmp_path / name).write_text(content, "utf-8-sig")
        assert read_captioned(tmp_path / name) == [Captioned("1", None, ["A dog"])]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({}, "Line 2 of .* has no caption"),
        ({"caption": {"raw": "a"}}, "The caption of Line 2 of .* is of type dict"),
        ({"caption": 7}, "The caption of Line 2 of .* is of type int"),
        ({"caption": True}, "The caption of Line 2 of .* is of type bool"),
        ({"captions": ["a", None]}, "The caption of Line 2 of .* is of type NoneType"),
        ({"caption": "\ud800"}, "The caption of Line 2 of .* half a character"),
        ({"caption": "a\0"}, "The caption of Line 2 of .* a NUL"),
        ({"caption": "a" * 100_001}, "The caption of Line 2 of .* has 100,001 characters: 100,000 at most"),
        ({"caption": "a", "image_id": [1]}, "The image_id of Line 2 of .* is of type list"),
        ({"caption": "a", "image_id": {"a": 1}}, "The image_id of Line 2 of .* is of type dict"),
        ({"caption": "a", "image_id": True}, "The image_id of Line 2 of .* is of type bool"),
        (
            {"caption": "a", "image_id": float("nan")},
            "The image_id of Line 2 of .* is too large or not a number",
        ),
        (
            {"caption": "a", "image_id": float("inf")},
            "The image_id of Line 2 of .* is too large or not a number",
        ),
        ({"caption": "a", "image": 3}, "The image of Line 2 of .* is of type int"),
        ({"caption": "a", "image": "\0"}, "The image of Line 2 of .* a NUL"),
        ({"caption": "a", "image": "b.jpg", "image_id": 1}, "Line 2 of .* one id is one image"),
        (
            {"caption": "a", "objects": "dog; cat"},
            "The objects of Line 2 of .* is not a list of texts: 'dog; cat'",
        ),
        ({"caption": "a", "objects": "[dog"}, "The objects of Line 2 of .* is not a list of texts"),
        ({"caption": "a", "objects": [1]}, "The objects of Line 2 of .* is of type int"),
    ],
)
def test_a_value_that_cannot_be_what_its_column_says_is_told_by_row(
    tmp_path: Path, row: dict[str, object], message: str
) -> None:
    first = {"caption": "A dog", "image": "a.jpg", "image_id": 1}
    (tmp_path / "a.jsonl").write_text(f"{json.dumps(first)}\n{json.dumps(row)}\n")
    with pytest.raises(OmniNegClipError, match=message):
        read_captioned(tmp_path / "a.jsonl")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", "[1]\n", "Line 1 of .* is of type list: dict"),
        ("a.jsonl", DEEP, "Line 1 of .* is nested too deep"),
        ("a.jsonl", f'{{"caption": "a", "image_id": {"9" * 5000}}}', "Line 1 of .* is not complete JSON"),
        ("a.json", DEEP, "is nested too deep"),
        ("a.json", "7", "a.json is of type int: dict"),
        ("a.json", "[7]", "Row 1 of .* is of type int: dict"),
        ("a.json", '{"annotations": 7}', "'annotations' of .* is of type int: list"),
        ("a.json", '{"annotations": [{"image_id": 1}]}', "Annotation 1 of .* has no 'caption'"),
        ("a.json", '{"annotations": [{"caption": "a"}]}', "Annotation 1 of .* has no 'image_id'"),
        (
            "a.json",
            '{"annotations": [], "images": [{"id": [1]}]}',
            "The id of Image 1 of .* is of type list",
        ),
        (
            "a.json",
            '{"images": [{"filename": "a", "sentences": [{"raw": 1}]}]}',
            "'raw' of a sentence of Image 1 .* int",
        ),
        (
            "a.json",
            '{"images": [{"filename": "a", "sentences": [1]}]}',
            "A sentence of Image 1 of .* is of type int: dict",
        ),
        (
            "a.csv",
            "image,caption\na.jpg,A cat, asleep\n",
            "Row 1 of .* does not have the 2 cells of the header: quote",
        ),
        ("a.csv", f"caption\nA dog\n{'a' * 200_000}\n", "is not readable CSV at line 2: field larger"),
        ("a.csv", 'caption,objects\na,"[1"\n', "The objects of Row 1 of .* is not a list of texts"),
        ("a.txt", "A dog\n" + "a" * 1_000_000, "The caption of Line 2 of .* has 1,000,000 characters"),
    ],
)
def test_files_of_another_form_are_told_by_row(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(OmniNegClipError, match=message):
        read_captioned(tmp_path / name)


def test_an_id_of_zero_is_an_id(tmp_path: Path) -> None:
    rows = [{"image_id": 0, "caption": "A dog"}, {"image_id": 0, "caption": "A big dog"}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert read_captioned(tmp_path / "a.jsonl") == [Captioned("0", None, ["A dog", "A big dog"])]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", DEEP, "is nested too deep"),
        ("a.json", "[]", "holds a list: a dict is needed"),
        ("a.json", '{"categories": []}', "has no 'images'"),
        ("a.json", '{"categories": [{"id": 1, "name": 2}]}', "'name' of category 1 of .* is of type int"),
        ("a.json", '{"categories": [{"id": {}, "name": "dog"}]}', "Category 1 of .* is of type dict"),
        (
            "a.json",
            '{"categories": [], "images": [{"id": 1}], "annotations": [{"image_id": 1, "category_id": 9}]}',
            "Annotation 1 of .* the file doesn't list",
        ),
        ("a.jsonl", '{"objects": []}', "Line 1 of .* has no 'image_id'"),
        ("a.jsonl", '{"image_id": 1}', "Line 1 of .* has no 'objects'"),
        ("a.jsonl", '{"image_id": 1, "objects": "dog"}', "'objects' of line 1 of .* is of type str: list"),
        ("a.jsonl", '{"image_id": 1, "objects": []}\n' * 2, "Line 2 of .* has the image_id '1' again"),
        ("a.jsonl", "\xff", "Line 1 of .* is not complete JSON"),
    ],
)
def test_labels_of_another_form_are_told_by_row(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(OmniNegClipError, match=message):
        read_labels(tmp_path / name)


def test_an_image_or_a_number_in_a_column_of_parquet_is_told_by_row(tmp_path: Path) -> None:
    for row, message in (
        ({"caption": "a", "image": {"bytes": b"", "path": "a"}}, "The image of Row 1 of .* is of type dict"),
        ({"caption": 1.5}, "The caption of Row 1 of .* is of type float"),
        ({"caption": b"a"}, "The caption of Row 1 of .* is of type bytes"),
        ({"words": "a"}, "holds no caption: .* a column named caption"),
    ):
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
        with pytest.raises(OmniNegClipError, match=message):
            read_captioned(tmp_path / "a.parquet")


def test_lists_of_captions_and_labels_come_out_of_parquet(tmp_path: Path) -> None:
    rows = [{"captions": ["A dog", "A big dog"], "filename": "a.jpg", "objects": ["dog"]}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    assert read_captioned(tmp_path / "a.parquet") == [
        Captioned("a.jpg", "a.jpg", ["A dog", "A big dog"], ["dog"])
    ]


def bombs(folder: Path) -> list[Path]:
    """Write small Parquet files that unpack to gigabytes: long texts, a list of them, and many rows."""

    def repeated(text: str, times: int) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.nulls(times, pa.int32()).fill_null(0), pa.array([text]))

    long = repeated("x" * 90_000, 50_000)
    columns = {"a": long, "b": pa.ListArray.from_arrays([0, 50_000], long), "c": repeated("a", 12_000_000)}
    for name, column in columns.items():
        pq.write_table(pa.table({"caption": column}), folder / f"{name}.parquet", store_schema=False)
    return sorted(folder.glob("?.parquet"))


def test_a_small_parquet_file_that_fills_the_memory_is_refused_before_it_does(tmp_path: Path) -> None:
    paths = bombs(tmp_path)
    assert all(path.stat().st_size < 200_000 for path in paths)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for path in paths:
        with pytest.raises(OmniNegClipError, match="would take over 50 times its size in memory"):
            read_captioned(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB
