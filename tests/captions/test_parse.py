import sys

import pytest

from omninegclip.captions import parse as module
from omninegclip.captions.compose import agreeing, compose, lowered, without
from omninegclip.captions.parse import Parse, parse
from omninegclip.errors import OmniNegClipError


def one(caption: str) -> Parse:
    return next(parse([caption]))


def test_the_end_is_before_the_final_stop_and_spans_hold_what_hangs_on_a_word() -> None:
    tree = one("A dog sits on a red sofa .")
    assert tree.text(tree.end) == "."
    assert tree.text(*tree.span(tree.words.index("on"))) == "on a red sofa"
    assert tree.words[tree.root] == "sits"


@pytest.mark.parametrize("caption", ["A dog on a red sofa.", "A dog on a red sofa .", "a dog on a red sofa"])
def test_edits_keep_blanks_stops_and_capitals(caption: str) -> None:
    tree = one(caption)
    assert compose(tree) == caption
    assert compose(tree, (tree.end, tree.end, "today")) == caption.replace("sofa", "sofa today")
    assert compose(tree, (0, 1, "no")) == caption.replace("A dog", "No dog").replace("a dog", "no dog")


def test_words_can_be_left_out() -> None:
    tree = one("A dog next to a cat .")
    assert without(tree, 2, 6).text() == "A dog ."


@pytest.mark.parametrize(("caption", "first"), [("Two dogs run.", "two"), ("Paris is full of people.", None)])
def test_a_first_word_is_lowered_unless_it_may_be_a_name(caption: str, first: str | None) -> None:
    assert lowered(one(caption)) == first


def test_articles_agree_with_the_word_after_them() -> None:
    assert agreeing("A umbrella") == "An umbrella"
    assert agreeing("an dog on an island") == "a dog on an island"


def test_a_missing_model_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MODELS", ("no_such_model",))
    module.parser.cache_clear()
    with pytest.raises(OmniNegClipError, match="needs spaCy's English model"):
        module.parser()
    module.parser.cache_clear()


def test_missing_spacy_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    module.parser.cache_clear()
    with pytest.raises(OmniNegClipError, match=r"omninegclip\[negate\]"):
        module.parser()
    module.parser.cache_clear()
