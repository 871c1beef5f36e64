"""Baselines that never see the image: where one of them does well, a benchmark measures its own wording.

Each rule takes the options of every item, n lists of k texts, and returns their scores [n, k], the highest
being its answer; `metrics.choice` turns these into credits.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Options = Sequence[Sequence[str]]
Rule = Callable[[Options], NDArray[np.float64]]

_NEGATION = re.compile(
    r"\b(?:no|not|none|nothing|nobody|never|neither|nor|without|cannot|minus|except|excluding|lacks?|lacking"
    r"|missing|absent|absence|devoid|free of)\b|n['’]t\b|\w+less\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;:.]|\b(?:but|while|whereas|though|although|however|yet)\b", re.IGNORECASE)
# "no car", "without a car": only what follows is denied; "a car is not there": the whole clause.
_DENIES_WHAT_FOLLOWS = re.compile(r"\b(?:no|without|nor|minus|except|excluding)\b", re.IGNORECASE)
_TEMPLATE_WORDS = """
a an and any are as at be been being can contain contains containing depict depicted depicts
depicting display displayed displays displaying do does doesn't don't either feature featured
features featuring find found has have here image in include included includes including is
isn't it its of on only or photo picture present scene seen show showing shown shows sight some
that the there these this to visible with
"""


def constant(options: Options) -> NDArray[np.float64]:
    """Score every option the same: what a scorer that learned nothing gets when ties are counted fairly."""
    return _score(options, lambda _: 0.0)


def shortest(options: Options) -> NDArray[np.float64]:
    """Prefer the option with the fewest characters."""
    return _score(options, lambda text: -len(text))


def longest(options: Options) -> NDArray[np.float64]:
    """Prefer the option with the most characters."""
    return _score(options, len)


def no_comma(options: Options) -> NDArray[np.float64]:
    """Prefer options without a comma: CC-Neg's protocol strips commas from the negated caption alone."""
    return _score(options, lambda text: -("," in text))


def comma(options: Options) -> NDArray[np.float64]:
    """Prefer options with a comma, the same cue the other way round."""
    return _score(options, lambda text: "," in text)


def fewest_negations(options: Options) -> NDArray[np.float64]:
    """Prefer the option with the fewest negation words."""
    return _score(options, lambda text: -len(_NEGATION.findall(text)))


def contradiction(options: Options) -> NDArray[np.float64]:
    """Prefer the option that contradicts most of the others.

    Wrong options made by inverting the right one all contradict it, and seldom each other. Two options
    contradict when one affirms a word that the other denies.
    """
    return np.array([_contradicted(item) for item in options], dtype=np.float64)


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (constant, shortest, longest, comma, no_comma, fewest_negations, contradiction)
}


def _score(options: Options, value: Callable[[str], float]) -> NDArray[np.float64]:
    return np.array([[value(text) for text in item] for item in options], dtype=np.float64)


def _contradicted(item: Sequence[str]) -> list[int]:
    claims = [_claims(text) for text in item]
    return [
        sum(bool(yes & other_no or no & other_yes) for other_yes, other_no in claims) for yes, no in claims
    ]


def _claims(text: str) -> tuple[set[str], set[str]]:
    """Return the words that a text affirms and those that it denies."""
    affirmed: set[str] = set()
    denied: set[str] = set()
    for clause in _CLAUSE.split(text):
        if cut := _DENIES_WHAT_FOLLOWS.search(clause):
            affirmed |= _content(clause[: cut.start()])
            denied |= _content(clause[cut.end() :])
        elif _NEGATION.search(clause):
            denied |= _content(clause)
        else:
            affirmed |= _content(clause)
    return affirmed, denied


def _content(clause: str) -> set[str]:
    words = re.findall(r"[a-z][a-z'’-]*", _NEGATION.sub(" ", clause).lower())
    return set(words) - set(_TEMPLATE_WORDS.split())
