"""Baselines that never see the image: where one of them does well, a benchmark measures its own wording.

Each rule takes the options of every item, n lists of k texts, and returns their scores [n, k], the highest
being its answer and -inf standing where an item has fewer than k; `metrics.choice` turns these into credits.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from omninegclip.captions.negation_words import CUE, DENIES_WHAT_FOLLOWS
from omninegclip.evaluation.metrics import choice

Options = Sequence[Sequence[str]]
BlindRule = Callable[[Options], NDArray[np.float64]]

_CLAUSE = re.compile(r"[,;:.]|\b(?:but|while|whereas|though|although|however|yet)\b", re.IGNORECASE)
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
    return _score(options, lambda text: -sum(1 for _ in CUE.finditer(text)))


def contradiction(options: Options) -> NDArray[np.float64]:
    """Prefer the option that contradicts most of the others.

    Wrong options made by inverting the right one all contradict it, and seldom each other. Two options
    contradict when one affirms a word that the other denies.
    """
    return _padded([_contradicted(item) for item in options])


RULES: dict[str, BlindRule] = {
    rule.__name__: rule
    for rule in (constant, shortest, longest, comma, no_comma, fewest_negations, contradiction)
}


def best_rule(options: Options, answers: NDArray[np.integer]) -> tuple[str, float]:
    """Return the rule that earns most, and its mean credit; `answers` [n] number the right options."""
    scored = {name: float(choice(rule(options), answers).mean()) for name, rule in RULES.items()}
    best = max(scored, key=lambda name: scored[name])
    return best, scored[best]


def _score(options: Options, value: Callable[[str], float]) -> NDArray[np.float64]:
    return _padded([[value(text) for text in item] for item in options])


def _padded(scores: list[list[float]]) -> NDArray[np.float64]:
    padded = np.full((len(scores), max(map(len, scores), default=0)), -np.inf)
    for row, values in enumerate(scores):
        padded[row, : len(values)] = values
    return padded


def _contradicted(item: Sequence[str]) -> list[float]:
    claims = [_claims(text) for text in item]
    return [
        float(sum(bool(yes & other_no or no & other_yes) for other_yes, other_no in claims))
        for yes, no in claims
    ]


def _claims(text: str) -> tuple[set[str], set[str]]:
    """Return the words that a text affirms and those that it denies."""
    affirmed: set[str] = set()
    denied: set[str] = set()
    for clause in _CLAUSE.split(text):
        if cut := DENIES_WHAT_FOLLOWS.search(clause):
            affirmed |= _content(clause[: cut.start()])
            denied |= _content(clause[cut.end() :])
        elif CUE.search(clause):
            denied |= _content(clause)
        else:
            affirmed |= _content(clause)
    return affirmed, denied


def _content(clause: str) -> set[str]:
    words = re.findall(r"[a-z][a-z'’-]*", CUE.sub(" ", clause).lower())
    return set(words) - set(_TEMPLATE_WORDS.split())
