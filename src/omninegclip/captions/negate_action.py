"""Denying what is done: "is not riding", "does not ride", "not riding"."""

from collections.abc import Iterator

from omninegclip.captions.compose import NegatedCaption, compose, with_any
from omninegclip.captions.english import base_form, gerund, words
from omninegclip.captions.lexicon import english
from omninegclip.captions.parse import NOUNS, Parse
from omninegclip.captions.structure import (
    BE,
    SUBJECTS,
    locative,
    object_of,
    phrase,
    plural,
    subject,
    verb_of,
    who_is,
)

NOUN_LIKE = words(
    "setting building painting drawing crossing clothing opening covering ceiling railing dressing"
)
PAST_LIKE = words(
    "bent sat stood held laid lay ran rode fell flew hung stuck left made kept caught bound hit set put"
)

STATES = words(
    "have show seem appear contain feature include like love want need know belong consist resemble display "
    "depict overlook own see hear smell taste possess exist remain fit cover fill line surround border adorn "
    "decorate form lead rise sport match say read advertise indicate mean make be do let"
)
LOOKED = words("at down up out into over through back around away to toward towards on off across in")
AFTER_VERB = words("down up into through toward towards over across away off out back")


def negate_action(parse: Parse) -> Iterator[NegatedCaption]:
    """Yield the caption with its verb denied."""
    verb = verb_of(parse)
    if verb is None:
        yield from _participle(parse)
    elif parse.words[verb].lower() in BE:
        yield from _be(parse, verb)
    elif verb == parse.root:
        yield from _do(parse, verb)


def _be(parse: Parse, verb: int) -> Iterator[NegatedCaption]:
    following = parse.tags[verb + 1] if verb + 1 < parse.end else ""
    about = subject(parse)
    if (
        about is None
        or parse.words[0].lower() == "there"
        or not following.startswith(("VB", "IN", "JJ", "DT"))
    ):
        return
    text = compose(parse, (verb + 1, verb + 1, "not"), *with_any(parse, verb + 1, parse.end))
    kind = "action" if following in {"VBG", "VBN"} else "relation" if following == "IN" else "attribute"
    if kind == "action" or verb == parse.root:
        yield NegatedCaption(kind, "is not", parse.text(verb + 1, parse.end), text)


def _do(parse: Parse, verb: int) -> Iterator[NegatedCaption]:
    about = subject(parse)
    if about is None or _another_verb(parse, verb) or about.head >= verb:
        return
    word, many = parse.words[verb], plural(parse, about.head)
    yield from _is_not_doing(parse, verb, many)
    if parse.tags[verb] == "VBZ" and not many:
        yield _instead(parse, verb, "does not", f"does not {base_form(word)}")
    elif parse.tags[verb] == "VBP" and many and word not in PAST_LIKE and not word.endswith("ed"):
        yield NegatedCaption(
            "action",
            "do not",
            parse.text(verb, parse.end),
            compose(parse, (verb, verb, "do not"), *with_any(parse, verb, parse.end)),
        )


def _is_not_doing(parse: Parse, verb: int, many: bool) -> Iterator[NegatedCaption]:
    """Yield "is not riding" of "rides", which captions say more often than "does not ride"."""
    if parse.tags[verb] != ("VBP" if many else "VBZ") or parse.words[verb] in PAST_LIKE:
        return
    base = parse.words[verb] if many else base_form(parse.words[verb])
    following = parse.words[verb + 1].lower() if verb + 1 < parse.end else ""
    if base in STATES or (base == "look" and following not in LOOKED):
        return
    yield _instead(parse, verb, "is not", f"{'are' if many else 'is'} not {gerund(base)}")


def _instead(parse: Parse, verb: int, rule: str, denial: str) -> NegatedCaption:
    """Return the caption with a denial in place of its verb."""
    rest = with_any(parse, verb + 1, parse.end)
    text = compose(parse, (verb, verb + 1, denial), *rest)
    return NegatedCaption("action", rule, parse.text(verb, parse.end), text)


def _another_verb(parse: Parse, verb: int) -> bool:
    """Return whether a second verb follows, also one taken for a noun: "and coasts down", "and embrace"."""
    if any(tag in {"VBZ", "VBP"} for tag in parse.tags[verb + 1 :]):
        return True
    return any(
        parse.words[token - 1].lower() == "and"
        and parse.deps[token] == "conj"
        and (
            (
                parse.tags[token] == "NNS"
                and parse.words[token + 1 : token + 2]
                and parse.words[token + 1] in AFTER_VERB
            )
            or (parse.tags[token] in {"NN", "VB"} and parse.tags[parse.heads[token]].startswith("VB"))
        )
        for token in range(verb + 1, parse.end)
    )


def _participle(parse: Parse) -> Iterator[NegatedCaption]:
    about, verb = subject(parse), _first_participle(parse)
    if about is None or verb is None:
        return
    denied, any_of_it = parse.text(verb, parse.end), with_any(parse, verb, parse.end)
    if parse.tags[verb - 1] in NOUNS:
        yield NegatedCaption("action", "not doing", denied, compose(parse, (verb, verb, "not"), *any_of_it))
    if verb == about.head + 1 and parse.words[about.start].lower() != "the":
        yield NegatedCaption(
            "action",
            "who is not doing",
            denied,
            compose(parse, (verb, verb, f"{who_is(parse, about.head)} not"), *any_of_it),
        )
    elif parse.tags[verb - 1] in NOUNS and _somewhere(parse, about.head + 1):
        yield NegatedCaption(
            "action", "but not doing", denied, compose(parse, (verb, verb, "but not"), *any_of_it)
        )


def _somewhere(parse: Parse, token: int) -> bool:
    """Return whether a place follows the subject, behind which "but not jumping" reads well; not clothes."""
    inner = object_of(parse, token)
    names = () if inner is None else english().names.get(parse.words[inner].lower(), ())
    worn = any(english().concepts[name].kind == "clothing" for name in names)
    return (
        parse.words[token] in {"in", "on", "at", "near"} and locative(parse, token) is not None and not worn
    )


def _first_participle(parse: Parse) -> int | None:
    root = parse.root
    if parse.tags[root] == "VBG" and any(parse.deps[child] in SUBJECTS for child in parse.children[root]):
        return root
    if phrase(parse, root) is None:
        return None
    first = next((token for token in range(parse.end) if parse.tags[token].startswith("VB")), None)
    if first is None or parse.words[first].lower() in NOUN_LIKE:
        return None
    return first if parse.heads[first] == root and parse.deps[first] == "acl" else None
