"""A warning for texts in a script that the text tower never learned: their embeddings are meaningless."""

import unicodedata
from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from omninegclip.progress import console

FEWEST = 2  # letters of a text that is judged
IDEOGRAPHIC = ("CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC")
_said: list[str] = []


def is_foreign(text: str, tokenizer: PreTrainedTokenizerBase) -> bool:
    """Tell whether most letters of a text are of another script than Latin, and are spelt one by one.

    A tokenizer made from the language has pieces of several letters for it: a multilingual one takes 3 tokens
    for 10 Russian letters, OpenAI's takes 11. In Chinese and Japanese a letter is a word, and one token for
    each is as it should be. Latin letters are not judged: too many languages share them.
    """
    if text.isascii():
        return False
    names = [unicodedata.name(letter, "") for letter in text if letter.isalpha()]
    if len(names) < FEWEST or 2 * sum(not name.startswith("LATIN") for name in names) <= len(names):
        return False
    tokens = len(tokenizer(text, add_special_tokens=False)["input_ids"])
    ideographic = 2 * sum(name.startswith(IDEOGRAPHIC) for name in names) > len(names)
    return tokens > len(names) if ideographic else tokens >= len(names)


def warn_foreign(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> None:
    """Warn on standard error, once per process, that a text is in a script that the model does not know."""
    if _said:
        return
    for text in texts:
        if is_foreign(text, tokenizer):
            _said.append(text)
            console.print(
                f"This model's tokenizer has no words in the script of {text[:60]!r} and spells it letter by "
                "letter: its embeddings of such texts mean little. Use a language it was trained on.",
            )
            return
