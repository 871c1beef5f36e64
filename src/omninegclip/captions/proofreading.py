"""What is wrong with a negated caption: told from its words, and by parsing it again."""

import re
from collections import Counter

from omninegclip.captions.compose import NegatedCaption
from omninegclip.captions.english import words
from omninegclip.captions.parse import Parse
from omninegclip.captions.structure import FINITE, SUBJECTS, quantified

# "no dogs play together" may be one dog that plays: such words say something of several at once
COLLECTIVE = re.compile(
    r"\b(?:each other|one another|both|together|between them|side by side|as a (?:group|team)|in a row"
    r"|another|same|themselves)\b",
    re.IGNORECASE,
)
EVERYONE = re.compile(r"\bevery(?:one|body|thing)\b", re.IGNORECASE)
HYPHENATED = re.compile(r"\w+(?:-\w+)+")
WORD = re.compile(r"\w+")
UNDER_NO = frozenset({"no subject", "there is no", "with no", "but no", "having no", "place without it"})
UNDER_NOT = frozenset(
    {"is not", "does not", "do not", "not doing", "who is not doing", "but not doing", "but not there"}
)
HELPING = words("is are does do has have can")


def misreadable(parse: Parse, denial: NegatedCaption) -> str | None:
    """Return why a negated caption does not say what it should, as far as the caption's own parse tells."""
    if denial.rule in UNDER_NO and COLLECTIVE.search(parse.text()):
        return "says something of several at once"
    if denial.rule in UNDER_NOT and (quantified(parse) or EVERYONE.search(parse.text())):
        return "many that do not are not none"
    if denial.rule in UNDER_NOT and _two_actions(parse):
        return "may deny one of two actions"
    written = set(WORD.findall(denial.text.lower()))
    for whole in HYPHENATED.findall(parse.text().lower()):
        if whole not in denial.text.lower() and written & set(whole.split("-")):
            return "breaks a compound"
    return None


def reread(parse: Parse, again: Parse) -> str | None:
    """Return what `again`, the parse of the negated caption, has that the caption's own parse has not.

    A word that turns into a verb, a second sentence or a subject without its verb: the parser had taken "A
    man on a board rides a wave" for a man on board rides, and the denial went to the wrong place.
    """
    if again.sentences != 1:
        return "more than one sentence"
    if _finite(again) - _finite(parse) - Counter(dict.fromkeys(HELPING, 1)):
        return "a second finite verb"
    dangling = (
        again.deps[token] in SUBJECTS and not again.tags[again.heads[token]].startswith(("V", "N", "J", "M"))
        for token in range(again.end)
    )
    return "a subject without its verb" if any(dangling) else None


def _two_actions(parse: Parse) -> bool:
    """Return whether "and" joins two verbs: "not wearing a helmet and riding a bike"."""
    return any(
        parse.deps[token] == "conj"
        and parse.tags[token].startswith("VB")
        and parse.tags[parse.heads[token]].startswith("VB")
        for token in range(parse.end)
    )


def _finite(parse: Parse) -> Counter[str]:
    tagged = zip(parse.words, parse.tags, strict=True)
    return Counter(word.lower() for word, tag in tagged if tag in FINITE)
