"""Presence-based negation: negate an object, an attribute, a relation or an action of the caption."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import zip_longest
from random import Random

from omninegclip.captions.compose import NegatedCaption
from omninegclip.captions.negate_action import negate_action
from omninegclip.captions.negate_attribute import negate_attribute
from omninegclip.captions.negate_object import negate_object
from omninegclip.captions.negate_relation import negate_relation
from omninegclip.captions.parse import Parse
from omninegclip.captions.parse import parse as reparse
from omninegclip.captions.proofreading import misreadable, reread


def presence_negations(parse: Parse, rng: Random) -> list[NegatedCaption]:
    """Return negations of what the caption asserts, none twice; none where no rule fits.

    Kinds take turns in a random order, and so do the rules of a kind, so that none drowns the others.
    """
    by_kind: dict[str, dict[str, list[NegatedCaption]]] = defaultdict(lambda: defaultdict(list))
    for negation in all_negations(parse, rng):
        by_kind[negation.kind][negation.rule].append(negation)
    kinds = [_in_turn([_shuffled(each, rng) for each in rules.values()], rng) for rules in by_kind.values()]
    return _in_turn(kinds, rng)


def _in_turn(groups: list[list[NegatedCaption]], rng: Random) -> list[NegatedCaption]:
    rng.shuffle(groups)
    return [negation for turn in zip_longest(*groups) for negation in turn if negation]


def _shuffled(negations: list[NegatedCaption], rng: Random) -> list[NegatedCaption]:
    return rng.sample(negations, len(negations))


def all_negations(parse: Parse, rng: Random) -> list[NegatedCaption]:
    """Return every negation that the rules find, but those that would not say what they should."""
    found = [
        *negate_object(parse, rng),
        *negate_attribute(parse),
        *negate_relation(parse),
        *negate_action(parse),
    ]
    return [negation for negation in found if misreadable(parse, negation) is None]


def proofread(
    drafts: Sequence[tuple[Parse, Sequence[NegatedCaption]]], many: int
) -> list[list[NegatedCaption]]:
    """Return the first `many` negations of each caption that read right when they are parsed again."""
    kept: list[list[NegatedCaption]] = [[] for _ in drafts]
    at = [0] * len(drafts)
    while True:
        open_ = [n for n, (_, found) in enumerate(drafts) if len(kept[n]) < many and at[n] < len(found)]
        if not open_:
            return kept
        for n, again in zip(open_, reparse(drafts[n][1][at[n]].text for n in open_), strict=True):
            tree, found = drafts[n]
            if reread(tree, again) is None:
                kept[n].append(found[at[n]])
            at[n] += 1
