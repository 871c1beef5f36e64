"""What only looks like a denial: signs and quotations, fixed phrases, and remarks on a photo.

A table by the word that looks like a cue: the expressions that take its sense away, of which the span is
passed over.
"""

import re

_SIGN = r"(?:signs?|signals?|zone|area|symbols?|warning|button)"
# Forbidden on a sign by the word alone: "no parking"; "no parking meter" denies a thing.
_FORBIDDEN = (
    r"(?:smoking|parking|entry|vacancy|outlet|peddling|trespassing|diving|swimming|stopping|standing|littering|fishing|running"
    r"|walking|loitering|turns?|[lu][\s-]turn|left\sturn|right\sturn|dumping|skateboarding|skiing|cursing|cycling"
    r"|biking|hunting|passing|dogs\sallowed|pets\sallowed)"
)
# Forbidden on a sign by "do not" and a verb, unlike "they stop and do not enter".
_FORBIDDEN_ACTS = r"(?:enter|disturb|walk|touch|cross|feed|stop|park|litter|block)"
_IDIOMS: dict[str, tuple[str, ...]] = {
    "no": (
        rf"\b(?:an?|the|orange|red)\s['\"]?\s?no[\s-](?:\w+[\s-]){{1,3}}?['\"]?\s?{_SIGN}\b",
        rf"\b(?<!\bis\s)(?<!\bbut\s)(?<!'s\s)no[\s-]{_FORBIDDEN}\b(?=\s*(?:[\"'.,;]|$|{_SIGN}|allowed|here\b|and\b|or\b|is\b))(?:[\s-]{_SIGN})?",
        r"\b(?:players?|numbers?|jersey|bus|train|platform|gate|route|car|room|track|runner|rider|horse|shirt"
        r"|engine|locomotive|bib|seat|line|unit|ship|model|pier|lane|boat|plane|sign)\sno\s?\d+\w*\b|\bno\d+\b",
        r"\bno\s?\.\s?\d+\w*\b",
        r"\bno\s?\.\s",
        r"\bno\s(?:longer|doubt|matter|wonder|idea|way|problem|intention|further|later|sooner|less|more\sthan|fewer"
        r"|frills|shortage|end\sof|\w+er\sthan|nonsense|means|big\sdeal|reason|time|better|such|chance|good|words\sneeded"
        r"|comment|edits|rush|hurry|gravity|degrees|waste|emissions?|parking\sallowed)\b",
        # remarks on a photo, unlike "a photo with no watermark"
        r",\sno\s(?:watermark|filter)\b|\bno\s(?:watermark|filter)(?=[,:;])|^no\sfilter\b",
        r"\bwith\s+no\s+(?:hands|effort|problem)\b",
        r"\byes\sor\sno\b",
        r"\b(?:hear|see|speak)\sno\sevil\b",
    ),
    "not": (
        r"\bnot\s(?:only|just|merely|simply)\b(?:(?!\bbut\b).)*(?:\bbut\b)?",
        r"\bnot\s(?:special|fancy|unusual|new|much|short\sof|edited|for\ssale|bad|any\s(?:longer|more|less))\b",
        r"\bnot[\s-]so[\s-]\w+",
        r"\bnot\s(?:yet|far|long|quite|sure|really|very|too|so|that|many|all|alone|everyone|every|enough|exactly|certain"
        r"|to(?!\s(?:be\s(?:seen|found)|an?|the|his|her|its|their)\b|\s[a-z]+(?<![su])s\b)|the\s(?:most|\w+est|only|same))\b",
        rf"^\W*do\snot\s{_FORBIDDEN_ACTS}\b|\bdo\snot\s{_FORBIDDEN_ACTS}\b(?=(?:[\s-]\w+){{0,3}}[\s-]{_SIGN}\b)",
        r"\b(?:does|did|do)\snot\s(?:get\sbetter|matter|mind|seem|know|appear\sto|look(?!\s(?:at|into|up|down|back|away|directly)\b)|even)\b",
        r"\bcannot\s(?:wait|help|be\s(?:missed|beat)|believe|stop|get\senough)\b",
        r"\blast\sbut\snot\sleast\b|\bif\snot\b|\bor\snot\b|\bwhy\snot\b|\bmore\soften\sthan\snot\b|\bas\snot\sto\b"
        r"|\b(?:trying|try|tries|careful)\snot\sto\b|\bto\snot\b",
    ),
    "n't": (
        rf"^\W*don['’]?t\s{_FORBIDDEN_ACTS}\b|\bdon['’]?t\s{_FORBIDDEN_ACTS}\b(?=(?:[\s-]\w+){{0,3}}[\s-]{_SIGN}\b)",
        r"\b(?:ca|wo|could)n['’]?t\s(?:stop|help)\b",
        r"\b(?:ca|wo|could|do|is|are)n['’]?t\s(?:wait|believe|get\sbetter|miss|it\snice|they\snice|mind|matter"
        r"|worry|quite|get\senough|be\s(?:missed|beat))\b",
        r"\b(?:does|did|do)n['’]?t\s(?:get\sbetter|matter|mind|seem|know|appear\sto|look(?!\s(?:at|into|up|down|back|away|directly)\b)|even)\b",
        r"\b(?:is|are)n['’]t\s(?:it|they|he|she|this|that)\s\w+",
    ),
    "without": (
        r"\bwithout\s(?:a\s|any\s)?(?:doubt|flash|comment|question|fail|incident|hesitation|permission|stopping|warning"
        r"|difficulty|help|saying|end|effort|worry|delay)\b",
        r"\bwith(?:out)?\s(?:and|or)\swith(?:out)?\b(?:\s\w+)?",
    ),
    "nothing": (r"\bnothing\s(?:special|fancy|unusual|new|much|beats|compares|like|short\sof)\b",),
    "non": (r"\bnon[\s-]\w+",),
    "free": (
        r"\b(?:royalty|duty|hands|care|stress|tax|toll|rent|scot|cage|risk)?-?free\s(?:hugs?|dinner|of\scharge"
        r"|climb(?:er|ing|s)?|style|range|throw|kick|from\sthe|time|wifi|parking|stock|ride|standing|fall|hanging)\b",
        r"\bfree-(?:climb|style|standing|form|range|fall|hanging)\w*",
        r"\bbreak(?:s|ing)?\sfree\b|\bto\sfree\b",
    ),
    "minus": (r"\bminus\s(?:the\sframe|\d+|sign|zero)\b",),
    "sans": (r"\bsans[\s-](?:frame|serif)\b",),
    "zero": (r"\bzero\s(?:edits|gravity|degrees|waste|emissions?|in)\b|\b(?:coke|below)\szero\b",),
    "lacking": (r"\blacking\sa\stitle\b",),
    "missing": (r"\bmissing\s(?:from\sthe\salbum|persons?\b|child\b|poster|link|you)",),
    "absent": (r"\btitle\sabsent\b|\babsent[\s-]minded\w*",),
    "none": (r"\bnone\s(?:of\sit|other\sthan|too)\b",),
    "nobody": (r"\bnobody\s(?:knows|cares)\b",),
    "never": (r"\bnever\s(?:a\sdull|seen\sbefore|mind|ending|looked|better|been)\b",),
    "nowhere": (r"\bnowhere\selse\b|\bof\snowhere\b",),
    "instead": (r"\binstead[.,]?$|\binstead\s(?!of)",),
    "apart": (r"\bapart\s(?!from)\w+|\bapart\W*$",),
    "aside": (r"\baside\s(?!from)",),
    "except": (r"\bexcept\sdeliver\w*",),
}  # fmt: skip
# Whatever stands between quotation marks or on a sign.
_QUOTED = re.compile(
    r"[\"“][^\"”]*[\"”]|(?<![a-z])'[^']*'(?![a-z])"
    r"|\b(?:says?|saying|reads?|reading)\s(?:'[^']*'(?![a-z])|[\"“][^\"”]*[\"”])"
    r"|\bsigns?\b(?:\s(?!says?\s[\"“']|reads?\s[\"“'])\w+){0,2}?\s(?:says?|saying|reads?|reading|stating|states?|that\ssays?)\b(?!\s[\"“'])[^,.]*"
    r"|\b(?:says?|saying|reads?|reading|spelling|warning|displaying|displays|labell?ed|marked|means)[,:]?\s(?:that\s)?"
    r"(?:no|not|don['’]?t|do\snot)\b[^,.]*"
    r"|\bsigns?\s?:\s.*",
    re.IGNORECASE,
)
_QUOTING = ('"', "“", "'", "sign", "say", "read", "spell", "warn", "display", "label", "mark", "stat", "mean")


def _any_of(expressions: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds any of the expressions; those that begin with a word are tried where words begin."""
    words = [each.removeprefix(r"\b") for each in expressions if each.startswith(r"\b")]
    others = [each for each in expressions if not each.startswith(r"\b")]
    return re.compile("|".join([*others, *([rf"\b(?:{'|'.join(words)})"] if words else [])]), re.IGNORECASE)


_BY_CUE = {word: _any_of(expressions) for word, expressions in _IDIOMS.items()}


def idle_spans(text: str, cues: set[str]) -> list[tuple[int, int]]:
    """Return where in a text its cues, given in lower case, deny nothing: spans of characters."""
    found = [each for cue in cues if (idioms := _BY_CUE.get(cue)) for each in idioms.finditer(text)]
    low = text.lower()
    if any(word in low for word in _QUOTING):
        found += _QUOTED.finditer(text)
    return [each.span() for each in found]
