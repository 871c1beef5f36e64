import math
from itertools import product
from random import Random

import pytest

from omninegclip.captions.cooccurrence import FEWEST_TOGETHER, Cooccurrence


def collection(seed: int = 0) -> list[list[frozenset[str]]]:
    rng = Random(seed)
    return [
        [frozenset(rng.sample("abcdef", rng.randint(0, 4))) for _ in range(rng.randint(1, 4))]
        for _ in range(80)
    ]


def counted(images: list[list[frozenset[str]]]) -> Cooccurrence:
    seen = Cooccurrence()
    for captions in images:
        seen.add(captions)
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
