from omninegclip.clip.io.load import load_clip
from omninegclip.clip.text.truncation import count_truncated, truncation_notice


def test_texts_that_a_model_does_not_read_to_their_end_are_counted():
    encoder = load_clip("scenes-small")
    length = encoder.context_length
    exact = next(
        text
        for words in range(1, length)
        if len(encoder.tokenizer(text := "cat " * words)["input_ids"]) >= length - 1
    )
    texts = ["a cat", exact, "cat " * 2 * length + "but no dog", "", "cat " * 3 * length]
    longer = sum(len(encoder.tokenizer(text)["input_ids"]) > length for text in texts)
    assert longer >= 2
    assert count_truncated(texts, encoder.tokenizer, length) == longer
    assert count_truncated([], encoder.tokenizer, length) == 0
    assert truncation_notice(texts, encoder.tokenizer, length) == (
        f"{longer} of 5 texts are longer than the {length} tokens that the model reads: the rest is cut, "
        "and a negation at the end with it."
    )
    assert truncation_notice(["a cat"], encoder.tokenizer, length) is None
