import json

import pytest

from omninegclip.data.readers import pope
from omninegclip.errors import OmniNegClipError

LINE = {"question_id": 1, "image": "1.jpg", "text": "Is there an oven in the image?", "label": "no"}


def test_questions_become_objects(write):
    item = next(pope.read(write("coco_pope_random.json", json.dumps(LINE) + "\n\n")))
    assert (item.object, item.present) == ("oven", False)
    assert item.groups == {"sampling": "random", "label": "no"}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([LINE, LINE], "has the id 'random-1' twice"),
        ([LINE | {"label": "maybe"}], "Line 1 of .* the label yes or no"),
        ([LINE | {"text": "What is it?"}], "Line 1 of .* is not 'Is there a"),
        (['{"question_id": 1'], "is of type str: dict is needed"),
    ],
)
def test_broken_lines_are_named(write, lines, message):
    with pytest.raises(OmniNegClipError, match=message):
        list(pope.read(write("coco_pope_random.json", "\n".join(map(json.dumps, lines)))))


def test_a_line_that_is_cut_off_is_named(write):
    with pytest.raises(OmniNegClipError, match=r"Line 2 of .* is not complete JSON"):
        list(pope.read(write("coco_pope_random.json", json.dumps(LINE) + '\n{"question_id": ')))


def test_the_published_files_are_balanced(shared):
    for path in (shared / "pope").glob("*.json"):
        items = list(pope.read(path))
        assert (len(items), sum(item.present for item in items)) == (3000, 1500)
