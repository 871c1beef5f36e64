from collections import Counter

import pytest

from omninegclip.data.readers import coco
from omninegclip.errors import OmniNegClipError

IMAGES = [{"id": 7, "file_name": "7.jpg"}, {"id": 8, "file_name": "8.jpg"}, {"id": 9, "file_name": "9.jpg"}]
ANNOTATIONS = [
    {"id": 1, "image_id": 8, "caption": " A cat\nasleep ", "updated_caption": "A cat asleep, but no dog"},
    {"id": 2, "image_id": 7, "caption": "A bus", "updated_caption": "A bus without a driver"},
    {"id": 3, "image_id": 8, "caption": "A grey cat", "updated_caption": "A grey cat and no mat"},
]


def test_captions_are_gathered_by_image_and_tidied(write):
    items = list(coco.read(write("captions.json", {"images": IMAGES, "annotations": ANNOTATIONS})))
    assert [(item.id, item.image.path, item.captions) for item in items] == [
        ("7", "7.jpg", ("A bus",)),
        ("8", "8.jpg", ("A cat asleep", "A grey cat")),
    ]


def test_negationclip_captions(write):
    path = write("negationclip.json", {"images": IMAGES, "annotations": ANNOTATIONS})
    assert next(coco.read(path, "updated_caption")).captions == ("A bus without a driver",)


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        ([*ANNOTATIONS, ANNOTATIONS[0]], "has the id 'annotation 1' twice"),
        (
            [{"id": 1, "image_id": 5, "caption": "a"}],
            "Annotation 1 of .* the image_id 5, which is not",
        ),
        ([{"id": 1, "image_id": 7}], "has no 'caption'"),
    ],
)
def test_broken_annotations_are_named(write, annotations, message):
    with pytest.raises(OmniNegClipError, match=message):
        list(coco.read(write("captions.json", {"images": IMAGES, "annotations": annotations})))


def test_two_images_of_one_id_are_refused(write):
    with pytest.raises(OmniNegClipError, match="has the id '7' twice"):
        list(coco.read(write("captions.json", {"images": IMAGES + IMAGES[:1], "annotations": []})))


def test_val2017_has_its_known_counts(shared):
    items = list(coco.read(shared / "coco_captions" / "captions_val2017.json"))
    assert Counter(len(item.captions) for item in items) == {5: 4987, 6: 12, 7: 1}
    assert not any("\n" in text or text != text.strip() for item in items for text in item.captions)
