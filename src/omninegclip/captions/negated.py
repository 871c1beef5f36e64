"""One denied caption: what was denied, by which rule, and how it reads."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NegatedCaption:
    """A caption that denies something it asserted: `kind` is object, attribute, relation or action."""

    kind: str
    rule: str
    denied: str
    text: str
