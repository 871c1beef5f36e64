"""Presence-based negation: deny an object, an attribute, a relation or an action that the caption asserts."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import zip_longest
from random import Random

from omninegclip.captions.negate_action import deny_action
from omninegclip.captions.negate_attribute import deny_attribute
from omninegclip.captions.negate_object import deny_object
from omninegclip.captions.negate_relation import deny_relation
from omninegclip.captions.negated import Denial
from omninegclip.captions.parse import Parse


def deny(parse: Parse, rng: Random) -> Iterator[Denial]:
    """Yield denials of what the caption asserts, none twice; none where no rule fits.

    Kinds take turns in a random order, and so do the rules of a kind, so that none drowns the others.
    """
    by_kind: dict[str, dict[str, list[Denial]]] = defaultdict(lambda: defaultdict(list))
    for denial in denials(parse, rng):
        by_kind[denial.kind][denial.rule].append(denial)
    kinds = [_in_turn([_shuffled(each, rng) for each in rules.values()], rng) for rules in by_kind.values()]
    yield from _in_turn(kinds, rng)


def _in_turn(groups: list[list[Denial]], rng: Random) -> list[Denial]:
    rng.shuffle(groups)
    return [denial for turn in zip_longest(*groups) for denial in turn if denial]


def _shuffled(denials: list[Denial], rng: Random) -> list[Denial]:
    return rng.sample(denials, len(denials))


def denials(parse: Parse, rng: Random) -> list[Denial]:
    """Return every denial that the rules find."""
    return [*deny_object(parse, rng), *deny_attribute(parse), *deny_relation(parse), *deny_action(parse)]
