from random import Random

import pytest

from omninegclip.captions import phrasing
from omninegclip.captions.lexicon import Noun
from omninegclip.captions.parse import parse
from omninegclip.captions.phrasing import fill, insert_absence, places

DOG, UMBRELLA, SKIS = Noun("dog", "dogs"), Noun("umbrella", "umbrellas"), Noun("skis", "skis")


def said(caption: str, noun: Noun = DOG, kind: str = "animal", many: bool = False) -> dict[str, list[str]]:
    tree = next(parse([caption]))
    return {
        place.name: [fill(tree, place, wording, noun, many) for wording in place.wordings]
        for place in places(tree, noun, kind)
    }


@pytest.mark.parametrize(
    ("caption", "place", "expected"),
    [
        ("A man riding a horse.", "end", "A man riding a horse with no dog in sight."),
        ("A man in a kitchen.", "end", "A man in a kitchen with no dog."),
        ("Two men are riding .", "end", "Two men are riding and there is no dog nearby ."),
        ("Two men are riding .", "subject", "Two men with no dog nearby are riding ."),
        ("A man is standing in a kitchen.", "room", "A man is standing in a kitchen without a dog."),
        (
            "A man rides by while a boy watches.",
            "clause",
            "A man rides by with no dog in sight while a boy watches.",
        ),
        ("A room with a bed and a chair", "list", "A room with a bed and a chair but no dog"),
    ],
)
def test_absence_is_said_at_natural_places(caption: str, place: str, expected: str) -> None:
    assert expected in said(caption)[place]


def test_people_go_without_what_can_be_carried() -> None:
    assert "A woman who has no umbrella is walking." in said("A woman is walking.", UMBRELLA)["person"]
    assert "person" not in said("A woman is walking.", Noun("train", "trains"))


def test_small_things_are_missed_on_tables() -> None:
    cup = Noun("cup", "cups")
    assert (
        "A cat sitting on a table with no cup on it"
        in said("A cat sitting on a table", cup, "tableware")["surface"]
    )
    assert "surface" not in said("A cat sitting on a table")


def test_plurals_agree() -> None:
    assert "Two men are riding and no dogs are visible" in said("Two men are riding", many=True)["end"]
    assert "Two men are riding and there are no skis nearby" in said("Two men are riding", SKIS)["end"]


def test_there_are_forty_wordings_and_none_has_a_comma() -> None:
    places = [value for value in vars(phrasing).values() if isinstance(value, dict)]
    wordings = {
        wording for place in places for wording in place if isinstance(wording, str) and "noun}" in wording
    }
    assert len(wordings) >= 40
    assert not any("," in wording for wording in wordings)


def test_wordings_are_drawn_as_often_as_people_say_them() -> None:
    tree = next(parse(["A cat in a kitchen"]))
    texts = [insert_absence(tree, DOG, "animal", Random(seed))[1] for seed in range(400)]
    plain = sum(text in {f"A cat in a kitchen with no {dog}" for dog in ("dog", "dogs")} for text in texts)
    rare = sum("to be seen" in text for text in texts)
    assert plain > 10 * max(rare, 1)


def test_what_a_thing_is_not_part_of_does_not_lack_it() -> None:
    assert "A man on a horse with no dog" not in said("A man on a horse")["end"]
