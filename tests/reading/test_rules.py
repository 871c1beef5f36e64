"""Sentences of our own, in the styles of the benchmarks, with their halves."""

import re
from random import Random

import pytest

from omninegclip.reading.reading import ELSE, Reading
from omninegclip.reading.rules import read_by_rules

READ = [
    line.split(" | ")
    for line in """
a street without cars | a street | cars
a street without any cars or people | a street | cars | people
There is no dog in the image. |  | a dog
This image features a knife, but no car is present. | This image features a knife. | a car
A bench is present in this image, but there is no bird. | A bench is present in this image. | a bird
This image does not feature an umbrella. |  | an umbrella
The photo shows a cup and does not show a fork | The photo shows a cup | a fork
a man who does not have a bag rides a bike | a man rides a bike | a bag
a child not wearing a coat | a child | a coat
a child who isn’t wearing a coat | a child | a coat
the woman is not holding an umbrella | the woman | an umbrella
a dog that is not running | a dog | a dog running
a dog not running | a dog | a dog running
a car that is not red | a car | a red car
a boat not covered by a tarp | a boat | a boat covered by a tarp
a horse, not on a beach | a horse | on a beach
a cat that is not on the sofa | a cat | a cat on the sofa
a kitchen with neither a stove nor a sink | a kitchen | a stove | a sink
a table with no plates, cups or forks | a table | plates | cups | forks
a boy with no hat and a red kite | a boy with a red kite | a hat
a lane free of traffic | a lane | traffic
a hill devoid of trees | a hill | trees
a bike lacking a seat | a bike | a seat
a room that lacks a window | a room | a window
a pizza with a slice missing | a pizza | a slice
a pizza missing a slice | a pizza | a slice
a park where the swings are nowhere to be seen | a park | swings
a cloudless sky | a sky | clouds
An armless chair | A chair | arms
a car-free street | a street | a car
a chair with no one sitting on it | a chair | a person sitting
a bench in the absence of people | a bench | people
a plate of fruit instead of cake | a plate of fruit | a cake
a lamp, and the shade is absent | a lamp | a shade
a shelf without any sign of books | a shelf | books
a bag not without a strap | a bag with a strap
a man whose face is not visible | a man | a face
I don't see a ladder |  | a ladder
beach -people -"red car" | beach | people | a red car
This image doesn't feature a table, but it does include a chair. | it does include a chair. | a table
There is a dog. There is no cat. | There is a dog. | a cat
while a car is visible, there are no buses here | a car is visible | buses
a lidless pot | a pot | a lid
nobody on the pier | the pier | a person
nothing but sand | sand | something else
""".strip("\n").split("\n")
]
UNCHANGED = """
a dog runs along a beach
a no smoking sign on a wall
a sign that says no dogs
player No. 5 kicks the ball
a boy who is not only tall but also fast
a homeless man with a stainless steel cup
a wireless mouse and a cordless phone
a careless driver in a spotless car
a royalty-free stock photo of a cow
a non-stop flight over a lake
a knot in a rope
children who can't wait for lunch
a kind smile, without doubt
a man no longer young
a do not disturb sign on a door
a cat that can't be missed
a small hill, not very high
a dog not far from a river
free hugs in the park
a trash can besides a bench
an old tree standing alone in a field
a rider with no hands on the bars
""".strip().split("\n")


@pytest.mark.parametrize(
    ("sentence", "affirmed", "negated"), [(row[0], row[1], tuple(row[2:])) for row in READ]
)
def test_halves(sentence: str, affirmed: str, negated: tuple[str, ...]) -> None:
    assert read_by_rules(sentence) == Reading(affirmed.strip(), negated)


@pytest.mark.parametrize("sentence", UNCHANGED)
def test_what_only_looks_like_a_denial_is_unchanged(sentence: str) -> None:
    assert read_by_rules(sentence) == Reading(sentence)


@pytest.mark.parametrize("sentence", ["a scene", "a photo", "an image", "a picture of something"])
def test_a_bare_image_affirms_nothing(sentence: str) -> None:
    assert read_by_rules(sentence) == Reading("")


def test_all_else_has_a_name() -> None:
    assert read_by_rules("only a dog") == Reading("a dog", (ELSE,))


def test_any_text_is_read() -> None:
    random = Random(0)
    pieces = re.split(
        " ",
        "no not n't without -less -free a dog is missing , . -x neither nor and whose that but ’ é 🐕 0",
    )
    for _ in range(5000):
        text = random.choice(("", " ")).join(random.choices(pieces, k=random.randint(0, 9)))
        assert isinstance(read_by_rules(text), Reading)
