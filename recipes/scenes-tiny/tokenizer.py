"""A small byte-pair tokenizer in CLIP's format, trained on the picture world's sentences."""

from collections.abc import Iterable

from tokenizers import pre_tokenizers, trainers
from transformers import CLIPTokenizer

MERGES = 1600
CONTEXT_LENGTH = 77


def train_tokenizer(sentences: Iterable[str]) -> CLIPTokenizer:
    """Learn merges and lay the vocabulary out as CLIP does: bytes, word-final bytes, merges, specials."""
    draft = CLIPTokenizer().backend_tokenizer
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=2 * len(alphabet) + MERGES,
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    draft.train_from_iterator(sentences, trainer)
    merges = [tuple(pair) for pair in _merges(draft)]
    tokens = [*alphabet, *(letter + "</w>" for letter in alphabet), *("".join(pair) for pair in merges)]
    tokens = [*dict.fromkeys(tokens), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=CONTEXT_LENGTH)


def _merges(tokenizer: object) -> list[list[str]]:
    import json

    merges: list[list[str]] = json.loads(tokenizer.to_str())["model"]["merges"]  # type: ignore[attr-defined]
    return merges
