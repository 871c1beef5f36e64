"""What a search asks for: the sentence as it was read, and the options that correct it."""

import pytest

from omninegclip.index.question import Unwanted, read_question
from omninegclip.reading.registry import make_reader


@pytest.mark.parametrize(
    ("query", "without", "image", "understood"),
    [
        ("a street without cars", (), "", "a street, NOT cars"),
        ("a beach -people", ("a red car:0.5",), "", "a beach, NOT people, NOT a red car (weight 0.5)"),
        ("a street without cars", ("cars:2",), "", "a street, NOT cars (weight 2)"),
        ("no cars", (), "", "anything, NOT cars"),
        ("", ("12:30",), "a.jpg", "like a.jpg, NOT 12 (weight 30)"),
        ("a photo", (), "", "a photo"),
        ("nothing but a dog", (), "", "a dog"),
        ("a street", (), "a.jpg", "a street and like a.jpg"),
    ],
)
def test_understood(query: str, without: tuple[str, ...], image: str, understood: str) -> None:
    if "30" in understood:
        with pytest.raises(Exception, match="weight of --without"):
            read_question(query, without, image, make_reader("rules"))
        return
    assert read_question(query, without, image, make_reader("rules")).understood == understood


def test_a_sentence_can_be_taken_as_it_is() -> None:
    asked = read_question("a street without cars", ("cars",), "", make_reader("none"))
    assert asked.affirmed == "a street without cars"
    assert asked.unwanted == (Unwanted("cars"),)
