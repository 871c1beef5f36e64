"""Denying where something is: "a dog that is not on a sofa", "sitting but not on a sofa"."""

from collections.abc import Iterator

from omninegclip.captions.compose import NegatedCaption, compose, with_any
from omninegclip.captions.parse import NOUNS, Parse
from omninegclip.captions.structure import IMAGES, NEEDS_PLACE, finite, locative, subject, who_is


def negate_relation(parse: Parse) -> Iterator[NegatedCaption]:
    """Yield the caption with a phrase of place denied."""
    about = subject(parse)
    for token in range(1, parse.end):
        if parse.deps[token] != "prep" or (start := locative(parse, token)) is None:
            continue
        if any(tag.startswith("VB") for tag in parse.tags[slice(*parse.span(token))]):
            continue
        denied = parse.text(start, parse.span(token)[1])
        if (
            about
            and start == about.head + 1
            and not finite(parse)
            and parse.words[about.head].lower() not in IMAGES
        ):
            text = compose(
                parse,
                (start, start, f"{who_is(parse, about.head)} not"),
                *with_any(parse, start, parse.span(token)[1]),
            )
            yield NegatedCaption("relation", "that is not there", denied, text)
        if parse.span(token)[1] == parse.end and _stands_without(parse, start):
            text = compose(parse, (start, start, "but not"), *with_any(parse, start, parse.end))
            yield NegatedCaption("relation", "but not there", denied, text)


def _stands_without(parse: Parse, start: int) -> bool:
    verbs = {
        parse.words[token].lower()
        for token in range(start)
        if parse.tags[token].startswith("VB") and parse.deps[token] != "amod"
    }
    # without a verb "a cup and a plate but not in a room" is no sentence that a person would write
    return (
        start > 2
        and parse.tags[start - 1] in NOUNS  # "hangs but not on the wall" is cut off
        and bool(verbs)
        and not verbs & NEEDS_PLACE
    )
