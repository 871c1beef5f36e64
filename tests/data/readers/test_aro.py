from collections import Counter

import pytest

from omninegclip.data.readers import aro
from omninegclip.errors import OmniNegClipError

BOX = {"bbox_x": 1, "bbox_y": 2, "bbox_w": 30, "bbox_h": 40.5}
TEXTS = {
    "image_path": "1.jpg",
    "true_caption": "the man is on the horse",
    "false_caption": "the horse is on the man",
}


def test_relations_and_attributes(write):
    relation = next(aro.read_visual_genome(write("r.json", [BOX | TEXTS | {"relation_name": "on"}])))
    assert relation.image.box == (1, 2, 30, 40.5)
    assert relation.options[relation.answer] == TEXTS["true_caption"]
    assert relation.groups == {"relation": "on"}
    attributes = next(
        aro.read_visual_genome(write("a.json", [BOX | TEXTS | {"attributes": ["wet", "open"]}]))
    )
    assert attributes.groups == {"attributes": "wet / open"}


def test_order(write):
    rows = [{"image": "a.jpg", "caption_options": ["a b c", "c b a", "b a c"]}]
    assert next(aro.read_order(write("order.json", rows))).options == ("a b c", "c b a", "b a c")


def test_negclip_rows_have_their_own_number_of_options(write):
    table = "\ttitle\tfilepath\tneg_caption\tneg_image\n0\ta b\tcoco/1.jpg\t['b a', \"it's b\"]\t[1]\n"
    assert next(aro.read_negclip(write("valid.tsv", table))).options == ("a b", "b a", "it's b")


def test_a_row_without_a_box_is_named(write):
    with pytest.raises(OmniNegClipError, match=r"Entry 0 of .* has no 'bbox_x'"):
        list(aro.read_visual_genome(write("r.json", [TEXTS])))


def test_the_published_tsv(shared):
    items = list(aro.read_negclip(shared / "aro" / "valid_neg_clip.tsv"))
    assert len(items) == 4839
    assert Counter(len(item.options) for item in items)[2] == 2891
