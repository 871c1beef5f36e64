import pytest

from omninegclip.data.readers import negrefcocog
from omninegclip.errors import OmniNegClipError

ROW = {
    "image": "a.jpg",
    "phrase": "a cup without a lid",
    "ref_bbox": [1.5, 0, 3, 4],
    "bbox_list": [[0, 0, 2, 2], [1.5, 0, 3, 4]],
}


def test_the_answer_is_the_referred_box(write):
    item = next(negrefcocog.read(write("rows.json", [ROW])))
    assert item.answer == 1
    assert [image.box for image in item.images] == [(0, 0, 2, 2), (1.5, 0, 3, 4)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ref_bbox": [9, 9, 9, 9]}, "a ref_bbox that is not in its bbox_list"),
        ({"ref_bbox": [9, 9, 9]}, "has 3 numbers"),
        ({"ref_bbox": [9, 9, 9, "9"]}, "is of type str: float is needed"),
    ],
)
def test_broken_boxes_are_named(write, change, message):
    with pytest.raises(OmniNegClipError, match=message):
        list(negrefcocog.read(write("rows.json", [ROW | change])))


def test_the_published_file_always_answers_box_0(shared):
    items = list(negrefcocog.read(shared / "negrefcocog" / "NegRefCOCOg.json"))
    assert len(items) == 440
    assert {(item.answer, len(item.images)) for item in items} == {(0, 2)}
