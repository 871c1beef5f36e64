import pytest

from omninegclip.captions import phrasing
from omninegclip.captions.lexicon import Noun
from omninegclip.captions.parse import parse
from omninegclip.captions.phrasing import fill, places

DOG, UMBRELLA, SKIS = Noun("dog", "dogs"), Noun("umbrella", "umbrellas"), Noun("skis", "skis")


def said(caption: str, noun: Noun = DOG, kind: str = "animal", many: bool = False) -> dict[str, list[str]]:
    tree = next(parse([caption]))
    return {
        place.name: [fill(tree, place, template, noun, many) for template in place.templates]
        for place in places(tree, noun, kind)
    }


@pytest.mark.parametrize(
    ("caption", "place", "expected"),
    [
        ("A man riding a horse.", "end", "A man riding a horse with no dog in sight."),
        ("A man riding a horse.", "start", "There is no dog in this picture of a man riding a horse."),
        ("Two men are riding .", "end", "Two men are riding and there is no dog nearby ."),
        ("Two men are riding .", "start", "There is no dog in this picture where two men are riding ."),
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
    assert "There are no skis in this picture of a man" in said("A man in snow", SKIS)["start"][0]


def test_there_are_twenty_phrasings_and_more_and_none_has_a_comma() -> None:
    groups = [value for value in vars(phrasing).values() if isinstance(value, tuple)]
    templates = {template for group in groups for template in group}
    assert len(templates) >= 20
    assert not any("," in template for template in templates)


def test_a_name_stays_at_the_start() -> None:
    assert "start" not in said("Paris at night in the rain")
