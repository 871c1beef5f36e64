"""What stays of a sentence, made a fragment of English again; empty where it says nothing."""

import re

_IMAGE = (r"(?:image|picture|photo|photograph|scene|shot|snapshot|drawing|cartoon|frame|view|caption|video|"
          r"illustration|painting)")  # fmt: skip
# Says that there is an image, and nothing that it shows.
_NOTHING = re.compile(
    rf"""[\s,;:.\-–—]*(?:(?:(?:in|from|for|at|within|here\sis|there\sis|there's|it\sis|it's|this\sis|that\sis)\s)?
    (?:(?:this|the|that|an?|my|our|given|one|entire|whole|whatever)\s)*{_IMAGE}s?
    (?:\s(?:taken|captured|provided|above|below|here))?
    (?:\s(?:of|with|in|where|that|which|showing|depicting|featuring|containing|contains|includes|features|shows?|has|have|
       is|is\sof|depicts|captures|displays|presents|and|but|in\swhich))*
    (?:\s(?:something|anything|it|things|this|an?\sscene))?
    |there(?:\s(?:is|are))?|it|this|that|here|i|we|you|one|(?:i|we|you|one)\s(?:can\s)?(?:see|find|spot)(?:\s(?:something|an?\sscene))?|is|are|has|with|
    and|but|in\sit|nothing|everything|anything|somebody|something|of|either|where|
    (?:it|this|that|there)\s(?:is|has|shows|features|contains))?[\s,;:.\-–—]*""",
    re.VERBOSE | re.IGNORECASE,
)
_DANGLING = re.compile(
    r"(?:[\s,;:(–—-]+|(?<=\s)(?:with|and|but|or|nor|that|which|who|whose|there|where|while|whereas|though|although|just"
    r"|only|having|yet|is|are|has|have|also|plus|as|when))+$",
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"^(?:[\s,;:.)–—!-]+|(?:and|but|just|only|while|yet|though|although|rather|instead|however|plus|either|or"
    r"|whereas|which|who|that|where|there(?=\sin\b)|(?:it|this)\s(?:just|only)|is(?=\s(?:in|on|at)\b)|are(?=\s(?:in|on|at)\b))(?=[\s,]|$))+",
    re.IGNORECASE,
)
_PLACE_ALONE = re.compile(
    r"^(?:in|on|at|of|from|near|around|along|inside)\s"
    r"((?:the|an?|this|that|his|her)\s[\w' -]+)\.?$",
                          re.IGNORECASE)  # fmt: skip
_FRAME_BEFORE = re.compile(rf"^(?:this|the|an?)\s{_IMAGE},?\s(?:but|and|while|yet)\s", re.IGNORECASE)
_TAKEN = re.compile(rf"^.*\b(?:took|made|snapped)\s(?:this|a|the)\s{_IMAGE}(?:\sof\s|:\s*)", re.IGNORECASE)


def without_frame(text: str) -> str:
    """Return a text, or nothing where it only says that there is an image."""
    return "" if _NOTHING.fullmatch(text) else text


def tidy(text: str) -> str:
    """Return what is left after cuts as a fragment that stands by itself, or nothing."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\s+([,;:.])", r"\1", text)
    text = re.sub(r"\(\s*\)", "", text)
    text = re.sub(r"\.(?:\s*\.)+$", ".", text)
    text = re.sub(r"([,;:])(?:\s*[,;:])+", r"\1", text)
    text = re.sub(r"[,;:]\s*\.", ".", text)
    text = re.sub(r"\s(?:and|but),? (?=with\b)", " ", text)
    before = None
    while before != text:
        before = text
        text = _OPENING.sub("", _DANGLING.sub("", text)).strip()
        text = re.sub(r"\s*(?:\b(?:with|and|but)\b|,)\s*\.$", ".", text)
    text = _FRAME_BEFORE.sub("", _TAKEN.sub("", text))
    if place := _PLACE_ALONE.match(text):
        text = place[1]
    return without_frame(text)
