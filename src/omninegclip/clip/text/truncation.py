"""Texts that a model does not read to their end: the part that is cut may hold the negation."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

_TEXTS = 1024  # tokenized at a time


def count_truncated(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, context_length: int) -> int:
    """Return how many of the texts have more than `context_length` tokens, begin and end included."""
    count = 0
    for start in range(0, len(texts), _TEXTS):
        part = list(texts[start : start + _TEXTS])
        ids = tokenizer(part, truncation=False, padding=False, verbose=False)["input_ids"]
        count += sum(len(row) > context_length for row in ids)
    return count


def truncation_notice(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, context_length: int
) -> str | None:
    """Return a sentence that says how many of the texts are cut, or None when all are read to their end."""
    count = count_truncated(texts, tokenizer, context_length)
    if not count:
        return None
    return (
        f"{count:,} of {len(texts):,} texts are longer than the {context_length} tokens that the model reads"
        ": the rest is cut, and a negation at the end with it."
    )
