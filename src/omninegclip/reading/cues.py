"""The cues of denial, as tables of expressions: which words begin or end one, and how far each reaches."""

import re
from collections.abc import Callable, Iterator

from omninegclip.reading import compounds
from omninegclip.reading import words as table
from omninegclip.reading.denial import Denial
from omninegclip.reading.not_scopes import denied_by_not
from omninegclip.reading.partitives import none_of
from omninegclip.reading.requests import unwanted
from omninegclip.reading.scopes import following, inverted, preceding
from omninegclip.reading.tokens import Tokens

Scope = Callable[[Tokens, int, int], Denial | None]

# A sentence without any of these denies nothing.
_SINGLE = table.words(
    "no not non none nothing nobody never neither nor nowhere without cannot zero sans minus only alone "
    "lack lacks lacking lacked missing absent absence except excepting excluding excludes excluded "
    "exclude devoid bereft free instead apart aside void stripped unaccompanied hardly barely scarcely "
    "removed bare avoid hide omit omitted skip opposed fail fails failed gone "
    "isnt arent wasnt werent doesnt dont didnt hasnt havent wouldnt"
)
_FIRST_OF_SEVERAL = table.words(
    "other rather any anywhere anything anyone anybody everything empty leave filter w more"
)
_SEVERAL = re.compile(
    r"\b(?:(?:other|rather)\sthan|more\sthan\s(?:just|only)|(?:any(?:where|thing|one|body|\snumber)|everything)\sbut|empty\sof"
    r"|(?:leave|filter)\sout|w/o(?:ut)?)\b"
)
_NOT_AT_HEART = table.words("cannot fail fails failed")
_WORD = re.compile(r"\w+")
_NOT_JOINED = re.compile(r"n['’]\s?t\b")
_COMPOUND = re.compile(r"\w-?(?:less|free)\b")
_MINUS = re.compile(r"(?:^|\s)-[a-z\"“]")

# What an image is called where something is said to be absent from it.
_FROM = r"(?:it|(?:the|this|that)\s\w+)"
# Which words make a cue, and which scope it has; the first that fits at a place counts.
_CUES: tuple[tuple[str, str, Scope], ...] = (
    (
        "inverted",
        rf"(?:what['’]?s\snot\s(?:part\sof|in)\s{_FROM}|nowhere(?:\sin\s{_FROM})?"
        rf"|one\sthing\s(?:you|one)\s(?:won['’]t|can['’]?not|can['’]t)\s(?:find|see)(?:\sin\s{_FROM})?"
        r"|(?:absent|missing|excluded|omitted|nowhere\sto\sbe\s(?:seen|found)|absence"
        r"|not\s(?:present|included|pictured|shown|visible|seen|featured))"
        rf"(?:,?\s(?:from|in|within|here)\b(?:\s{_FROM})?)?)"
        r"\s(?:is|are|was|were|can|could)(?:\sthere)?"
        r"(?=\s(?:the|any|an?|one|\w+(?:\s\w+)?[.,;]?$|\w+s[.,;]|\w+s\s(?:and|or|be)\s\w))"
        r"|(?<![^.\"“])absent(?=\s(?:an?|any)\s)",
        inverted,
    ),
    (
        "partitive",
        r"(?<!with\s)(?:none|neither|not\sone|no\sone|nobody|not\sany)\sof(?=\s(?:them|which|whom|the|these|those)\b)"
        r"|(?:(?<=,\s)|(?<=[.]\s)|(?<=\band\s)|(?<=\bbut\s))(?:none|neither(?!.*\bnor\b))(?=\s(?:is|are|was|were|(?:has|have)\s(?:been|caught|\w+e[dn]))\b)"
        r"|(?:(?<=,\s)|(?<=\band\s)|(?<=\bbut\s))none(?=\s(?:[a-z]+s|have)\s)"
        r"|(?:(?<=,\s)|(?<=\band\s)|(?<=\bbut\s))none(?=\s(?:on|in|at|under|behind|near)\s)|(?<=,\s)(?:none|neither(?!.*\bnor\b))(?=\s\w+ing\b)",
        none_of,
    ),
    (
        "request",
        r"(?:(?<=^)|(?<=[,;.]\s)|(?<=and\s)|(?<=but\s)|(?<=please\s))"
        r"(?:exclude|avoid|hide(?!\sand)|omit|skip|leave\sout|filter\sout)",
        unwanted,
    ),
    (
        "gone",
        r"(?:(?:(?<=\bis\s)|(?<=\bare\s)|(?<=\bare\sall\s)|(?<=\bwas\s)|(?<=\bwere\s)|(?<=\bhas\s)|(?<=\bhave\s))gone|(?<=\bare\s)lacking)(?=\s*(?:[.,;]|$))",
        preceding,
    ),
    (
        "following",
        r"without|with\snone\sof|none\swith|sans|minus(?=\s(?:any|the|an?|its|his|her)?\s?[a-z])|devoid\sof|bereft\sof|void\sof|empty\sof|bare\sof"
        r"|free\s(?:of|from)|(?:absence|lack)\sof|absent\sof|(?:unaccompanied|not\saccompanied)\sby|exclud(?:ing|es)|with\sthe\sexception\sof"
        r"|lack(?:s|ing|ed)?(?:\sin)?|stripped\sof|neither|nor|not\sa\ssingle|zero|no-?one|(?:(?:almost|practically|virtually|next\sto)\s)?no(?:t\sone)?(?!-)"
        r"|instead\sof|as\sopposed\sto|other\sthan|rather\sthan|(?:apart|aside)\sfrom|except(?:ing)?(?:\sfor)?"
        r"|(?:hardly|barely|scarcely)\sany|any(?:thing|one|body)\sbut|everything\sbut"
        rf"|nowhere(?:\sin\s{_FROM})?\s(?:do|can|will|could)\s(?:you|we|one|i)\s(?:find|see|spot)|nobody|nothing",
        following,
    ),
    (
        "preceding",
        r"missing|absent|(?:has|have|had)\sbeen\sremoved|removed(?=[.,;]|$)|excluded|omitted|left\sout|nowhere(?:\sto\sbe\s(?:seen|found)|\sin\s(?:sight|view))?",
        preceding,
    ),
    ("not", r"not|never|any(?:where|\snumber)\sbut", denied_by_not),
    ("compound", r"(?<=\w)(?:-?less|-free)", compounds.compound),
)
SCOPES: dict[str, Scope] = {name: scope for name, _, scope in _CUES} | {"joined": denied_by_not}
# A cue is a word, but for "n't" and "cannot", which follow their auxiliary without a blank, and compounds.
CUE = re.compile(
    r"(?<![\w-])(?:"
    + "|".join(rf"(?P<{name}>{words})" for name, words, _ in _CUES if name != "compound")
    + r")(?![\w-])|(?P<joined>n['’]t|(?<=can)not)(?![\w-])"
    + "".join(rf"|(?P<{name}>{words})(?![\w-])" for name, words, _ in _CUES if name == "compound"),
    re.IGNORECASE,
)


# What a cue begins with, but for those within a word.
_FIRST = table.words(
    "what whats nowhere one absent missing excluded omitted absence not none neither no nobody exclude "
    "avoid hide omit skip leave filter without with sans minus devoid bereft void empty bare free lack "
    "lacks lacking lacked unaccompanied excluding excludes stripped nor zero noone no-one almost "
    "practically virtually next instead as other rather apart aside except excepting hardly barely "
    "gone scarcely anything anyone anybody everything nothing has have had removed left never anywhere any"
)


def cues_in(words: Tokens) -> Iterator[re.Match[str]]:
    """Yield the cues of a text from left to right, none of them within another: what `CUE` finds in it."""
    done = 0
    for word in words.words:
        if word.low in _FIRST:
            start = word.start
        elif word.low.endswith("less"):
            start = word.end - 5 if word.low[-5:-4] == "-" else word.end - 4
        elif word.low.endswith("-free"):
            start = word.end - 5
        else:
            continue
        if start >= done and (found := CUE.match(words.text, start)):
            yield found
            done = found.end()


def cue_words(text: str) -> set[str]:
    """Return the words and endings of a text that may deny, in lower case; one without any denies nothing."""
    low = text.lower()
    said = set(_WORD.findall(low))
    cues = said & _SINGLE
    if not said.isdisjoint(_FIRST_OF_SEVERAL):
        cues.update(_SEVERAL.findall(low))
    if ("n'" in low or "n’" in low) and _NOT_JOINED.search(low):
        cues.add("n't")
    if ("less" in low or "free" in low) and (compound := _COMPOUND.search(low)):
        cues.add("free" if compound[0].endswith("free") else "less")
    if "-" in low and _MINUS.search(low):
        cues.add("-")
    if not cues.isdisjoint(_NOT_AT_HEART):
        cues.add("not")
    return cues
