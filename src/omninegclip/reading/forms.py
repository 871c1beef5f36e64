"""Whole sentences read by their form: denials of all else, far denials and double ones."""

import re
from typing import NamedTuple

from omninegclip.reading.affirmed import tidy
from omninegclip.reading.noun_phrases import indefinite
from omninegclip.reading.reading import BESIDES, ELSE, Reading
from omninegclip.reading.tokens import Tokens

_IMAGE = r"(?:image|picture|photo|photograph|scene|drawing|shot)"
_ASIDE = (
    r"(?:(?:so|as) far as|however \w+|no matter \w+|wherever)[^,]*? (?:in|from|at) "
    rf"(?={_IMAGE}\b|(?:this|the) {_IMAGE}\b)"
)
_SHOWS = r"(?:shows|showing|of|with|contains|features|depicts|has)"


class Form(NamedTuple):
    """A sentence whose groups `a` and `n` are what it affirms and denies.

    Without `n`, all else is denied, or with a group `more` affirmed: "not only a dog".
    """

    pattern: re.Pattern[str]


def _form(pattern: str) -> Form:
    return Form(re.compile(pattern, re.IGNORECASE | re.DOTALL))


_FORMS = (
    _form(rf"(?:there is )?(?:no|without),\s*(?:{_ASIDE})?(?P<a>.+),\s*(?P<n>[^,]+)"),
    _form(r"there (?:is|are) no (?:sign|trace)s?,\s*(?:in |from )?(?P<a>.+),\s*of (?P<n>[^,]+)"),
    _form(
        rf"(?P<n>[^,]+), {_ASIDE}(?P<a>.+), "
        r"(?:is|are) (?:not|nowhere) (?:in it|to be (?:seen|found)|there|visible)"
    ),
    _form(
        r"(?P<a>.+?)(?:,? and|\.) what (?:it|this|the \w+) (?:does not|doesn['’]t) "
        r"(?:hold|show|have|contain|include|feature) (?:is|are) (?P<n>.+)"
    ),
    _form(
        r"(?:(?P<lead>.*?)\b)?(?:(?:nothing|no one|nobody) but|"
        r"(?:nothing|no one|nobody|no \w+) (?:except|other than|besides|save)) (?:for )?(?P<a>.+)"
    ),
    _form(
        r"(?:(?:apart|aside) from|except(?: for)?|besides) (?P<a>[^,]+), "
        r"(?:there is )?(?:nothing|no one|nobody)(?: else)?(?: \w+){0,2}"
    ),
    _form(
        r"(?P<more>not (?:only|just)|more than (?:just|only)) "
        r"(?P<a>(?:(?!\b(?:but|also|too|as well)\b).)+)"
    ),
    _form(r"(?P<a>.+?),? (?P<more>and that is not all|(?:but|and|though)? ?not (?:all )?alone)(?: here)?"),
    _form(r"only (?!one of\b|the\b|today\b)(?P<a>.+)"),
    _form(rf"(?P<lead>(?:(?:this|the|an?) {_IMAGE} ){_SHOWS}) only (?P<a>.+)"),
    _form(r"(?:just|only)? ?(?P<a>.+?),? (?:and|but|with) nothing else(?: \w+){0,2}"),
    _form(r"(?P<alone>(?P<a>.+?) (?:all )?alone(?: here)?)"),
)
_FORMED = re.compile(
    r"\b(?:nothing|nobody|no one|only|alone|besides|more than|not (?:just|all)|(?:no|without),|no \w+,"
    r"|no \w+ (?:except|other|save)"
    r"|what (?:it|this|the)|however|no matter)(?!\w)",
    re.IGNORECASE,
)


def _twice(pattern: str, plain: str) -> tuple[re.Pattern[str], str]:
    return re.compile(pattern, re.IGNORECASE), plain


_TWICE = (
    _twice(rf"\b(?:this|it) is (?:no|not an?) ({_IMAGE}) without\b", r"this is a \1 with"),
    _twice(
        r"\b(?:(?:is|are|was|were) )?(?:not|never|n['’]t) (?:without|devoid of|free of|lacking)\b", "with"
    ),
    _twice(r"\bno (\w+) without\b", r"\1 with"),
    _twice(
        r"\s(?:(?:is|are|was|were) not|(?:is|are|was|were)n['’]t) (?:missing|absent|excluded|left out)\b", ""
    ),
    _twice(r"\b(?:it is|it['’]s) not true that there (is|are) (?:not|no)\b", r"there \1"),
    _twice(r"\b(?:it is|it['’]s) not true that there (is|are)n['’]t\b", r"there \1"),
    _twice(r"\b(?:does|do)(?: not|n['’]t) lack\b", "has"),
    _twice(r"\b(?:is |are )?not un(?=\w{3,}ed\b)", ""),
)
_TWO = re.compile(
    r"(?:\b(?:not|no|never)|n['’]t)\b.*\b(?:without|devoid|free|lack|lacking|missing|absent|excluded|left out"
    r"|not|no|isn['’]t|aren['’]t|un\w+ed)\b",
    re.IGNORECASE,
)


def by_form(sentence: str) -> Reading | None:
    """Return the halves of a sentence of one of the forms, None for any other."""
    if not _FORMED.search(sentence):
        return None
    body = sentence.strip().rstrip(".").strip()
    for form in _FORMS:
        found = form.pattern.fullmatch(body)
        if found is None:
            continue
        groups = found.groupdict()
        if (groups.get("alone") or groups.get("more")) and not _verbless(found["a"]):
            continue
        affirmed = tidy(f"{groups.get('lead') or ''} {found['a']}")
        denied = groups.get("n")
        if groups.get("more"):
            return Reading(f"{affirmed}{BESIDES}" if affirmed else "")
        return Reading(affirmed, (indefinite(denied) if denied else ELSE,))
    return None


def affirmed_twice(sentence: str) -> str:
    """Return a sentence whose double negations are said plainly: "with" for "not without"."""
    if not _TWO.search(sentence):
        return sentence
    for pattern, plain in _TWICE:
        sentence = pattern.sub(plain, sentence)
    return sentence


def _verbless(text: str) -> bool:
    """Tell whether a text is noun phrases and where they are, without any verb."""
    words = Tokens(text)
    return not any(
        word.tag in ("V", "X", "S", "E", "not") or (word.tag == "G" and words[at + 1].tag != "N")
        for at, word in enumerate(words.words)
    )
