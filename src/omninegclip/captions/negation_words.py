"""The words that negate, for all that looks for them: screening, quality, breakdowns and text-only rules."""

import re

_BOTH = (
    "no|not|none|nothing|nobody|never|neither|nor|without|cannot|lacks?|lacking|missing|absent|absence|except"
)
# What a reader takes for a negation; a caption with any of these is not negated again.
NEGATED = re.compile(
    rf"\b(?:{_BOTH}|non|nowhere|hardly|barely|un\w+ed|devoid|void of|bare of|empty of|free (?:of|from)"
    r"|(?:cloud|leaf|tree|shoe|hat|helmet|rider|driver|hair|tooth|head|arm|handle)less)\b|n['’]t\b",
    re.IGNORECASE,
)
# What a breakdown by cue tells apart: words, and the endings n't and -less.
CUE = re.compile(
    rf"\b({_BOTH}|minus|excluding|devoid|free of)\b|(n['’]t)\b|\w+(less)\b",
    re.IGNORECASE,
)
# "no car", "without a car": only what follows is denied; "a car is not there": the whole clause.
DENIES_WHAT_FOLLOWS = re.compile(r"\b(?:no|without|nor|minus|except|excluding)\b", re.IGNORECASE)
# The words of the phrasings that `negate` writes.
WRITTEN = re.compile(
    r"\b(?:no|not|without|single|sign|(?:anywhere )?in (?:sight|view)|sight|visible|seen|nearby|around)\b",
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
