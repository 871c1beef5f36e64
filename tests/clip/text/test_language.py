"""Texts in a script that the tokenizer has no words of are said once; others never."""

import pytest
from transformers import CLIPTokenizer

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.text import language
from omninegclip.clip.text.language import is_foreign


@pytest.mark.parametrize("text", ["кот на траве", "猫の写真", "고양이", "قطة", "γάτα", "no кошка"])
def test_a_script_that_is_spelt_by_bytes_is_foreign(text: str, tokenizer: CLIPTokenizer) -> None:
    assert is_foreign(text, tokenizer)


@pytest.mark.parametrize(
    "text", ["", "a cat", "naïve café", "ein Hund ohne Leine, Straße", "cat 🐱🐱", "3 π", "кот a cat"]
)
def test_latin_letters_are_not_judged(text: str, tokenizer: CLIPTokenizer) -> None:
    assert not is_foreign(text, tokenizer)


def test_a_tokenizer_that_has_words_of_the_script_knows_it() -> None:
    words = "кот на траве"
    assert not is_foreign(words, lambda text, **_: {"input_ids": text.split()})  # type: ignore[arg-type]


def test_it_is_said_once(
    encoder: ClipEncoder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(language, "_said", [])
    encoder.embed_text(["a cat"])
    assert capsys.readouterr().err == ""
    encoder.embed_text(["a cat", "кот на траве"])
    assert "has no words in the script of 'кот на траве'" in " ".join(capsys.readouterr().err.split())
    encoder.embed_text(["собака"])
    assert capsys.readouterr().err == ""
