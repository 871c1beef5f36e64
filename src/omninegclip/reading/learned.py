"""The reader that is CLIP's own text tower: it says which word of a sentence is of which half.

A copy of the tower with other front layers tells of each word whether it is of what is affirmed, of the
first, second or third thing denied, or of none. The words of each half are then texts to embed. A causal
tower, as CLIP's is, knows at a word only what stands before it, and "the dog is missing" denies a word that
it has passed: so it reads the sentence, its end, and the sentence again.
"""

import copy
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from omninegclip.clip.fingerprint import fingerprint as hash_weights
from omninegclip.clip.text.padding import WordPlaces
from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_file
from omninegclip.objectives.reader import part_logits
from omninegclip.progress import console
from omninegclip.reading.affirmed import tidy, without_frame
from omninegclip.reading.cues import cue_words
from omninegclip.reading.noun_phrases import indefinite
from omninegclip.reading.reading import Reading
from omninegclip.reading.rules import read_by_rules
from omninegclip.reading.tokens import tag_of

if TYPE_CHECKING:  # imports transformers
    from omninegclip.clip.encoder import ClipEncoder, Encoder

FILE = "reader.safetensors"
DENIALS = 3  # that a sentence can have
AFFIRMED, NEITHER = 0, 1 + DENIALS  # parts of a sentence; those between are what it denies
PARTS = 2 + DENIALS
_MARKS = " ,;:.!?()\"'–—-"
SAYS = "the part of each word"  # what a file's weights were trained to say


class ReadWords(NamedTuple):
    """A sentence as a tower reads it.

    Attributes:
        places: the tokens that the tower is given, and where among them it knows a word with its sentence.
        spans: [W] where the words are in the sentence.
    """

    places: WordPlaces
    spans: Sequence[tuple[int, int]]


class TaggedWords(NamedTuple):
    """The words of a sentence, as a tower tags them.

    Attributes:
        spans: [W] where they are in it.
        parts: [W, PARTS] how likely each is of each part.
    """

    spans: Sequence[tuple[int, int]]
    parts: NDArray[np.float32]


def read_words(encoder: "ClipEncoder", sentences: Sequence[str]) -> list[ReadWords | None]:
    """Return sentences as a model's text tower reads them, None for one that is empty or too long for that.

    A causal tower is given the sentence, its end, and its words once more.
    """
    if not sentences:
        return []
    causal, longest = encoder.family.causal, encoder.context_length
    end = encoder.tokenizer.eos_token_id if causal else None
    found = encoder.tokenizer(
        list(sentences), truncation=True, max_length=longest + 1, padding=False, return_offsets_mapping=True
    )
    read: list[ReadWords | None] = []
    for sentence, ids, offsets in zip(sentences, found["input_ids"], found["offset_mapping"], strict=True):
        stop = ids.index(end, 1) if causal else len(ids)  # a sentence may spell the token itself
        words = _words_of(sentence, offsets[:stop])
        tokens, again = list(ids[: stop + 1]), 0
        if causal and words:
            begins = words[0].tokens.start
            again = len(tokens) - begins
            tokens += ids[begins:stop]
        if not words or len(tokens) > longest:
            read.append(None)
            continue
        at = [again + word.tokens[-1] for word in words]
        read.append(ReadWords(WordPlaces(tokens, at), [word.span for word in words]))
    return read


class _Word(NamedTuple):
    """A word of a sentence: its tokens, and where it is."""

    tokens: range
    span: tuple[int, int]


def _words_of(sentence: str, offsets: Sequence[tuple[int, int]]) -> list[_Word]:
    """Return the words of a sentence by the spans of its tokens: what no blank and no mark divides."""
    words: list[_Word] = []
    for token, (start, end) in enumerate(offsets):
        text = sentence[start:end]
        start += len(text) - len(text.lstrip())  # some tokenizers count the blank before a word
        if start >= end or (words and words[-1].span[1] >= end):  # some marks are several tokens
            continue
        before = words[-1] if words and words[-1].span[1] == start else None
        if before and sentence[start - 1 : start + 1].isalnum():
            words[-1] = _Word(range(before.tokens.start, token + 1), (before.span[0], end))
        else:
            words.append(_Word(range(token, token + 1), (start, end)))
    return words


class LearnedReader:
    """A copy of a model's text tower with other weights, which reads."""

    def __init__(self, encoder: "ClipEncoder", weights: Mapping[str, Tensor]) -> None:
        """Hold a model, and share with it all but the tensors of these names.

        Raises OmniNegClipError for a model that has no such tensors.
        """
        own = dict(encoder.model.named_parameters())
        for name, tensor in weights.items():
            if name not in own or own[name].shape != tensor.shape:
                raise OmniNegClipError(f"The reader has a {name} that does not fit into the model.")
        shared = {id(tensor): tensor for name, tensor in own.items() if name not in weights}
        model = copy.deepcopy(encoder.model, shared)
        with torch.no_grad():
            for name, tensor in weights.items():
                model.get_parameter(name).copy_(tensor)
        self._tower = copy.copy(encoder)
        self._tower.model = model

    def tag(self, sentences: Sequence[str]) -> list[TaggedWords | None]:
        """Return the words of each sentence with their parts; None where the tower can't read it."""
        read = read_words(self._tower, sentences)
        vectors = self._tower.embed_words([each.places for each in read if each])
        likely = part_logits(torch.from_numpy(vectors), PARTS).softmax(dim=1).numpy()
        bounds = np.cumsum([0, *(len(each.spans) if each else 0 for each in read)])
        return [
            TaggedWords(each.spans, likely[bounds[row] : bounds[row + 1]]) if each else None
            for row, each in enumerate(read)
        ]

    def read(self, sentences: Sequence[str]) -> list[Reading]:
        """Return the reading of each sentence, in their order.

        One without any word that can deny stands as it is, and one that is too long is read by the rules.
        """
        asked = [text for text in dict.fromkeys(sentences) if cue_words(text)]
        tagged = dict(zip(asked, self.tag(asked), strict=True))
        if long := sum(words is None for words in tagged.values()):
            console.print(
                f"{long:,} of {len(asked):,} sentences are too long for this reader: read by rules."
            )
        read = {
            text: reading_of(text, words) if words else read_by_rules(text) for text, words in tagged.items()
        }
        return [read.get(text) or Reading(without_frame(text)) for text in sentences]


def reading_of(sentence: str, words: TaggedWords) -> Reading:
    """Return the reading of a sentence from its words: the sentence itself where they deny nothing."""
    parts = words.parts.argmax(axis=1)
    denied = (_said(sentence, words.spans, parts, part) for part in range(1, NEITHER))
    named = tuple(dict.fromkeys(text for text in map(_named, denied) if text))
    if not named:
        return Reading(without_frame(sentence))
    return Reading(tidy(_said(sentence, words.spans, parts, AFFIRMED)), named)


def _named(text: str) -> str:
    """Return what is denied as a text to embed: a thing has an article, which no place and no deed has."""
    text = text.strip(_MARKS)
    if not text:
        return ""
    first = tag_of(text.partition(" ")[0].lower())
    if first in "PD" and " " not in text:
        return ""
    return text if first in "PVG" else indefinite(text)


def _said(sentence: str, spans: Sequence[tuple[int, int]], parts: NDArray[np.int64], part: int) -> str:
    """Return the words of a part, as they stand in the sentence where they follow each other."""
    runs = [list(run) for of, run in groupby(range(len(spans)), parts.__getitem__) if of == part]
    return " ".join(sentence[spans[run[0]][0] : spans[run[-1]][1]] for run in runs)


def save_reader(path: Path, weights: Mapping[str, Tensor], base: str, fingerprint: str) -> None:
    """Write the weights of a reader to the file `path`, whole or not at all.

    Args:
        path: of the file.
        weights: the tensors in which it differs from its base, by their names there.
        base: the name of the model that it reads for.
        fingerprint: of that model.

    Raises:
        OmniNegClipError: the file can't be written.
    """
    whole = {name: weight.detach().to("cpu", torch.float32).contiguous() for name, weight in weights.items()}
    with atomic_file(path) as partial:
        facts = {
            "says": SAYS,
            "base": base,
            "base_fingerprint": fingerprint,
            "fingerprint": hash_weights(whole, ()),
        }
        save_file(whole, partial, facts)


def reader_file(path: Path) -> Path:
    """Return the file of a reader, given as that or as the folder that holds it."""
    return path / FILE if path.is_dir() else path


def load_reader(path: Path, encoder: "Encoder") -> LearnedReader:
    """Read a reader, given as its file or the folder that holds it.

    Raises OmniNegClipError for a file that is missing or damaged, or when it was made for another model.
    """
    from omninegclip.clip.encoder import ClipEncoder
    from omninegclip.clip.parity import in_fp32

    file = reader_file(path)
    try:
        with safe_open(file, framework="pt") as stored:
            facts = stored.metadata() or {}
            weights = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise OmniNegClipError(
            f"{file} does not exist: `omninegclip train --preset scenes-reader` makes a reader."
        ) from error
    except (SafetensorError, OSError) as error:
        raise OmniNegClipError(f"{file} is not a reader: {error}.") from error
    if "base_fingerprint" not in facts:
        raise OmniNegClipError(f"{file} is not a reader: it does not say for which model.")
    if facts.get("says") != SAYS:
        raise OmniNegClipError(f"{file} was trained by an earlier version, to say vectors: train it again.")
    if facts.get("fingerprint") != hash_weights(weights, ()):
        raise OmniNegClipError(f"{file} is damaged: its weights are not what was written; train it again.")
    if not isinstance(encoder, ClipEncoder):
        raise OmniNegClipError(f"{file} reads with a text tower, and this model has none.")
    if facts["base_fingerprint"] != in_fp32(encoder).fingerprint:
        raise OmniNegClipError(
            f"{file} was made for another model, {facts.get('base')}: train one for this model with "
            "`omninegclip train`, the model being its --model."
        )
    return LearnedReader(encoder, weights)
