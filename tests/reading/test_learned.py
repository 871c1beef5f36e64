"""A reader that is a text tower: its words become halves, it belongs to one model, and files go wrong."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_clip import tiny_encoder
from tiny_dual import TINY

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.errors import OmniNegClipError
from omninegclip.reading.learned import (
    AFFIRMED,
    FILE,
    NEITHER,
    PARTS,
    LearnedReader,
    TaggedWords,
    load_reader,
    read_words,
    reading_of,
    save_reader,
)
from omninegclip.reading.reading import Reading
from omninegclip.reading.rules import read_by_rules

TEXTS = ["a dog", "a dog but no cat", "no owl, no bus", "a dog"]


@pytest.fixture
def encoder() -> ClipEncoder:
    return tiny_encoder()


def tuned(encoder: ClipEncoder) -> dict[str, torch.Tensor]:
    """Return other weights for the first block."""
    torch.manual_seed(1)
    return {
        name: weight + 0.3 * torch.randn_like(weight)
        for name, weight in encoder.model.named_parameters()
        if name.startswith("text_model.encoder.layers.0.")
    }


def told(sentence: str, parts: Sequence[int]) -> TaggedWords:
    """Return what a tower says that is sure of the part of each word, the words being told by blanks."""
    spans, start = [], 0
    for word in sentence.split(" "):
        spans.append((start, start + len(word)))
        start += len(word) + 1
    return TaggedWords(spans, np.eye(PARTS, dtype=np.float32)[list(parts)])


@pytest.mark.parametrize(
    ("sentence", "parts", "affirmed", "negated"),
    [
        ("A dog and no cat", "00441", "A dog", ("a cat",)),
        ("A dog and no cats", "00441", "A dog", ("cats",)),
        ("the owl is missing on a Street", "1144000", "a Street", ("an owl",)),
        ("a dog, not on a beach.", "004111", "a dog", ("on a beach",)),
        ("a dog not chasing birds, here", "004114", "a dog", ("chasing birds",)),
        ("a dog not running", "0041", "a dog", ("running",)),
        ("a dog without a ball.", "00411", "a dog", ("a ball",)),
        ("a dog without a cat", "00414", "a dog without a cat", ()),  # "a" alone is no thing
        ("no owl and no old bus on a bike", "414422000", "a bike", ("an owl", "an old bus")),
        ("no owl here", "414", "", ("an owl",)),
        ("a photo without owls", "0041", "", ("owls",)),  # what is left only says that there is an image
        ("no owl and no owl", "41442", "", ("an owl",)),  # said twice, denied once
        ("a dog", "00", "a dog", ()),
        ("a photo", "00", "", ()),  # as the rules have it
        ("no dog", "40", "no dog", ()),  # nothing is denied: as it stands
    ],
)
def test_words_of_a_part_are_a_half_as_they_stand(
    sentence: str, parts: str, affirmed: str, negated: tuple[str, ...]
) -> None:
    found = reading_of(sentence, told(sentence, [int(part) for part in parts]))
    assert (found.affirmed, found.negated) == (affirmed, negated)


def test_every_word_is_read_where_all_of_the_sentence_is_known(encoder: ClipEncoder) -> None:
    sentence = "Without owls, unbelievably: a DOG"
    (read,) = read_words(encoder, [sentence])
    assert read
    once = encoder.tokenize([sentence])[0]
    assert read.places.tokens == [*once, *once[1:-1]]
    words = [sentence[start:end] for start, end in read.spans]
    assert words == ["Without", "owls", ",", "unbelievably", ":", "a", "DOG"]
    for at, (_, end) in zip(read.places.at, read.spans, strict=True):
        again = encoder.tokenize([sentence[:end]])[0][1:-1]
        assert read.places.tokens[: at + 1] == [*once, *again]  # up to the last token of the word


@pytest.mark.parametrize("family", sorted(TINY))
def test_a_tower_that_is_not_causal_reads_a_sentence_once(family: str) -> None:
    other = TINY[family]()
    sentences = ["a dog, but no cat", "no owl", "two dogs without a bus on a bike"]
    read = [each for each in read_words(other, sentences) if each]
    for sentence, each in zip(sentences, read, strict=True):
        assert each.places.tokens == other.tokenize([sentence])[0]
        assert [sentence[start:end] for start, end in each.spans] == sentence.replace(",", " ,").split()
    together = other.embed_words([each.places for each in read])
    alone = np.concatenate([other.embed_words([each.places]) for each in read])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert len(together) == sum(len(each.spans) for each in read)
    # what stands behind a word counts: "no" of the first sentence has other vectors with another end
    (ends,) = (each for each in read_words(other, ["a dog, but no bus"]) if each)
    changed = other.embed_words([ends.places])
    assert (np.abs(changed - together[: len(changed)]).max(axis=1) > 1e-4).all()
    assert len(LearnedReader(other, {}).read(sentences)) == 3


def test_what_cannot_be_read_twice_is_read_by_rules(
    encoder: ClipEncoder, capsys: pytest.CaptureFixture[str]
) -> None:
    sentences = ["no" + " no" * count for count in range(80)]
    fits = [2 * (len(encoder.tokenize([each])[0]) - 2) + 2 <= 77 for each in sentences]
    assert 10 < sum(fits) < 40
    assert [each is not None for each in read_words(encoder, sentences)] == fits
    assert read_words(encoder, [""]) == [None]
    reader = LearnedReader(encoder, {})
    long = "a dog in a yard without a cat" + " and a very long tail" * 20
    assert reader.read(["", long]) == [Reading(""), read_by_rules(long)]
    assert read_by_rules(long).negated
    assert "1 of 1 sentences are too long" in capsys.readouterr().err


def test_a_sentence_that_spells_the_end_ends_there(encoder: ClipEncoder) -> None:
    end = encoder.tokenizer.eos_token
    (read,) = read_words(encoder, [f"a dog {end} no cat"])
    assert read
    assert len(read.spans) == 2


def test_words_are_told_by_the_tuned_tower_with_the_sentence_before_them(encoder: ClipEncoder) -> None:
    weights = tuned(encoder)
    found = LearnedReader(encoder, weights).tag(TEXTS)
    other = tiny_encoder()
    other.model.load_state_dict(weights, strict=False)
    for text, said in zip(TEXTS, found, strict=True):
        (read,) = read_words(encoder, [text])
        assert said
        assert read
        assert said.spans == read.spans
        for at, likely in zip(read.places.at, said.parts, strict=True):
            vector = torch.from_numpy(other.embed_tokens([read.places.tokens[: at + 1]])[0])
            expected = torch.softmax(20 * vector[:PARTS], dim=0)
            np.testing.assert_allclose(likely, expected, atol=1e-5)
    again = tiny_encoder()
    assert np.array_equal(encoder.embed_text(TEXTS), again.embed_text(TEXTS))  # the model is what it was


class Sure(LearnedReader):
    """Says of every word but the first two that it is denied."""

    def tag(self, sentences: Sequence[str]) -> list[TaggedWords | None]:
        assert sentences == ["a dog but no cat", "no owl, no bus"]  # each once, and none without a cue
        return [told(text, [AFFIRMED, AFFIRMED, NEITHER, *[1] * (text.count(" ") - 2)]) for text in sentences]


def test_only_sentences_that_may_deny_are_asked_for_and_others_stay(encoder: ClipEncoder) -> None:
    assert Sure(encoder, {}).read([*TEXTS, "a dog but no cat"]) == [
        Reading("a dog"),
        Reading("a dog", ("a no cat",)),
        Reading("no owl", ("a bus",)),
        Reading("a dog"),
        Reading("a dog", ("a no cat",)),
    ]


def test_what_is_saved_reads_the_same_for_its_model_alone(encoder: ClipEncoder, tmp_path: Path) -> None:
    weights = tuned(encoder)
    save_reader(tmp_path / FILE, weights, "tiny", encoder.fingerprint)
    expected = LearnedReader(encoder, weights).tag(TEXTS)
    for path in (tmp_path, tmp_path / FILE):
        for found, said in zip(load_reader(path, encoder).tag(TEXTS), expected, strict=True):
            assert found
            assert said
            assert np.array_equal(found.parts, said.parts)
    with pytest.raises(OmniNegClipError, match="was made for another model, tiny: train one for this model"):
        load_reader(tmp_path, tiny_encoder(seed=4))
    strange = {"text_model.nowhere": torch.ones(1)}
    save_reader(tmp_path / FILE, strange, "tiny", encoder.fingerprint)
    with pytest.raises(OmniNegClipError, match=r"has a text_model\.nowhere that does not fit"):
        load_reader(tmp_path, encoder)


def test_a_flipped_bit_of_the_weights_is_damage(encoder: ClipEncoder, tmp_path: Path) -> None:
    save_reader(tmp_path / FILE, tuned(encoder), "tiny", encoder.fingerprint)
    raw = (tmp_path / FILE).read_bytes()
    first = 8 + int.from_bytes(raw[:8], "little")
    for at in (first, (first + len(raw)) // 2, len(raw) - 1):
        (tmp_path / FILE).write_bytes(raw[:at] + bytes([raw[at] ^ 0x40]) + raw[at + 1 :])
        with pytest.raises(OmniNegClipError, match=r"reader\.safetensors is damaged"):
            load_reader(tmp_path, encoder)


def test_a_file_that_is_no_reader_is_named(encoder: ClipEncoder, tmp_path: Path) -> None:
    with pytest.raises(
        OmniNegClipError, match=r"reader\.safetensors does not exist: .*--preset scenes-reader"
    ):
        load_reader(tmp_path, encoder)
    (tmp_path / FILE).write_bytes(b"text")
    with pytest.raises(OmniNegClipError, match=r"reader\.safetensors is not a reader"):
        load_reader(tmp_path, encoder)
    from safetensors.torch import save_file

    save_file({"a": torch.ones(1)}, tmp_path / FILE)
    with pytest.raises(OmniNegClipError, match="does not say for which model"):
        load_reader(tmp_path, encoder)
    save_file({"a": torch.ones(1)}, tmp_path / FILE, {"base": "tiny", "base_fingerprint": "0"})
    with pytest.raises(
        OmniNegClipError, match="trained by an earlier version, to say vectors: train it again"
    ):
        load_reader(tmp_path, encoder)
    save_reader(tmp_path / FILE, {}, "tiny", "0")
    with pytest.raises(OmniNegClipError, match="this model has none"):
        load_reader(tmp_path, object())  # type: ignore[arg-type]
