"""What a search asks for: the sentence as it was read, and the options that correct it."""

import pytest

from omninegclip.errors import OmniNegClipError
from omninegclip.index.question import Unwanted, read_question
from omninegclip.reading.registry import make_reader


@pytest.mark.parametrize(
    ("query", "without", "image", "understood"),
    [
        ("a street without cars", (), "", "a street, NOT cars"),
        ("a beach -people", ("a red car:0.5",), "", "a beach, NOT people, NOT a red car (weight 0.5)"),
        ('dog -"soccer ball" -kite', (), "", "dog, NOT a soccer ball, NOT a kite"),
        ("dog -'soccer ball' -kite", (), "", "dog, NOT a soccer ball, NOT a kite"),
        ("a street without cars", ("cars:2",), "", "a street, NOT cars (weight 2)"),
        ("no cars", (), "", "anything, NOT cars"),
        ("a photo", (), "", "a photo"),
        ("nothing but a dog", (), "", "a dog, NOT something else"),
        ("only a dog on a beach", ("cars",), "", "a dog on a beach, NOT cars, NOT something else"),
        ("not only a dog", (), "", "a dog and something else"),
        ("a dog and something else", (), "", "a dog and something else"),
        ("a street", (), "a.jpg", "a street and like a.jpg"),
    ],
)
def test_understood(query: str, without: tuple[str, ...], image: str, understood: str) -> None:
    assert read_question(query, without, image, make_reader("rules")).understood == understood


def test_a_sentence_can_be_taken_as_it_is() -> None:
    asked = read_question("a street without cars", ("cars",), "", make_reader("none"))
    assert asked.affirmed == "a street without cars"
    assert asked.unwanted == (Unwanted("cars"),)


@pytest.mark.parametrize(
    "without", ["ball:-1", "ball:nan", "ball:inf", "ball:1e9", "ball:0", "ball:", ":1", "12:30"]
)
def test_what_ends_like_a_weight_and_is_none_is_refused(without: str) -> None:
    with pytest.raises(OmniNegClipError, match="write TEXT or TEXT:WEIGHT"):
        read_question("a dog", (without,), "", make_reader("rules"))


def test_a_colon_without_a_number_is_text() -> None:
    asked = read_question("a dog", ("sign: keep out",), "", make_reader("rules"))
    assert asked.unwanted == (Unwanted("sign: keep out"),)
