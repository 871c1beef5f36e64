import torch

from omninegclip.clip.text.causal import pad_behind_ends


def test_texts_are_as_they_were_up_to_their_ends_and_the_batch_is_as_long_as_the_longest() -> None:
    texts = [[1, 7, 2], [1, 5, 6, 8, 2], [1, 2]]
    padded, ends = pad_behind_ends(texts)
    assert padded.shape == (3, 5)
    assert ends.tolist() == [2, 4, 1]
    for row, end, text in zip(padded, ends, texts, strict=True):
        assert row[: end + 1].tolist() == text


def test_texts_that_are_tensors_are_padded_alike() -> None:
    texts = [[1, 7, 2], [1, 5, 6, 8, 2]]
    padded, ends = pad_behind_ends([torch.tensor(text) for text in texts])
    assert torch.equal(padded, pad_behind_ends(texts)[0])
    assert torch.equal(ends, pad_behind_ends(texts)[1])
