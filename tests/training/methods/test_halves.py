"""From contrast sets to batches for a reader: a text for every word, and the half that it is of."""

from typing import Any

import pytest
import torch
from drawn_rows import drawn
from tiny_clip import contrast, tiny_encoder

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.errors import OmniNegClipError
from omninegclip.reading.learned import PARTS, LearnedReader, TaggedWords, read_words, reading_of
from omninegclip.training.methods.halves import WordsBatch, make_halves, parts_of
from omninegclip.training.methods.method import BatchPlan
from omninegclip.training.preset import load_preset
from omninegclip.training.task import TrainingTask

# A sentence, its halves, and the part of each word.
SAID = [
    ("an owl, with no cat", "a bike", ["a cat"], None),  # what it affirms is not in its words
    ("a bus, not on a beach", "a bus", ["a scene on a beach"], "0044111"),
    ("a bus, no cats and no owl", "a bus", ["a cat", "an owl"], "00441442"),
    ("without the cherries: a bus", "a bus", ["some cherries"], "411400"),
    ("the dresses and a cat are missing from a bus", "a bus", ["a dress", "a cat"], "1142244400"),
    ("a cat beside a bus without a cat", "a cat beside a bus", ["a cat"], "00000411"),
    ("a scene", "a scene", [], "00"),
    ("a bus without a bus stop", "a bus", ["a bus stop"], "004111"),
    ("a car, no cat", "a car", ["a cab"], None),  # another word
    ("a man on a beach, no bear, just a beach", "a man on a beach", ["a bear"], "000004414444"),
    ("a carrot, no car", "a carrot", ["a car"], "00441"),
    ("a bus, no plate, no planes", "a bus", ["a plane", "a plate"], "00442441"),
    ("a bus, no cat", "a bus", ["a cat", "a cat"], None),  # two denials of one word
]


def lower(text: str) -> list[str]:
    return text.lower().replace(",", " ,").replace(":", " :").split()


@pytest.mark.parametrize(("sentence", "affirmed", "denied", "parts"), SAID)
def test_the_words_of_the_halves_are_found_in_the_sentence(
    sentence: str, affirmed: str, denied: list[str], parts: str | None
) -> None:
    found = parts_of(lower(sentence), lower(affirmed), [lower(each) for each in denied])
    assert found == (parts and [int(part) for part in parts])


BARE = [("no owl here", "a scene", ["an owl"], "414"), ("without a cat", "a photo", ["a cat"], "411")]


@pytest.fixture
def encoder() -> ClipEncoder:
    return tiny_encoder()


def row(text: str, affirmed: str | None, denied: list[str]) -> dict[str, Any]:
    names = [each.rpartition(" ")[2] for each in denied]
    return {
        "text": text, "affirmed": affirmed, "affirms": [], "holds": True, "negates": names, "denied": denied,
    }  # fmt: skip


def records() -> list[dict[str, Any]]:
    unread = [row("a dog that never barks", None, []), row("a bus, 4 not", "a bus", ["cat"] * 4)]
    return [
        {"image_id": "1", "contrast_set": contrast("dog", "cat", "owl")},
        {"image_id": "2", "contrast_set": None},
        {"image_id": "3", "contrast_set": [*(row(*each[:3]) for each in [*SAID, *BARE]), *unread]},
    ]


def batch_of(encoder: ClipEncoder, images: list[int], chunk_size: int | None = None) -> WordsBatch:
    plan = BatchPlan([drawn(images)], 1, 0, {}, chunk_size)
    return next(make_halves(records(), encoder).batches(encoder, plan)(0))


def test_every_word_is_a_text_computed_once(encoder: ClipEncoder) -> None:
    batch = batch_of(encoder, [1])
    (texts,) = batch.texts
    known = [(text, parts) for text, _, _, parts in [*SAID, *BARE] if parts]
    read = [each for each in read_words(encoder, [text for text, _ in known]) if each]
    beginnings = [each.places.tokens[: at + 1] for each in read for at in each.places.at]
    features = encoder.family.encode(texts)
    torch.testing.assert_close(features, encoder.encode_texts(beginnings), atol=1e-5, rtol=0)
    assert texts.tokens_packed < 2 * sum(len(each.places.tokens) for each in read)
    words = batch.served(features, torch.ones(()))["words"]
    assert torch.equal(words.vectors, features)  # type: ignore[attr-defined]
    assert words.said.tolist() == [int(part) for _, parts in known for part in parts]  # type: ignore[attr-defined]
    assert words.parts == PARTS  # type: ignore[attr-defined]


def test_chunks_hold_whole_sentences_and_say_the_same(encoder: ClipEncoder) -> None:
    task = TrainingTask(encoder.model, load_preset("scenes-reader").minimised())
    whole, chunked = batch_of(encoder, [0, 1]), batch_of(encoder, [0, 1], 1)
    assert len(chunked.texts) > 1
    torch.testing.assert_close(task(whole)["loss"], task(chunked)["loss"])


def test_a_tower_that_learned_sentences_reads_them(encoder: ClipEncoder) -> None:
    """All of its parts together: what is learned from the parts of words comes back as the halves."""
    task = TrainingTask(encoder.model, load_preset("scenes-reader").minimised())
    batch = batch_of(encoder, [1])
    optimizer = torch.optim.Adam(encoder.model.text_model.parameters(), 3e-3)
    before = tiny_encoder()
    for _ in range(150):
        optimizer.zero_grad()
        parts = task(batch)
        parts["loss"].backward()
        optimizer.step()
    assert parts["right"] == 1
    trained = {f"text_model.{name}": each for name, each in encoder.model.text_model.named_parameters()}
    trained["text_projection.weight"] = encoder.model.text_projection.weight
    reader = LearnedReader(before, trained)
    for text, _, _, said in [*SAID, *BARE]:
        if said and "1" in said:
            (read,) = read_words(encoder, [text])
            assert read
            sure = torch.eye(PARTS)[[int(part) for part in said]].numpy()
            assert reader.read([text]) == [reading_of(text, TaggedWords(read.spans, sure))]


def test_records_that_say_no_halves_are_refused(encoder: ClipEncoder) -> None:
    for each in (rows := records()):
        each["contrast_set"] = [said | {"affirmed": None} for said in each["contrast_set"] or ()]
    with pytest.raises(OmniNegClipError, match="No record has a contrast_set that says what"):
        make_halves(rows, encoder)
