"""Denying that something is there: "without a hat", "but no dog", "has no stove", "no one is riding"."""

from collections.abc import Iterator
from random import Random

from omninegclip.captions.compose import NegatedCaption, compose, lowered, with_any, without
from omninegclip.captions.english import plural as plural_of
from omninegclip.captions.english import words
from omninegclip.captions.lexicon import Noun, english
from omninegclip.captions.negate_attribute import ATTRIBUTES
from omninegclip.captions.parse import NOUNS, Parse
from omninegclip.captions.phrasing import insert_absence
from omninegclip.captions.structure import (
    BE,
    COUNTERS,
    IMAGES,
    LEAVABLE,
    PARTS,
    Phrase,
    after_determiner,
    finite,
    locative,
    object_of,
    phrase,
    plural,
    subject,
    verb_of,
)

HAVING = words("has have wearing wears having")
HANDLING = words("wearing holding carrying")
FIXED = words(
    "filled covered topped decorated made loaded lined along together playing plays play packed full "
    "adorned equipped"
)
BESIDE = words("with near beside behind by")
UNDER_IT = frozenset({"on", "in", "under", "behind", "beside", "near"})


def negate_object(parse: Parse, rng: Random) -> Iterator[NegatedCaption]:
    """Yield the caption with one of its objects denied; `rng` picks the phrasing of one said elsewhere."""
    for token in range(parse.end):
        if parse.words[token].lower() == "with" and parse.deps[token] == "prep" and token:
            yield from _without(parse, token)
        elif parse.words[token].lower() in HAVING | HANDLING:
            yield from _having(parse, token)
            yield from _handling(parse, token)
        elif parse.deps[token] == "conj":
            yield from _but_no(parse, token)
    yield from _there_is(parse)
    yield from _subject(parse)
    yield from _inverted(parse)
    yield from _said_elsewhere(parse, rng)


def _without(parse: Parse, token: int) -> Iterator[NegatedCaption]:
    noun = object_of(parse, token)
    whole = None if noun is None else phrase(parse, noun)
    if whole is None or whole.start != token + 1 or parse.words[token - 1].lower() in FIXED:
        return
    if parse.words[whole.head].lower().endswith(("made", "done", "ed")):
        return  # "with the bed unmade": a participle taken for a noun
    if parse.tags[token - 1] == "VBN" or "and" in parse.words[whole.start : whole.head]:
        return
    if any(
        parse.deps[child] in {"conj", "acl", "relcl", "appos", "cc"} or parse.words[child] == "of"
        for child in parse.children[whole.head]
        if child > whole.head
    ):
        return
    if _broken_after(parse, whole.head):
        return
    bare, denied = after_determiner(parse, whole), parse.text(whole.start, whole.head + 1)
    if bare is not None:
        yield NegatedCaption("object", "with no", denied, compose(parse, (token, bare, "with no")))
    definite = parse.tags[whole.start] == "PRP$" or parse.words[whole.start].lower() == "the"
    if (bare is not None and parse.tags[whole.start] != "CD") or definite:
        yield NegatedCaption("object", "without", denied, compose(parse, (token, token + 1, "without")))


def _handling(parse: Parse, token: int) -> Iterator[NegatedCaption]:
    """Yield "not wearing a yellow shirt", where "wearing no yellow shirt" would read wrong."""
    if parse.tags[token] != "VBG" or token == parse.root or parse.words[token - 1].lower() in {"not", *BE}:
        return
    for child in parse.children[token]:
        whole = phrase(parse, child) if parse.deps[child] == "dobj" else None
        if whole is None or whole.start != token + 1 or "and" in parse.words[whole.start : parse.end]:
            continue
        joined = parse.words[token - 1].lower() in {"and", "while", "but"}
        if joined or parse.tags[token - 1] in NOUNS:
            denied = parse.text(whole.start, whole.head + 1)
            text = compose(parse, (token, token, "not"), *with_any(parse, token, parse.end))
            yield NegatedCaption("object", "not having", denied, text)


def _having(parse: Parse, token: int) -> Iterator[NegatedCaption]:
    for child in parse.children[token]:
        whole = phrase(parse, child) if parse.deps[child] == "dobj" else None
        if parse.words[token].lower() not in HAVING:
            return
        if whole is None or whole.start != token + 1 or (bare := after_determiner(parse, whole)) is None:
            continue
        plain = bare == whole.head or parse.words[token].lower() in {"has", "have", "having"}
        joined = any(parse.deps[c] in {"conj", "cc"} or parse.words[c] == "of" for c in parse.children[child])
        if plain and not joined:
            text = compose(parse, (whole.start, bare, "no"))
            yield NegatedCaption("object", "having no", parse.text(whole.start, whole.head + 1), text)


def _but_no(parse: Parse, token: int) -> Iterator[NegatedCaption]:
    first, whole = parse.heads[token], phrase(parse, token)
    if (
        whole is None
        or parse.tags[first] not in NOUNS
        or parse.deps[first] in {"nsubj", "nsubjpass", "compound", "nmod"}
    ):
        return
    if parse.words[whole.start - 1].lower() != "and" or parse.heads[whole.start - 1] != first:
        return
    if parse.deps[first] == "conj" and parse.words[whole.start - 2] != ",":
        return
    earlier, bare = phrase(parse, first), after_determiner(parse, whole)
    if (
        earlier is None
        or bare is None
        or earlier.head != whole.start - 2
        or plural(parse, first) != plural(parse, token)
    ):
        return
    if parse.tags[earlier.start] not in {"DT", "CD"} and not plural(parse, first):
        return
    if after_determiner(parse, earlier) is None or _followed_by_own(parse, token):
        return
    denied = parse.text(whole.start, whole.head + 1)
    yield NegatedCaption("object", "but no", denied, compose(parse, (whole.start - 1, bare, "but no")))


def _there_is(parse: Parse) -> Iterator[NegatedCaption]:
    verb, about = verb_of(parse), subject(parse)
    root = parse.root
    if verb is not None and parse.words[0].lower() == "there" and verb == 1 and parse.words[1] in BE:
        for child in parse.children[root]:
            whole = phrase(parse, child) if parse.deps[child] == "attr" else None
            if (
                whole
                and whole.start == 2
                and (bare := after_determiner(parse, whole)) is not None
                and parse.words[child] not in COUNTERS
            ):
                text = compose(parse, (whole.start, bare, "no"))
                yield NegatedCaption("object", "there is no", parse.text(whole.start, child + 1), text)
    elif verb is None and about and _denies_whole(parse, about):
        bare = after_determiner(parse, about)
        be = "are" if plural(parse, about.head) else "is"
        if bare is not None and (bare > 0 or lowered(parse)):
            first = lowered(parse) if bare == 0 else None
            text = compose(
                parse,
                (0, max(bare, 1) if first else bare, f"there {be} no {first or ''}".strip()),
                *with_any(parse, about.head + 1, parse.end),
            )
            yield NegatedCaption("object", "there is no", parse.text(0, about.head + 1), text)


def _denies_whole(parse: Parse, about: Phrase) -> bool:
    word = parse.words[about.head].lower()
    coordinated = any(parse.deps[child] in {"conj", "cc", "appos"} for child in parse.children[about.head])
    graded = any(parse.tags[token] == "RB" for token in range(about.start, about.head))  # "a very green hill"
    return about.start == 0 and not coordinated and not graded and word not in COUNTERS | IMAGES | PARTS


def _subject(parse: Parse) -> Iterator[NegatedCaption]:
    verb, about = verb_of(parse), subject(parse)
    if verb is None or about is None or not _denies_whole(parse, about) or parse.words[0].lower() == "there":
        return
    bare = after_determiner(parse, about)
    agrees = plural(parse, about.head) == (
        parse.words[verb].lower() in {"are", "were"} or parse.tags[verb] == "VBP"
    )
    if bare is None or not agrees or parse.tags[verb] == "MD" or "and" in parse.words[:verb]:
        return
    if any(
        parse.tags[i] == "VBZ" and parse.words[i - 1].lower() == "and" for i in range(verb + 1, parse.end)
    ):
        return  # "no salad is in a bowl and has lettuce"
    first = lowered(parse) if bare == 0 else ""
    if first is not None:
        start = (0, max(bare, 1) if first else bare, f"no {first}".strip())
        text = compose(parse, start, *with_any(parse, about.head + 1, parse.end))
        yield NegatedCaption("object", "no subject", parse.text(0, about.head + 1), text)


def _inverted(parse: Parse) -> Iterator[NegatedCaption]:
    about = subject(parse)
    if about is None or about.start or parse.root != about.head or finite(parse):
        return
    followers = [child for child in parse.children[about.head] if about.head < child < parse.end]
    start = about.head + 1
    if (
        len(followers) != 1
        or (token := followers[0]) != start
        or parse.words[token] not in UNDER_IT
        or locative(parse, token) is None
    ):
        return
    place = object_of(parse, token)
    whole = None if place is None else phrase(parse, place)
    bare = after_determiner(parse, about)
    if (
        whole is None
        or whole.start != token + 1
        or place != parse.end - 1
        or bare is None
        or parse.tags[whole.start] != "DT"
    ):
        return
    it = "them" if plural(parse, whole.head) else "it"
    thing = lowered(parse) if bare == 0 else ""
    thing = (
        f"{thing or ''} {parse.text(max(bare, 1) if bare == 0 else bare, about.head + 1)}".strip()
        if thing is not None
        else ""
    )
    if thing:
        text = f"{parse.text(whole.start, whole.head + 1)} with no {thing} {parse.words[token]} {it}"
        yield NegatedCaption(
            "object", "place without it", parse.text(0, about.head + 1), compose(parse, (0, parse.end, text))
        )


def _said_elsewhere(parse: Parse, rng: Random) -> Iterator[NegatedCaption]:
    for token in range(3, parse.end):
        word = parse.words[token].lower()
        start = locative(parse, token) if word == "to" else token
        if parse.deps[token] != "prep" or start is None or not (word in BESIDE or word == "to"):
            continue
        noun = object_of(parse, token)
        whole = None if noun is None else phrase(parse, noun)
        if (
            whole is None
            or whole.start != token + 1
            or whole.head + 1 != parse.end
            or parse.span(token)[1] != parse.end
        ):
            continue
        if not (parse.tags[start - 1] in NOUNS or parse.words[start - 1].lower() in LEAVABLE) or (
            verb_of(parse) == start - 1 and parse.words[start - 1].lower() in BE
        ):
            continue
        named = _noun(parse, whole)
        if (
            named
            and not set(named.plural.split()) & set(parse.words[:start])
            and named.singular not in parse.words[:start]
        ):
            place, text = insert_absence(without(parse, start, parse.end), named, "", rng)
            yield NegatedCaption("object", f"said at {place}", parse.text(whole.start, whole.head + 1), text)


def _noun(parse: Parse, whole: Phrase) -> Noun | None:
    """Return the noun of "a red fire truck" as fire truck: countable for sure after "a"."""
    start = min(whole.start + 1, whole.head)
    while start < whole.head and parse.words[start].lower() in ATTRIBUTES:
        start += 1  # what is left belongs to the noun: "alarm clock", whatever the parser makes of "alarm"
    name = parse.text(start, whole.head + 1)
    if not all(parse.tags[token].startswith(("NN", "JJ", "VBN")) for token in range(start, whole.head)):
        return None  # "a blue and raspberry topped cake"
    concepts = english().names.get(name.split()[-1], set())
    if any(english().concepts[concept].kind in {"scene", "nature"} for concept in concepts):
        return None  # a place is not missing from an image as a thing is
    if not name.islower() or plural(parse, whole.head) or parse.words[whole.start].lower() not in {"a", "an"}:
        return None
    return Noun(name, plural_of(name))


def _followed_by_own(parse: Parse, noun: int) -> bool:
    return any(
        child > noun and parse.deps[child] in {"conj", "cc", "appos", "relcl"}
        for child in parse.children[noun]
    )


def _broken_after(parse: Parse, noun: int) -> bool:
    """Return whether what follows makes a clause of the noun: "with his mouth open"."""
    following = noun + 1
    return following < parse.end and (
        parse.tags[following] in {"VBG", "VBN", "VBD", "JJ", "RB", "CC", "RP"}
        or parse.words[following] in {",", "up", "out", "down"}
    )
