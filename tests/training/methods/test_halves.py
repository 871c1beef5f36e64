"""From contrast sets to batches for a reader: a text and a target for every half."""

from typing import Any

import pytest
import torch
from drawn_rows import drawn
from tiny_clip import contrast, tiny_encoder

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.errors import OmniNegClipError
from omninegclip.reading.learned import DENIALS, with_slots
from omninegclip.reading.reading import ANYTHING
from omninegclip.training.methods.contrast_sets import CONCEPT
from omninegclip.training.methods.halves import HalvesBatch, make_halves
from omninegclip.training.methods.method import BatchPlan
from omninegclip.training.preset import load_preset
from omninegclip.training.task import TrainingTask

MORE = [
    ("no owl here", "a scene", ["owl"], ["an owl"], ["", "an owl"]),
    ("a bus, not on a beach", "a bus", [], ["on a beach"], ["a bus", "on a beach"]),
    ("a bus, no cat and no owl", "a bus", ["cat", "owl"], ["a cat", "an owl"], ["a bus", "a cat", "an owl"]),
    ("a scene", "a scene", [], [], ["a scene"]),
]
UNREAD = [
    {"text": "a dog that never barks", "negates": [], "affirmed": None},
    {"text": "a bus and four things not", "negates": ["cat", "owl", "dog", "cow"], "affirmed": "a bus"},
]


@pytest.fixture
def encoder() -> ClipEncoder:
    return tiny_encoder()


def records() -> list[dict[str, Any]]:
    both = {"affirms": [], "holds": True}
    more = [
        both | {"text": text, "affirmed": affirmed, "negates": negates, "denied": denied}
        for text, affirmed, negates, denied, _ in MORE
    ]
    return [
        {"image_id": "1", "contrast_set": contrast("dog", "cat", "owl")},
        {"image_id": "2", "contrast_set": None},
        {"image_id": "3", "contrast_set": [*more, *(both | each for each in UNREAD)]},
    ]


def batch_of(encoder: ClipEncoder, images: list[int], chunk_size: int | None = None) -> HalvesBatch:
    plan = BatchPlan([drawn(images)], 1, 0, {}, chunk_size)
    return next(make_halves(records(), encoder).batches(encoder, plan)(0))


def test_every_slot_has_the_embedding_of_its_half_or_nothing(encoder: ClipEncoder) -> None:
    known = batch_of(encoder, [1, 0]).known
    nothing = -encoder.embed_text([ANYTHING])[0]
    torch.testing.assert_close(known.nothing, torch.from_numpy(nothing))
    said = [halves for *_, halves in MORE]
    said += [
        [each["affirmed"], *(CONCEPT.format(name) for name in each["negates"])]
        for each in contrast("dog", "cat", "owl")
    ]
    assert known.targets.shape == (len(said), 1 + DENIALS, encoder.dim)
    for targets, halves in zip(known.targets, said, strict=True):
        padded = [*halves, *[""] * (1 + DENIALS - len(halves))]
        for target, half in zip(targets, padded, strict=True):
            expected = torch.from_numpy(encoder.embed_text([half])[0]) if half else known.nothing
            torch.testing.assert_close(target, expected, atol=1e-5, rtol=0)


def test_slots_are_the_sentence_with_further_ends_computed_once(encoder: ClipEncoder) -> None:
    batch = batch_of(encoder, [1])
    (texts,) = batch.texts
    features = encoder.family.encode(texts)
    said = [slot for text, *_ in MORE for slot in with_slots(encoder.tokenize([text])[0], 77)]
    torch.testing.assert_close(features, encoder.encode_texts(said), atol=1e-5, rtol=0)
    assert texts.tokens_packed < sum(map(len, said)) / 2
    halves = batch.served(features, torch.ones(()))["halves"]
    assert torch.equal(halves.vectors, features.reshape(len(MORE), 1 + DENIALS, -1))  # type: ignore[attr-defined]


def test_chunks_hold_whole_sentences_and_say_the_same(encoder: ClipEncoder) -> None:
    task = TrainingTask(encoder.model, load_preset("scenes-reader").minimised())
    whole, chunked = batch_of(encoder, [0, 1]), batch_of(encoder, [0, 1], 1)
    assert len(chunked.texts) > 1
    torch.testing.assert_close(task(whole)["loss"], task(chunked)["loss"])


def test_a_sentence_that_is_too_long_is_cut_and_still_has_all_ends() -> None:
    slots = with_slots([1, *range(10, 30), 2], 12)
    assert [slot[-1] for slot in slots] == [2] * (1 + DENIALS)
    assert [len(slot) for slot in slots] == list(range(12 - DENIALS, 13))
    assert with_slots([1, 5, 2], 12)[0] == [1, 5, 2]


def test_records_that_say_no_halves_are_refused(encoder: ClipEncoder) -> None:
    for row in (rows := records()):
        row["contrast_set"] = [each | {"affirmed": None} for each in row["contrast_set"] or ()]
    with pytest.raises(OmniNegClipError, match="No record has a contrast_set that says what"):
        make_halves(rows, encoder)
