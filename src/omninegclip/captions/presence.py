"""Presence-based negation: negate an object, an attribute, a relation or an action of the caption."""

import math
from collections import defaultdict
from collections.abc import Sequence
from random import Random

from omninegclip.captions.compose import NegatedCaption
from omninegclip.captions.negate_action import negate_action
from omninegclip.captions.negate_attribute import negate_attribute
from omninegclip.captions.negate_object import negate_object
from omninegclip.captions.negate_relation import negate_relation
from omninegclip.captions.parse import Parse
from omninegclip.captions.parse import parse as reparse
from omninegclip.captions.proofreading import misreadable, reread

# How often people deny in this way in captions, 1 where never: from the counts of recipes/negation-wording,
# and by estimate where one of the words that it counts serves several rules. "Does" and "but" are said less
# often here than by people, since hardly a plain caption has them: they tell a negated one.
SAID = {
    "with no": 66,
    "without": 42,
    "having no": 40,
    "not doing": 30,
    "is not": 14,
    "does not": 1,
    "not having": 6,
    "there is no": 5,
    "do not": 1,
    "no subject": 3,
    "but no": 2,
}


def presence_negations(parse: Parse, rng: Random) -> list[NegatedCaption]:
    """Return negations of what the caption asserts, none twice; none where no rule fits.

    Their order is drawn, the earlier the more often people deny something in that way.
    """
    by_rule: dict[str, list[NegatedCaption]] = defaultdict(list)
    for negation in all_negations(parse, rng):
        by_rule[negation.rule].append(negation)
    keys = [
        (math.log(rng.random()) * len(found) / SAID.get(rule, 1), negation)
        for rule, found in by_rule.items()
        for negation in found
    ]
    return [negation for _, negation in sorted(keys, key=lambda pair: pair[0], reverse=True)]


def all_negations(parse: Parse, rng: Random) -> list[NegatedCaption]:
    """Return every negation that the rules find, but those that would not say what they should."""
    found = [
        *negate_object(parse, rng),
        *negate_attribute(parse),
        *negate_relation(parse),
        *negate_action(parse),
    ]
    by_text = {negation.text: negation for negation in reversed(found)}  # two rules may say the same
    return [negation for negation in reversed(by_text.values()) if misreadable(parse, negation) is None]


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
