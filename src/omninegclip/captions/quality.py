"""The quality of the negated captions of a collection: counts, cues, duplicates, lengths, rejections."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from omninegclip.captions.lexicon import english
from omninegclip.captions.negate import PROVENANCE
from omninegclip.captions.negation_words import WRITTEN
from omninegclip.data.record import read_records
from omninegclip.data.sources import Row
from omninegclip.errors import OmniNegClipError
from omninegclip.files import JsonObject

WORDS = r"(?u)\b\w+\b"
WHOLE = r".+"
MARKS = r"[^\w\s]"
FOLDS = 5
MOST_PAIRS = 5000
SAMPLES = 10


@dataclass(frozen=True, slots=True)
class LabelledTexts:
    """Two lists of captions to be told apart; the groups keep texts of one caption in one fold."""

    first: Sequence[str]
    second: Sequence[str]
    groups: Sequence[int]


def report(rows: Sequence[Row], seed: int = 0) -> JsonObject:
    """Return the quality of rows as numbers and samples, ready for JSON.

    Cues are accuracies of a logistic regression in five folds, 0.5 where a bag of words or of punctuation
    marks tells nothing: of captions against their negations, and of the two kinds of negation against each
    other. `comma` is the share of negated captions whose commas are not their caption's. `nouns` says how
    many nouns are denied as absent, which share the 20 most frequent have, and how well the noun alone tells
    those true denials from false ones, of objects that a caption names.
    """
    return (
        {"captions": len({(row["image_id"], row["caption"]) for row in rows}), "rows": len(rows)}
        | {kind: _of_kind(rows, kind, seed) for kind in ("presence", "absence")}
        | {"presence against absence": _cues(_between_kinds(rows), seed), "nouns": _nouns(rows, seed)}
    )


def report_of(records: Path, seed: int = 0) -> JsonObject:
    """Return the quality of records that `omninegclip negate` wrote.

    Raises OmniNegClipError for records without its provenance.
    """
    rows = list(read_records(records))
    for row in rows:
        if any(not isinstance(row.get(column, 0), str | None) for column in PROVENANCE):
            raise OmniNegClipError(
                f"{records} has no provenance: a report needs records written by `omninegclip negate`."
            )
    return report(rows, seed)


def accuracy(texts: LabelledTexts, pattern: str, seed: int = 0) -> float:
    """Return how often a bag of `pattern`'s matches tells the first texts from the second, in five folds.

    NaN where there are too few texts, or no match, for a classifier.
    """
    if len(set(texts.groups)) < 2 * FOLDS or not any(
        re.search(pattern, t) for t in (*texts.first, *texts.second)
    ):
        return float("nan")
    model = make_pipeline(CountVectorizer(token_pattern=pattern), LogisticRegression(max_iter=300))
    both = [*texts.first, *texts.second]
    classes = np.array([0] * len(texts.first) + [1] * len(texts.second))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    scores = cross_val_score(model, both, classes, groups=[*texts.groups, *texts.groups], cv=folds)
    return float(scores.mean())


def _of_kind(rows: Sequence[Row], kind: str, seed: int) -> JsonObject:
    column = f"{kind}_negated"
    made = [row for row in rows if row[column] is not None]
    rules = Counter(_rule(row, kind) for row in made)
    reasons = Counter(row[f"{kind}_reason"] for row in rows if row[f"{kind}_reason"] is not None)
    captions = [row["caption"] for row in made]
    negated = [row[column] for row in made]
    pairs = _some(list(zip(captions, negated, strict=True)), seed)
    return {
        "made": len(made),
        "rejected share": sum(reasons.values()) / len(rows) if rows else 0.0,
        "rejected": dict(reasons.most_common()),
        "rules": dict(rules.most_common()),
        "duplicates": len(negated) - len(set(negated)),
        "words more": _mean([len(b.split()) - len(a.split()) for a, b in pairs]),
        "comma": _mean([a.count(",") != b.count(",") for a, b in pairs]),
        "cues": _cues(LabelledTexts([a for a, _ in pairs], [b for _, b in pairs], range(len(pairs))), seed),
        "samples": _samples(made, kind, seed),
    }


def _samples(made: Sequence[Row], kind: str, seed: int) -> dict[str, list[dict[str, str]]]:
    """Return up to ten negations of each rule or place."""
    found: dict[str, list[dict[str, str]]] = {}
    for index in np.random.default_rng(seed).permutation(len(made)):
        row = made[index]
        some = found.setdefault(_rule(row, kind), [])
        if len(some) < SAMPLES:
            some.append({"caption": row["caption"], "negated": row[f"{kind}_negated"]})
    return dict(sorted(found.items()))


def _nouns(rows: Sequence[Row], seed: int) -> JsonObject:
    true = [str(row["absence_object"]) for row in rows if row["absence_object"]]
    false = [_noun(row["presence_denied"]) for row in rows if row["presence_kind"] == "object"]
    count, order = min(len(true), len(false), MOST_PAIRS), np.random.default_rng(seed)
    some = [[names[at] for at in order.permutation(len(names))[:count]] for names in (true, false)]
    frequent = Counter(true).most_common(20)
    return {
        "distinct": len(set(true)),
        "share of the 20 most frequent": sum(n for _, n in frequent) / len(true) if true else math.nan,
        "noun alone": accuracy(LabelledTexts(some[0], some[1], range(count)), WHOLE, seed),
    }


def _noun(denied: str) -> str:
    """Return the concept that a denied phrase names, its last word where the lexicon knows none."""
    return min(english().mentions(denied).sure, default=denied.split()[-1].lower())


def _rule(row: Row, kind: str) -> str:
    return (
        f"{row['presence_kind']}: {row['presence_rule']}" if kind == "presence" else str(row["absence_place"])
    )


def _between_kinds(rows: Sequence[Row]) -> LabelledTexts:
    both = [row for row in rows if row["presence_negated"] and row["absence_negated"]][:MOST_PAIRS]
    return LabelledTexts(
        [r["presence_negated"] for r in both], [r["absence_negated"] for r in both], range(len(both))
    )


def _cues(texts: LabelledTexts, seed: int) -> dict[str, float]:
    bare = LabelledTexts(_without_negation(texts.first), _without_negation(texts.second), texts.groups)
    return {
        "words": accuracy(texts, WORDS, seed),
        "words but those of negation": accuracy(bare, WORDS, seed),
        "punctuation": accuracy(texts, MARKS, seed),
    }


def _without_negation(texts: Sequence[str]) -> list[str]:
    return [WRITTEN.sub(" ", text) for text in texts]


def _some(pairs: list[tuple[str, str]], seed: int) -> list[tuple[str, str]]:
    order = np.random.default_rng(seed).permutation(len(pairs))[:MOST_PAIRS]
    return [pairs[index] for index in order]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
