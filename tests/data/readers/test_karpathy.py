import pytest

from omninegclip.data.readers import karpathy
from omninegclip.errors import OmniNegClipError

SIX = [f"caption {number}" for number in range(6)]


def dataset(*names):
    sentences = [{"raw": f" {text} ", "tokens": []} for text in SIX]
    return {
        "images": [
            {"filepath": "val2014", "filename": name, "split": split, "sentences": sentences, "cocoid": 1}
            for name, split in names
        ]
    }


def test_both_flavours_give_the_same_items(write):
    both = write("dataset_coco.json", dataset(("a.jpg", "test"), ("b.jpg", "train")))
    plain = write("coco_test.json", [{"image": "val2014/a.jpg", "caption": SIX}])
    items = list(karpathy.read(both))
    assert items == list(karpathy.read(plain))
    assert [(item.image.path, len(item.captions)) for item in items] == [("val2014/a.jpg", 5)]


def test_all_captions_are_an_option(write):
    plain = write("coco_test.json", [{"image": "a.jpg", "caption": SIX}])
    assert next(karpathy.read(plain, first=None)).captions == tuple(SIX)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (dataset(("a.jpg", "val")), "has no split 'test': it has val"),
        ([{"image": "a.jpg", "caption": ["a"]}] * 2, "has the id 'a.jpg' twice"),
        ([{"caption": ["a"]}], "Entry 1 of .* has no 'image'"),
        ([{"image": "a.jpg", "caption": [3]}], "is of type int: str is needed"),
    ],
)
def test_broken_files_are_named(write, content, message):
    with pytest.raises(OmniNegClipError, match=message):
        list(karpathy.read(write("split.json", content)))
