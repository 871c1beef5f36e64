import pytest

from omninegclip.captions.english import article, base_form, gerund, plural


@pytest.mark.parametrize(
    ("word", "expected"),
    [("dog", "a"), ("umbrella", "an"), ("uniform", "a"), ("hour", "an"), ("one", "a"), ("ox", "an")],
)
def test_the_article_follows_the_sound(word: str, expected: str) -> None:
    assert article(word) == expected


@pytest.mark.parametrize(
    ("noun", "expected"),
    [
        ("dog", "dogs"),
        ("bus", "buses"),
        ("fire truck", "fire trucks"),
        ("toothbrush", "toothbrushes"),
        ("baby", "babies"),
        ("toy", "toys"),
        ("wine glass", "wine glasses"),
        ("knife", "knives"),
        ("police officer", "police officers"),
    ],
)
def test_the_plural_is_that_of_the_last_word(noun: str, expected: str) -> None:
    assert plural(noun) == expected


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        ("rides", "ride"),
        ("watches", "watch"),
        ("carries", "carry"),
        ("has", "have"),
        ("goes", "go"),
        ("uses", "use"),
        ("passes", "pass"),
        ("lies", "lie"),
        ("dances", "dance"),
        ("buzzes", "buzz"),
    ],
)
def test_the_base_form_undoes_the_third_person(verb: str, expected: str) -> None:
    assert base_form(verb) == expected


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        ("ride", "riding"),
        ("sit", "sitting"),
        ("lie", "lying"),
        ("look", "looking"),
        ("eat", "eating"),
        ("see", "seeing"),
        ("play", "playing"),
        ("watch", "watching"),
        ("open", "opening"),
        ("row", "rowing"),
        ("carry", "carrying"),
        ("swim", "swimming"),
        ("be", "being"),
        ("flee", "fleeing"),
        ("squat", "squatting"),
    ],
)
def test_the_form_in_ing(verb: str, expected: str) -> None:
    assert gerund(verb) == expected
