import pytest

from omninegclip.data.readers import valse
from omninegclip.errors import OmniNegClipError


def item(votes, **change):
    votes = {"caption": votes, "foil": 3 - votes, "other": 0}
    return {
        "image_file": "v7w_1.jpg",
        "caption": "There are no cups.",
        "foil": "There are cups.",
        "mturk": votes,
    } | change


def test_caption_against_foil_grouped_by_validation(write):
    path = write("existence.json", {"e_0": item(3), "e_1": item(1), "e_2": item(2, caption=["In a list."])})
    items = list(valse.read(path))
    assert [found.groups["validated"] for found in items] == ["yes", "no", "yes"]
    assert [found.options[0] for found in items] == ["There are no cups.", "There are no cups.", "In a list."]
    assert {found.answer for found in items} == {0}


def test_a_repeated_id_is_refused_though_json_allows_it(write):
    with pytest.raises(OmniNegClipError, match="has the id 'e_0' twice"):
        list(valse.read(write("existence.json", '{"e_0": {}, "e_0": {}}')))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"e_0": {"capt', "is not complete JSON"),
        ([], "holds a list: a dict is needed"),
        ({"e_0": {"caption": "a"}}, "Item e_0 of .* has no 'image_file'"),
        ({"e_0": item(3, mturk={})}, "has no 'caption'"),
    ],
)
def test_broken_files_are_named(write, content, message):
    with pytest.raises(OmniNegClipError, match=message):
        list(valse.read(write("existence.json", content)))
