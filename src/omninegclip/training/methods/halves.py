"""The halves of sentences, for a text tower that learns to read: which word is of which half."""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from omninegclip.captions.english import plural
from omninegclip.clip.text.padding import WordPlaces
from omninegclip.data.sources import Row
from omninegclip.errors import OmniNegClipError
from omninegclip.files import atomic_folder
from omninegclip.objectives.features import WordFeatures
from omninegclip.reading.affirmed import without_frame
from omninegclip.reading.learned import (
    AFFIRMED,
    DENIALS,
    FILE,
    NEITHER,
    PARTS,
    ReadWords,
    read_words,
    save_reader,
)
from omninegclip.training.distributed import gather, share
from omninegclip.training.methods.contrast_sets import sentences_of
from omninegclip.training.methods.method import (
    BatchPlan,
    Method,
    Rows,
    Settings,
    Texts,
    Trained,
    TrainingRecords,
)
from omninegclip.training.methods.pairs import PAIRS

if TYPE_CHECKING:  # imports transformers
    from omninegclip.clip.encoder import ClipEncoder

_ARTICLES = frozenset(("a", "an", "the"))


class WordsBatch(NamedTuple):
    """One step's data: the sentences of this process's share of the images, a text for each of their words.

    `known` is of all processes; its `vectors` are empty.
    """

    texts: tuple[Texts, ...]
    known: WordFeatures

    def served(self, texts: Tensor, scale: Tensor) -> Mapping[str, object]:
        """Return what is known with what the tower says, given the features of this process's texts."""
        return {"words": self.known._replace(vectors=gather(texts), said=self.known.said.to(texts.device))}


class ReadSentence(NamedTuple):
    """A sentence as a tower reads it, and the part of each of its words."""

    read: ReadWords
    parts: Sequence[int]


class SentenceHalves(NamedTuple):
    """The sentences about n images whose halves are known: `of_image`, in the order of the images."""

    of_image: Sequence[Sequence[ReadSentence]]

    @property
    def sizes(self) -> list[int]:
        """How many images there are."""
        return [len(self.of_image)]

    def texts_per_step(self, batch_size: int) -> float:
        """Return the mean number of texts in a step, one for each word."""
        words = sum(len(each.parts) for sentences in self.of_image for each in sentences)
        return batch_size * words / len(self.of_image)

    def lay_out(self, encoder: "ClipEncoder", drawn: Sequence[NDArray[np.int64]]) -> Texts:
        """Return the sentences of the images drawn, to be read at their words."""
        return encoder.lay_out_words(self.places(drawn[0]))

    def places(self, images: NDArray[np.int64]) -> list[WordPlaces]:
        """Return the sentences of some images with the places of their words."""
        return [each.read.places for image in images.tolist() for each in self.of_image[image]]

    def batches(self, encoder: "ClipEncoder", plan: BatchPlan) -> Callable[[int], Iterator[WordsBatch]]:
        """Return what makes the batches from a step on."""
        return lambda first_step: word_batches(self, encoder, plan, first_step)


def make_halves(records: Rows, encoder: "ClipEncoder") -> SentenceHalves:
    """Read the column `contrast_set` of records: the sentences whose halves it says in their own words.

    Raises OmniNegClipError when there is none, and for a sentence that lacks a part.
    """
    said = [
        [each for each in sentences_of(record) if _is_known(each)]
        for record in records
        if record.get("contrast_set")
    ]
    texts = dict.fromkeys(text for sentences in said for each in sentences for text in _texts(each))
    words = dict(zip(texts, map(_words, texts, read_words(encoder, list(texts))), strict=True))
    of_image = [[known for each in sentences if (known := _read_sentence(each, words))] for sentences in said]
    of_image = [sentences for sentences in of_image if sentences]
    if not of_image:
        raise OmniNegClipError(
            "No record has a contrast_set that says what a sentence affirmed, in its own words, which a "
            "reader learns from: use records with that column, as `omninegclip scenes` and `negate --hard` "
            "write it."
        )
    return SentenceHalves(of_image)


def word_batches(
    sentences: SentenceHalves, encoder: "ClipEncoder", plan: BatchPlan, first_step: int = 0
) -> Iterator[WordsBatch]:
    """Yield batch after batch of the images that are sampled; each process gets the texts of its share.

    Args:
        sentences: of all images.
        encoder: lays out the texts.
        plan: which batches are made.
        first_step: number of the first.
    """
    for numbers in plan.samplers[0].batches(first_step):
        mine = share(numbers)
        read = sentences.places(mine)
        size = max(1, plan.chunk_size * len(read) // max(1, len(mine))) if plan.chunk_size else len(read)
        parts = [
            part for number in numbers.tolist() for each in sentences.of_image[number] for part in each.parts
        ]
        yield WordsBatch(
            texts=tuple(
                encoder.lay_out_words(read[start : start + size]) for start in range(0, len(read), size)
            ),
            known=WordFeatures(torch.empty(0), torch.tensor(parts), PARTS),
        )


def parts_of(
    words: Sequence[str], affirmed: Sequence[str], denied: Sequence[Sequence[str]]
) -> list[int] | None:
    """Return the part of each word of a sentence; None where the halves are not made of its words.

    What is denied may begin otherwise ("not on a beach" denies "a scene on a beach") and differ in its
    number ("no dogs" denies "a dog"); an article before it is its own. Where words stand in the sentence
    more than once, the longest run of what is affirmed decides.

    Args:
        words: of the sentence, in lower case.
        affirmed: those of what it affirms.
        denied: those of each thing that it denies, in the order of the parts.
    """
    for places in product(*(_places(words, phrase) for phrase in denied)):
        parts = [NEITHER] * len(words)
        for part, place in enumerate(places, start=1):
            for at in place:
                parts[at] = part
        if sum(map(len, places)) > sum(part != NEITHER for part in parts):
            continue  # two denials in one place
        left = [at for at, part in enumerate(parts) if part == NEITHER]
        matcher = SequenceMatcher(None, [words[at] for at in left], affirmed, autojunk=False)
        found = [left[block.a + i] for block in matcher.get_matching_blocks() for i in range(block.size)]
        if len(found) < len(affirmed):
            continue
        for at in found:
            parts[at] = AFFIRMED
        for place in places:
            if place[0] and parts[place[0] - 1] == NEITHER and words[place[0] - 1] in _ARTICLES:
                parts[place[0] - 1] = parts[place[0]]
        return parts
    return None


def _places(words: Sequence[str], phrase: Sequence[str]) -> list[range]:
    """Return where a sentence has the words of a phrase in a row, from the first that it has at all."""
    known = [word not in _ARTICLES and any(_alike(word, each) for each in words) for word in phrase]
    phrase = phrase[known.index(True) :] if any(known) else ()
    starts = range(len(words) - len(phrase) + 1) if phrase else ()
    return [
        range(start, start + len(phrase))
        for start in starts
        if all(_alike(words[start + at], word) for at, word in enumerate(phrase))
    ]


def _alike(one: str, other: str) -> bool:
    """Tell whether two words are one, or one is the plural of the other."""
    return one == other or plural(one) == other or plural(other) == one


def _read_sentence(said: Row, words: Mapping[str, tuple[ReadWords, list[str]] | None]) -> ReadSentence | None:
    sentence, affirmed, *denied = (words[text] for text in _texts(said))
    if sentence is None or affirmed is None or not all(denied):
        return None
    phrases = [each[1] for each in denied if each]
    parts = parts_of(sentence[1], affirmed[1], phrases)
    if parts is None and phrases and not without_frame(said["affirmed"]):
        parts = parts_of(sentence[1], (), phrases)  # "no dog" affirms a photo, and does not say so
    if parts is None:
        return None
    (tokens, at), spans = sentence[0]
    return ReadSentence(ReadWords(WordPlaces(array("i", tokens), array("i", at)), spans), array("b", parts))


def _is_known(said: Row) -> bool:
    return said["affirmed"] is not None and len(_denied(said)) <= DENIALS


def _denied(said: Row) -> list[str]:
    return list(said["denied"] or said["negates"])


def _texts(said: Row) -> list[str]:
    """Return a sentence, what it affirms, and what it denies."""
    return [said["text"], said["affirmed"], *_denied(said)]


def _words(text: str, read: ReadWords | None) -> tuple[ReadWords, list[str]] | None:
    return read and (read, [text[start:end].strip().lower() for start, end in read.spans])


def _read(records: TrainingRecords, encoder: "ClipEncoder", settings: Settings) -> SentenceHalves:
    return make_halves(records.rows, encoder)


def _save(folder: Path, trained: Trained) -> None:
    with atomic_folder(folder) as partial:
        save_reader(partial / FILE, trained.weights, trained.base, trained.base_fingerprint)
        (partial / "README.md").write_text(trained.card, "utf-8")


HALVES = Method(
    name="halves",
    serves=("words",),
    # a run validates on the captions of pairs, whatever it learns from
    columns=(*PAIRS.columns, "contrast_set"),
    read=_read,
    needs_images=False,
    library="omninegclip, as a reader",
    save=_save,
)
