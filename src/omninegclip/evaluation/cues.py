"""The words that negate: what breakdowns by cue and text-only rules look for."""

import re

CUE = re.compile(
    r"\b(no|not|none|nothing|nobody|never|neither|nor|without|cannot|minus|except|excluding|lacks?|lacking"
    r"|missing|absent|absence|devoid|free of)\b|(n['’]t)\b|\w+(less)\b",
    re.IGNORECASE,
)


def cue(text: str) -> str:
    """Return the first negation word of a text, `n't` and `-less` for the endings, or `none`."""
    found = CUE.search(text)
    if found is None:
        return "none"
    if found[1]:
        return found[1].lower()
    return "n't" if found[2] else "-less"
