import math
from itertools import combinations, product
from random import Random

import pytest

from omninegclip.captions.cooccurrence import FEWEST_TOGETHER, Cooccurrence, hints, shipped_mentions
from omninegclip.captions.lexicon import Mentions, english


def collection(seed: int = 0) -> list[list[frozenset[str]]]:
    rng = Random(seed)
    return [
        [frozenset(rng.sample("abcdef", rng.randint(0, 4))) for _ in range(rng.randint(1, 4))]
        for _ in range(80)
    ]


def counted(images: list[list[frozenset[str]]]) -> Cooccurrence:
    seen = Cooccurrence()
    for captions in images:
        seen.add([Mentions(names, names, names) for names in captions])
    return seen


def test_lifts_equal_a_naive_count() -> None:
    images = collection()
    sets = [frozenset().union(*captions) for captions in images]
    lifts = {name: counted(images).lifts([name]) for name in "abcdef"}
    for a, b in product("abcdef", repeat=2):
        together = sum({a, b} <= names for names in sets)
        if a != b and together >= FEWEST_TOGETHER:
            expected = together * len(sets) / (sum(a in n for n in sets) * sum(b in n for n in sets))
            assert lifts[a][b] == pytest.approx(expected)
        else:
            assert b not in lifts[a]


def test_of_several_in_the_context_the_largest_counts() -> None:
    seen = counted(collection())
    both = seen.lifts(["a", "b"])
    assert both["c"] == max(seen.lifts(["a"])["c"], seen.lifts(["b"])["c"])


def test_chaos_estimate_comes_near_what_captions_leave_out() -> None:
    rng, images, unsaid = Random(1), [], 0
    for _ in range(5000):
        there = rng.random() < 0.3
        captions = [frozenset({"dog"} if there and rng.random() < 0.4 else ()) for _ in range(5)]
        unsaid += there and not any(captions)
        images.append(captions)
    assert counted(images).unmentioned_share("dog") == pytest.approx(unsaid / 5000, rel=0.3)


def test_one_caption_an_image_says_nothing_of_silence() -> None:
    assert math.isnan(counted([[frozenset("a")], [frozenset()]]).unmentioned_share("a"))


def test_a_hint_keeps_a_thing_from_being_silent_but_does_not_name_it() -> None:
    named = english().mentions("A man on a surfboard")
    hinted = english().mentions("A surfer on a wave")
    assert hints([named, hinted])["surfboard"] == 2
    assert "surfboard" not in hints([hinted, hinted])


def test_images_alike_share_what_enough_of_them_share() -> None:
    images = [[frozenset("ab")]] * 30 + [[frozenset("a")]] * 30 + [[frozenset("abc")]] * 5
    seen = counted(images)
    assert seen.alike("abc", fewest=10).bit_count() == 35  # c is too rare, a and b are not
    assert seen.alike("abc", fewest=5).bit_count() == 5
    assert seen.alike("c", fewest=10) == 0
    alike = seen.alike("b", fewest=10)
    assert [seen.share(name, alike) for name in "abcd"] == [1.0, 1.0, 5 / 35, 0.0]


def test_silent_odds_equal_a_naive_draw_of_captions() -> None:
    images = [[frozenset("a") if said else frozenset() for said in (1, 1, 0)]] * 3 + [[frozenset("a")] * 3]
    drawn = [any(pair) for captions in images for pair in combinations(captions, 2)]
    assert counted(images).silent_odds("a", 2) == pytest.approx(drawn.count(False) / drawn.count(True))


def test_the_table_that_ships_is_of_the_lexicon_that_ships() -> None:
    """It has to be counted again (recipes/absence-table) when the lexicon changes."""
    images, captions = shipped_mentions()
    assert len(images) == 5000
    assert {name for image in images for name in image} <= english().concepts.keys()
    assert {times for image in images for times in image.values()} == set(range(1, captions + 1))
