import re

import pytest

from omninegclip.clip.layer_groups import image_layers, text_layers
from omninegclip.errors import OmniNegClipError

DEPTHS = [1, 2, 3, 4, 5, 7, 12, 24]
THIRDS = ["front-third", "middle-third", "back-third"]


@pytest.mark.parametrize(
    ("group", "layers"),
    [
        ("front", [0, 1, 2, 3, 4, 5]),
        ("middle", [4, 5, 6, 7]),
        ("back", [8, 9, 10, 11]),
        ("front-third", [0, 1, 2, 3]),
        ("middle-third", [4, 5, 6, 7]),
        ("back-third", [8, 9, 10, 11]),
        ("whole", range(12)),
        ("none", []),
        ("first-1", [0]),
        ("first-12", range(12)),
        ("last-3", [9, 10, 11]),
        ("7", [7]),
        ("0-5", [0, 1, 2, 3, 4, 5]),
        ("0,2,5", [0, 2, 5]),
        ("9-11,0-1,1", [0, 1, 9, 10, 11]),
        ([5, 2, 5, 0], [0, 2, 5]),
    ],
)
def test_groups_of_twelve_layers(group: str | list[int], layers: list[int]) -> None:
    assert text_layers(group, 12) == tuple(layers)


@pytest.mark.parametrize("depth", DEPTHS)
def test_front_middle_and_back_exist_at_any_depth(depth: int) -> None:
    front, middle, back = (text_layers(group, depth) for group in ("front", "middle", "back"))
    assert front[0] == 0
    assert back[-1] == depth - 1
    assert len(front) == (depth + 1) // 2
    assert len(middle) in {depth // 3, depth // 3 + 1}
    assert len(back) in {depth // 3, depth // 3 + 1}
    assert abs(middle[0] - (depth - 1 - middle[-1])) <= 1, "as many layers before the middle as after it"
    for group in (front, middle, back):
        assert group == tuple(range(group[0], group[-1] + 1)), "no holes"


@pytest.mark.parametrize("depth", [depth for depth in DEPTHS if depth >= 3])
def test_thirds_are_a_partition(depth: int) -> None:
    thirds = [text_layers(group, depth) for group in THIRDS]
    assert [layer for third in thirds for layer in third] == list(range(depth))
    sizes = [len(third) for third in thirds]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(("depth", "present"), [(1, ["front-third"]), (2, ["front-third", "middle-third"])])
def test_a_third_that_a_shallow_tower_lacks_is_refused(depth: int, present: list[str]) -> None:
    assert [text_layers(group, depth) for group in present] == [(layer,) for layer in range(depth)]
    for group in THIRDS[depth:]:
        with pytest.raises(OmniNegClipError, match=f"'{group}' is empty in a tower of {depth}"):
            text_layers(group, depth)


@pytest.mark.parametrize("depth", DEPTHS)
def test_both_ends_meet(depth: int) -> None:
    for count in range(1, depth):
        together = text_layers(f"first-{count}", depth) + text_layers(f"last-{depth - count}", depth)
        assert together == text_layers("whole", depth) == tuple(range(depth))


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ("frnt", "unknown text layer group 'frnt' (did you mean 'front'?); known are front, middle, back,"),
        ("backthird", "(did you mean 'back-third'?)"),
        ("lastN-4", "(did you mean 'last-N'?)"),
        ("xyzzy", "unknown text layer group 'xyzzy'; known are front,"),
        ("", "unknown text layer group ''; known"),
        ("-1", "unknown text layer group '-1'"),
        ("first-13", "text layer group 'first-13' does not fit a tower of 12; N can be 1 to 12"),
        ("last-0", "text layer group 'last-0' does not fit a tower of 12"),
        ("0-12", "layers 0-12 do not fit a tower of 12; give some of 0 to 11"),
        ("5-2", "layers 5-2 run backwards; write 2-5 for 5-2"),
        ("0-99999999999", "unknown text layer group '0-99999999999'"),
        ([0, 12], "layers [0, 12] do not fit a tower of 12"),
        ([-1], "layers [-1] do not fit a tower of 12"),
        ([], "layers [] do not fit a tower of 12"),
    ],
)
def test_wrong_groups_are_refused_in_one_sentence(group: str | list[int], message: str) -> None:
    with pytest.raises(OmniNegClipError, match=re.escape(message)):
        text_layers(group, 12)


def test_image_layers_know_ends_only() -> None:
    assert image_layers("none", 4) == ()
    assert image_layers("whole", 4) == (0, 1, 2, 3)
    assert image_layers("first-1", 4) == (0,)
    assert image_layers("last-2", 4) == (2, 3)
    with pytest.raises(OmniNegClipError, match=r"unknown image layer group 'front'.*; known are whole, none"):
        image_layers("front", 4)
    with pytest.raises(OmniNegClipError, match="image layer group 'last-5' does not fit a tower of 4"):
        image_layers("last-5", 4)
