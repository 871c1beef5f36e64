"""Compounds that deny: "a cloudless sky", "a car-free street", "a dog-less picture"."""

from omninegclip.captions.english import article
from omninegclip.reading import words as table
from omninegclip.reading.denial import Denial, lead_start
from omninegclip.reading.noun_phrases import Span, indefinite
from omninegclip.reading.tokens import Tokens

# Without a hyphen only these deny something that an image could show; "homeless" and "wireless" don't.
LESS = {
    "cloud": "clouds", "lid": "a lid", "leaf": "leaves", "tree": "trees", "shirt": "a shirt", "shoe": "shoes",
    "star": "stars", "sleeve": "sleeves", "head": "a head", "hat": "a hat", "wave": "waves",
    "bun": "a bun", "hair": "hair", "collar": "a collar", "window": "windows", "face": "a face",
    "rider": "a rider", "wheel": "wheels", "arm": "arms", "handle": "a handle", "tail": "a tail",
    "driver": "a driver", "tooth": "teeth", "snow": "snow", "moon": "the moon", "car": "cars",
    "beard": "a beard", "leg": "legs", "horn": "horns", "wing": "wings", "flower": "flowers",
    "feather": "feathers", "seat": "seats", "roof": "a roof", "door": "doors", "seed": "seeds",
    "string": "strings", "branch": "branches", "fur": "fur", "rim": "a rim", "strap": "straps",
    "crust": "a crust", "cord": "cords", "frame": "a frame", "back": "a back", "glove": "gloves",
    "helmet": "a helmet", "pant": "pants", "sun": "the sun", "people": "people", "stem": "stems",
    "topping": "toppings", "boot": "boots", "sail": "sails", "cup": "a cup", "tie": "a tie",
    "stripe": "stripes", "tusk": "tusks", "saddle": "a saddle", "color": "color",
    "colour": "colour",
}  # fmt: skip
_NOT_COMPOUNDS = table.words("cordless frameless strapless backless seedless cupless colorless colourless")
_FREE_BY_NAME = table.words(
    "hands royalty duty care stress tax toll scot cage risk rent trouble worry drug error hassle sugar fat"
)


def compound(words: Tokens, at: int, after: int) -> Denial | None:
    """Read "X-less" and "X-free", with the words before that belong to X."""
    low = words[at].low
    if low.endswith("-free"):
        return _free(words, at)
    stem = low.removesuffix("less").removesuffix("-")
    if low.endswith("-less"):
        start = _stem_start(words, at)
        text = f"{words.between(start, at)} {words.text[words[at].start :][: len(stem)]}".strip()
        return _cut(words, start, at, indefinite(text))
    if stem not in LESS or low in _NOT_COMPOUNDS:
        return None
    return _cut(words, at, at, LESS[stem])


def _free(words: Tokens, at: int) -> Denial | None:
    stem = words.text[words[at].start : words[at].end - len("-free")]
    if stem.lower() in _FREE_BY_NAME:
        return None
    start = _stem_start(words, at)
    text = f"{words.between(start, at)} {stem}".strip()
    if words[at + 1].tag == "N":
        return _cut(words, start, at, indefinite(text))
    return Denial(Span(lead_start(words, start), at + 1), (indefinite(text),))


def _stem_start(words: Tokens, at: int) -> int:
    """Return where the words begin of which X is the last: "palm" of "a palm tree-less picture"."""
    if words[at + 1].low not in table.IMAGES and words[at + 1].tag == "N":
        return at
    start = at
    while start > 0 and words[start - 1].tag in ("N", "E", "G"):
        start -= 1
    return start


def _cut(words: Tokens, start: int, at: int, text: str) -> Denial:
    """Cut a compound before its noun, with an article that fits what follows."""
    before, noun = words[start - 1].low, words[at + 1].low
    if words[at + 1].tag not in ("N", "E", "G", "#", "D") and before in table.BE:
        return Denial(Span(start - 1, at + 1), (text,))  # "he is shirtless"
    if before in (",", "and") and words[start - 2].tag in ("N", "E", "G") and words[at + 1].tag == "N":
        return Denial(Span(start - 1, at + 1), (text,))  # "a bald, shirtless man"
    if start > 0 and before in ("a", "an"):
        fitting = article(noun)
        capital = words.text[words[start - 1].start].isupper()
        return Denial(Span(start - 1, at + 1), (text,), fitting.capitalize() if capital else fitting)
    return Denial(Span(start, at + 1), (text,))
