"""What stays of a sentence, made a fragment of English again; empty where it says nothing."""

import re

from omninegclip.reading.words import words

_IMAGE = (r"(?:image|picture|photo|photograph|scene|shot|snapshot|drawing|cartoon|frame|view|caption|video|"
          r"illustration|painting)")  # fmt: skip
# Says that there is an image, and nothing that it shows.
_NOTHING = re.compile(
    rf"""[\s,;:.\-–—]*(?:(?:(?:in|from|for|at|within|here\sis|there\sis|there's|it\sis|it's|this\sis|that\sis)\s)?
    (?:(?:this|the|that|an?|my|our|given|one|entire|whole|whatever)\s)*{_IMAGE}s?
    (?:\s(?:taken|captured|provided|above|below|here))?
    (?:\s(?:of|with|in|where|that|which|showing|depicting|featuring|containing|contains|includes|features|shows?|has|have|
       is|depicts|captures|displays|presents|and|but))*
    (?:\s(?:something|anything|it|things|this|an?\sscene))?
    |it\sis\s(?:clear|evident|obvious|apparent|noticeable)(?:\sthat)?|there(?:\s(?:is|are))?|please|it|this|that|here|i|we|you(?:['’]ll)?|one|(?:i|we|you|one)\s(?:can\s)?(?:see|find|spot)(?:\s(?:something|an?\sscene))?|is|are|has|with|
    and|but|in\sit|what(?:['’]s|\sis)?|the\sonly\sthing|nothing|everything|anything|somebody|something|of|either|where|
    (?:it|this|that|there)\s(?:is|has|shows|features|contains))?[\s,;:.\-–—]*""",
    re.VERBOSE | re.IGNORECASE,
)
_MARKS = " ,;:(–—-"
_DANGLING = words(
    "with and but or nor that which who whose there where while whereas though although just only having "
    "yet is are has have also plus as when please"
)
_OPENING = re.compile(
    r"^(?:[\s,;:.)–—!-]+|(?:and|but|just|only|while|yet|though|although|rather|instead|because\sof|due\sto|however|plus|either|or"
    r"|whereas|which\s(?:is|are|captures|shows|features|depicts)|which|who|that|where|there(?=\sin\b)|(?:seen|shown|pictured)(?=,)|(?:it|this)\s(?:just|only)|(?-i:as)(?=\s(?:an?|the|it|they|he|she|his|her|its|several|some|two|three|many|people)\b)|is(?=\s(?:in|on|at)\b)|are(?=\s(?:in|on|at)\b))(?=[\s,]|$))+",
    re.IGNORECASE,
)
# A place and no more, unlike "on a table lies a pear": "on a table where a pear lies".
_PLACE_ALONE = re.compile(
    r"^(?:in|on|at|of|from|near|around|along|inside|behind|under|above|over|beside)\s(?!.*\bthere\b)"
    r"(?!(?:(?!\b(?:where|that|which)\b).)*\b(?:sits?|stands?|lies?|hangs?|rests?|appears?\sto|is|are)\b)"
    r"((?:the|an?|this|that|his|her)\s[\w' -]+(?:,\s(?:which|where)\s.*?)?)\.?$",
    re.IGNORECASE,
)
_JOINING = re.compile(r"^(?:instead|rather|however),?\s", re.IGNORECASE)
_SAYING_MORE = re.compile(r"\b(?:where|which|that)\b")
# Where what was denied isn't, before a clause about something else: "on the hill as a deer rests".
_PLACE_BEFORE = re.compile(
    r"^\s+(?:in|on|at|from|near|around|along|inside|behind|under|above|over|beside)\s(?:the|an?|this|that|his|her)"
    r"(?:\s(?!(?:as|while)\b)[\w'-]+){1,3}(?:;|,?\s(?:as|while))\s(?=(?:an?|two|some|several)\s)"
)
# Asks for an image, and says nothing of what it shows.
_ASKED = re.compile(
    r"^(?:please\s)?(?:(?:find|show|get|give)\s(?:me|us)\s|(?:i(?:['’]m|\sam)\s)?(?:looking|searching|search)\sfor\s"
    r"|(?:find|show)\s(?=(?:an?|some|all|photos|images|pictures)\b)"
    r"|(?:i|we)(?:\swant|\sneed|['’]d\slike|\swould\slike)\s(?:to\s(?:see|find)\s)?)",
    re.IGNORECASE,
)
_BLANK_BEFORE_MARK = re.compile(r"\s([,;:.])")
_EMPTY_BRACKETS = re.compile(r"\(\s*\)")
_STOPS = re.compile(r"\.(?:\s*\.)+$")
_MARKS_IN_A_ROW = re.compile(r"([,;:])(?:\s*[,;:])+")
_MARK_BEFORE_STOP = re.compile(r"[,;:]\s*\.")
_JOINED_WITH = re.compile(r"\s(?:and|but),? (?=with\b)")
_DANGLING_STOP = re.compile(r"\s*(?:\b(?:with|and|but|is|are|though|however)\b|,)\s*\.$")
_SNAPPED = re.compile(r"\b(?:took|made|snapped)\s", re.IGNORECASE)
_FRAME_BEFORE = re.compile(
    rf"^(?:in\s)?(?:this|the|an?)\s{_IMAGE}(?:,?\s(?:but|and|while|yet)|,\s(?:only|just))\s", re.IGNORECASE
)
_FRAME_AFTER = re.compile(
    rf"(?:,?\s(?:and|but|while|though|although|whereas|yet)|;)\s(?:the|this)\s{_IMAGE}\.?$", re.IGNORECASE
)
_FRAME_THERE = re.compile(
    rf"^(?:in|within)\s(?:this|the|an?)\s{_IMAGE},?\sthere\s(?:is|are)\s", re.IGNORECASE
)
_DESPITE = re.compile(r"^despite\s(?:the\spresence\sof\s)?", re.IGNORECASE)
_TAKEN = re.compile(rf"^.*\b(?:took|made|snapped)\s(?:this|a|the)\s{_IMAGE}(?:\sof\s|:\s*)", re.IGNORECASE)


def without_frame(text: str) -> str:
    """Return a text, or nothing where it only says that there is an image."""
    return "" if _NOTHING.fullmatch(text) else text


def without_joining(text: str) -> str:
    """Return a sentence without a word that joins it to the one before, or nothing where it is a frame."""
    return without_frame(_JOINING.sub("", text))


def place_alone(text: str) -> bool:
    """Tell whether what a denial left of a sentence is a place and no more: "on the table."."""
    place = _PLACE_ALONE.match(" ".join(text.split()))
    return place is not None and not _SAYING_MORE.search(place[1])


def tidy(text: str) -> str:
    """Return what is left after cuts as a fragment that stands by itself, or nothing."""
    if text[:1] == " ":  # begins behind a denial
        text = _PLACE_BEFORE.sub("", text)
    text = _BLANK_BEFORE_MARK.sub(r"\1", " ".join(text.split()))
    if "(" in text:
        text = _EMPTY_BRACKETS.sub("", text)
    elif ")" in text:  # the other bracket went with a denial
        text = text.replace(" )", "").replace(")", "")
    text = _MARK_BEFORE_STOP.sub(".", _MARKS_IN_A_ROW.sub(r"\1", _STOPS.sub(".", text)))
    text = _JOINED_WITH.sub(" ", text)
    before = None
    while before != text:
        before = text
        text = _OPENING.sub("", _without_dangling(text)).strip()
        if text.endswith("."):
            text = _DANGLING_STOP.sub(".", text)
    text = _FRAME_AFTER.sub("", _FRAME_BEFORE.sub("", _ASKED.sub("", text)))
    text = _DESPITE.sub("", _FRAME_THERE.sub("", text))
    if _SNAPPED.search(text):
        text = _TAKEN.sub("", text)
    if place := _PLACE_ALONE.match(text):
        text = place[1]
    return without_frame(text)


def _without_dangling(text: str) -> str:
    """Return a text without marks and joining words at its end."""
    while True:
        text = text.rstrip(_MARKS)
        rest, blank, last = text.rpartition(" ")
        if not blank or last.lower() not in _DANGLING:
            return text
        text = rest
