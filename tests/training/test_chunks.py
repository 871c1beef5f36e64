"""How much of a batch a GPU takes at a time, with a card made up of numbers."""

import pytest
import torch
from tiny_clip import tiny_encoder

from omninegclip.errors import OmniNegClipError
from omninegclip.training import chunks
from omninegclip.training.finetune import FineTuning, freeze
from omninegclip.training.methods.method import TrainingRecords
from omninegclip.training.preset import load_preset
from omninegclip.training.task import TrainingTask

WORDS = ["dog", "cat", "owl", "bus", "car", "cup", "egg", "fox", "pig", "hat", "bat", "cow"]
ROWS = [
    {
        "image_id": str(number),
        "caption": f"a {word}",
        "presence_negated": f"no {word}",
        "absence_negated": f"a {word} but no {WORDS[number - 1]}",
    }
    for number, word in enumerate(WORDS)
]


def fine_tuning(*changes: str) -> FineTuning:
    encoder = tiny_encoder()
    torch.manual_seed(0)
    records = TrainingRecords(ROWS, torch.nn.functional.normalize(torch.randn(12, encoder.dim), dim=-1))
    preset = load_preset("scenes-paper", ["steps=4", "warmup=2", "batch_size=8", *changes])
    freeze(encoder, preset)
    return FineTuning(encoder, records, preset, seed=0)


def test_auto_on_a_cpu_is_the_whole_batch() -> None:
    automatic, whole = fine_tuning("chunk_size=auto"), fine_tuning()
    assert [dict(step.scalars) for step in automatic.run()] == [dict(step.scalars) for step in whole.run()]
    mine, its = automatic.trained(), whole.trained()
    assert all(torch.equal(mine[name], weight) for name, weight in its.items())


@pytest.mark.parametrize(("free", "fits"), [(1000, 40), (999, 39), (25, 1), (1, 1), (-5, 1)])
def test_what_fits_is_the_free_memory_over_that_of_an_image(
    monkeypatch: pytest.MonkeyPatch, free: int, fits: int
) -> None:
    """A pass over the captions of four images takes 100 bytes; weights take what they take."""
    encoder = tiny_encoder()
    freeze(encoder, load_preset("scenes-paper"))
    trained = sum(weight.numel() for weight in encoder.model.parameters() if weight.requires_grad)
    frozen = sum(weight.numel() for weight in encoder.model.parameters() if not weight.requires_grad)
    held = 16 * trained + 4 * frozen
    monkeypatch.setattr(chunks, "_memory", lambda _: (held + free + 1e-3) / 0.8)
    monkeypatch.setattr(chunks, "_peak", lambda _, work: work() or 100)
    texts = encoder.lay_out([[[1, 2, 3], [1, 2, 4]]], 77)
    task = TrainingTask(encoder.model, load_preset("scenes-paper").minimised())
    assert chunks.chunk_that_fits(encoder.model, task.encode, texts) == fits
    assert all(weight.grad is None for weight in encoder.model.parameters())


@pytest.mark.parametrize(("fits", "said"), [(3, 3), (100, 4), (None, 1)])
def test_too_little_memory_is_said_with_a_chunk_size_that_would_fit(
    monkeypatch: pytest.MonkeyPatch, fits: int | None, said: int
) -> None:
    def full(*_: object) -> int:
        if fits is None:
            raise torch.cuda.OutOfMemoryError
        return fits

    def backward(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    tuning = fine_tuning()
    monkeypatch.setattr(FineTuning, "_chunk_that_fits", full)
    monkeypatch.setattr(FineTuning, "_backward", lambda _: backward)
    with pytest.raises(
        OmniNegClipError, match=f"memory for the captions of 8 images at a time: set chunk_size={said},"
    ):
        next(tuning.run())
    assert tuning.done == 0
