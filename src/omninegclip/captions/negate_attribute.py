"""Denying what something is like: "a sofa that is not red"."""

from collections.abc import Iterator

from omninegclip.captions.compose import NegatedCaption, agreeing, compose
from omninegclip.captions.english import words
from omninegclip.captions.lexicon import english
from omninegclip.captions.parse import NOUNS, Parse
from omninegclip.captions.structure import person, phrase, who_is

ATTRIBUTES = words(
    "red orange yellow green blue purple pink brown black white gray grey beige tan silver golden "
    "blonde blond large big huge small tiny tall short long wide narrow thick thin young old elderly "
    "round square wooden metal plastic leather brick wet dry dirty clean muddy sandy grassy snowy "
    "rocky icy dusty rusty shiny furry fluffy hairy fuzzy bald bearded striped colorful bright dark "
    "cloudy clear sunny open closed crowded busy cluttered messy tidy fresh ripe frozen bare "
    "shirtless barefoot modern antique ornate decorative"
)
NAMES = frozenset(
    {"white wine", "red wine", "black bear", "white board", "high chair", "black board", "short pants"}
    | {"tall ship", "green bean", "green beans", "black pepper", "golden retriever", "wet suit", "tan lines"}
    | {"big wheel", "old town", "long board", "wide receiver", "red cross", "black belt", "red carpet"}
    | {"yellow jacket", "brown rice", "white rice", "dry erase", "open air", "open area", "wide open"}
)
YOUTH = words(
    "boy boys girl girls child children kid kids baby babies toddler toddlers infant puppy kitten kittens"
)
AGES = words("young old elderly small tiny big tall")
FOLLOWED = frozenset({"on", "in", "at", "near", "while", "as", "under", "behind", "beside", "by"})


def negate_attribute(parse: Parse) -> Iterator[NegatedCaption]:
    """Yield the caption with an adjective of one of its nouns denied."""
    for token in range(parse.end):
        noun = parse.heads[token]
        if parse.deps[token] == "amod" and parse.words[token].lower() in ATTRIBUTES and noun > token:
            yield from _relative_clause(parse, token, noun)


def _relative_clause(parse: Parse, adjective: int, noun: int) -> Iterator[NegatedCaption]:
    whole = phrase(parse, noun)
    start, end = parse.span(adjective)
    if whole is None or start == whole.start or not _room_after(parse, noun):
        return
    if _is_name(parse, end - 1, noun) or _is_name(parse, start, noun):
        return
    if any(parse.words[i].lower() not in ATTRIBUTES | {"and"} for i in range(start, end)):
        return
    if (
        whole.start > 1
        and parse.words[whole.start - 1].lower() == "and"
        and parse.tags[whole.start - 2] == "JJ"
    ):
        return  # "a large and a small dog" are two dogs
    if parse.tags[whole.start] not in {"DT", "CD", "PRP$"} or (parse.tags[end] in {"CC", ","}):
        return
    attribute = parse.text(start, end).lower()
    if noun + 1 < parse.end and parse.words[noun + 1].lower() == "in" and person(parse, noun):
        return  # "a man who is not young in a black shirt"
    if parse.words[noun].lower() in YOUTH and not AGES.isdisjoint(attribute.split()):
        return  # "a boy who is not young" contradicts itself
    rest = agreeing(f"{parse.text(whole.start, start)} {parse.text(end, noun + 1)}")
    text = compose(parse, (whole.start, noun + 1, f"{rest} {who_is(parse, noun)} not {attribute}"))
    yield NegatedCaption("attribute", "that is not so", f"{attribute} {parse.words[noun]}", text)


def _is_name(parse: Parse, adjective: int, noun: int) -> bool:
    """Return whether the adjective is part of what a thing is called: a polar bear, a white wine glass."""
    two = parse.text(adjective, adjective + 2).lower()
    return two in NAMES or not {two, parse.text(adjective, noun + 1).lower()}.isdisjoint(english().names)


def _room_after(parse: Parse, noun: int) -> bool:
    if parse.tags[noun] not in NOUNS:
        return False
    following = noun + 1
    return (
        following == parse.end
        or parse.tags[following] in {"VBZ", "VBP", "VBG"}
        or parse.words[following].lower() in FOLLOWED
    )
