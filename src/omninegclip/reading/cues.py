"""The cues of denial, as tables of expressions: which words begin or end one, and how far each reaches."""

import re
from collections.abc import Callable

from omninegclip.reading.compounds import compound
from omninegclip.reading.denial import Denial
from omninegclip.reading.not_scopes import denied_by_not
from omninegclip.reading.scopes import following, preceding
from omninegclip.reading.tokens import Tokens

Scope = Callable[[Tokens, int, int], Denial | None]

# A sentence without any of these denies nothing.
_ANY = re.compile(
    r"\b(?:no|not|non|none|nothing|nobody|never|neither|nor|nowhere|without|cannot|zero|sans|minus|only|alone"
    r"|lack|lacks|lacking|lacked|missing|absent|absence|except|excepting|excluding|excluded|devoid|bereft|free"
    r"|instead|apart|aside|other\sthan|rather\sthan|anywhere\sbut|any\snumber\sbut|void|empty\sof|stripped"
    r"|(?:is|are|was|were|do|does|did|has|would)nt)\b"
    r"|n['’]\s?t\b|(?<=\w)-?(?:less|free)\b|(?:^|\s)-[A-Za-z\"“]",
    re.IGNORECASE,
)

# Which words make a cue, and which scope it has; the first that fits at a place counts.
_CUES: tuple[tuple[str, str, Scope], ...] = (
    (
        "following",
        r"without|sans|minus(?=\s(?:any|the|an?|its|his|her)?\s?[a-z])|devoid\sof|bereft\sof|void\sof|empty\sof"
        r"|free\s(?:of|from)|(?:absence|lack)\sof|absent\sof|excluding|with\sthe\sexception\sof"
        r"|lack(?:s|ing|ed)?(?:\sin)?|stripped\sof|neither|nor|not\sa\ssingle|zero|no-?one|no(?:t\sone)?(?!-)"
        r"|instead\sof|other\sthan|(?:apart|aside)\sfrom|except(?:ing)?(?:\sfor)?"
        r"|nobody|nothing",
        following,
    ),
    (
        "preceding",
        r"missing|absent|excluded|omitted|left\sout|nowhere(?:\sto\sbe\s(?:seen|found)|\sin\s(?:sight|view))?",
        preceding,
    ),
    ("not", r"not|n['’]t|never|any(?:where|\snumber)\sbut", denied_by_not),
    ("compound", r"(?<=\w)(?:-?less|-free)", compound),
)
SCOPES: dict[str, Scope] = {name: scope for name, _, scope in _CUES}
# "not" follows its auxiliary without a blank in "isn't", and a compound's ending its stem.
_BEGINS = {"following": r"(?<![\w-])", "preceding": r"(?<![\w-])", "not": r"(?<!-)", "compound": ""}
CUE = re.compile(
    "|".join(rf"(?P<{name}>{_BEGINS[name]}(?:{words})(?![\w-]))" for name, words, _ in _CUES), re.IGNORECASE
)


def cue_words(text: str) -> set[str]:
    """Return the words and endings of a text that may deny, in lower case; one without any denies nothing."""
    found = {each.lower().replace("’", "'") for each in _ANY.findall(text)}
    return {"n't" if cue.endswith(("'t", "' t")) else _NAMES.get(cue, cue) for cue in found}


_NAMES = {"cannot": "not", "-free": "free", "-less": "less"}
