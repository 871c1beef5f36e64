from random import Random

import pytest

from omninegclip.captions import phrasing
from omninegclip.captions.lexicon import Noun
from omninegclip.captions.parse import parse
from omninegclip.captions.phrasing import fill, insert_absence, is_closed, places

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
        ("A man in a park.", "end", "A man in a park with no dog."),
        ("Two men are riding .", "end", "Two men are riding and there is no dog nearby ."),
        ("Two buses are waiting .", "subject", "Two buses with no dog nearby are waiting ."),
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
    rain = "A woman is walking in the rain."
    assert "A woman who has no umbrella is walking in the rain." in said(rain, UMBRELLA)["person"]
    assert "person" not in said("A woman is walking.", UMBRELLA)
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


def test_only_what_a_thing_could_have_is_missed_of_it() -> None:
    """A pizza goes without salad, a street without cars; dogs and beer are merely not nearby."""
    pizza, street = "A man eating a pizza", "A man crossing a street"
    assert f"{pizza} with no salad" in said(pizza, Noun("salad", "salads"), "food")["end"]
    assert f"{pizza} with no beer" not in said(pizza, Noun("beer", "beer", countable=False), "food")["end"]
    assert f"{street} with no cars" in said(street, Noun("car", "cars"), "vehicle", many=True)["end"]
    assert not any(text.endswith((" dog", " dogs")) for text in said(street)["end"])


def test_no_word_of_place_is_said_twice() -> None:
    assert not any(text.endswith("nearby") for text in said("A man running with a tree near by him")["end"])
    ends = said("A man on a horse holding a flag nearby")["end"]
    assert not any(text.endswith("nearby") for text in ends)


def test_food_is_not_around_and_of_some_things_there_is_one() -> None:
    soup, piano = Noun("soup", "soup", countable=False), Noun("piano", "pianos")
    assert not any("around" in text for text in said("A man eating a sandwich", soup, "food")["end"])
    tree = next(parse(["A cat in a living room"]))
    assert not any("pianos" in insert_absence(tree, piano, "household", Random(s))[1] for s in range(100))


def test_a_denial_behind_with_is_no_second_with() -> None:
    """A man with a hat has no dog in sight; a hat without a dog is no hat of anyone."""
    ends = said("A man riding a bicycle with a hat")["end"]
    assert "A man riding a bicycle with a hat and no dog in sight" in ends
    assert not any("without" in text or text.count("with ") > 1 for text in ends)


def test_animals_that_are_missed_of_a_place_are_several() -> None:
    tree = next(parse(["Two girls in a park"]))
    texts = {insert_absence(tree, DOG, "animal", Random(seed))[1] for seed in range(100)}
    assert "Two girls in a park without dogs" in texts
    assert "Two girls in a park without a dog" not in texts


def test_behind_a_relative_clause_nothing_is_denied() -> None:
    closed, open_ = parse(["A sofa by a TV that is on.", "A dog that is brown sits on a sofa."])
    assert is_closed(closed)
    assert not is_closed(open_)


def test_an_animal_that_is_missed_does_nothing() -> None:
    assert "room" not in said("A brown horse in a field gazing around")
    assert "room" in said("A brown horse in a field")
