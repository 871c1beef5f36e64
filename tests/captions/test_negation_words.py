import pytest

from omninegclip.captions.negation_words import cue


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A dog with No ball", "no"),
        ("a street free of cars", "free of"),
        ("it isn’t a cat", "n't"),
        ("a treeless hill without snow", "-less"),
        ("a notable knot, lessons and a nose", "none"),
    ],
)
def test_the_first_negation_word_is_the_cue(text, found):
    assert cue(text) == found
