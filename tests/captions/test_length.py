import pytest

from omninegclip.captions.length import CONTEXT, is_surely_truncated


@pytest.mark.parametrize("piece", ["dog ", "7", "dog's ", "! a ", "&amp; a "])
def test_a_text_is_surely_cut_when_its_words_and_marks_alone_fill_the_context(piece: str) -> None:
    tokens = {"dog ": 1, "7": 1}.get(piece, 2)
    fitting = (CONTEXT - 2) // tokens
    assert not is_surely_truncated(piece * fitting)
    assert is_surely_truncated(piece * (fitting + 1))
