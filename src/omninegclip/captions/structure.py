"""The parts of a caption that rules look for: its verb, its subject, its noun phrases and places."""

from dataclasses import dataclass

from omninegclip.captions.english import words
from omninegclip.captions.lexicon import english
from omninegclip.captions.parse import NOUNS, Parse

BE = frozenset({"is", "are", "was", "were"})
FINITE = frozenset({"VBZ", "VBP", "VBD", "MD"})
SUBJECTS = frozenset({"nsubj", "nsubjpass", "expl"})
BEFORE_NOUN = frozenset({"det", "amod", "nummod", "compound", "poss", "nmod", "predet", "quantmod"})
COUNTERS = words("group bunch couple pair set herd flock pile stack row lot number variety crowd team")
QUANTIFIERS = words(
    "several many few some various multiple numerous different other own such more most all both each every "
    "another assorted countless"
)
VAGUE = words("lot lots number variety majority few couple bunch most")
PARTS = words("inside front top interior rest side back end edge part half bottom corner")
GERUNDS = words("living dining parking swimming building wedding shopping washing walking sewing boxing")
ACTS = words(
    "smile walk play pose look run ride jump surf ski skate dance watch stand sit smiles rides jumps poses "
    "fight fights hug hugs kiss wrestle climb hike talk wait chase"
)
IMAGES = words("picture photo image view photograph shot close close-up closeup scene portrait sight")
LOCATIVE = words("on in at near under behind beside inside above below by along across against outside over")
LEAVABLE = words(
    "sitting standing walking running lying laying parked sleeping sits stands walks runs sleeping "
    "waiting eating posing swimming grazing smiling"
)
NEEDS_PLACE = words(
    "put puts putting place placed places set sets laid located situated positioned mounted attached "
    "dressed covered filled made seated topped stacked piled leaning leans based is are was were "
    "looks looking look seen shown"
)
IDIOMS = words(
    "air background foreground distance day night time way line front back middle row side top "
    "motion flight action progress other each area view left right past hand hands mouth head face "
    "arms picture photo image game photograph position fashion pose style wild "
    "dusk dawn sunset sunrise noon midday nighttime daytime daylight morning afternoon evening twilight "
    "spring summer autumn fall winter atmosphere"
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase without what follows its noun: words `start` to `head`, the noun's index."""

    start: int
    head: int


def finite(parse: Parse) -> bool:
    """Return whether the caption is a sentence and no mere noun phrase."""
    return verb_of(parse) is not None


def verb_of(parse: Parse) -> int | None:
    """Return the verb that carries tense, None in a noun phrase."""
    root = parse.root
    if parse.tags[root] in FINITE:
        return root
    helpers = (child for child in parse.children[root] if parse.deps[child] in {"aux", "auxpass"})
    return next((child for child in helpers if child < root and parse.tags[child] in FINITE), None)


def subject(parse: Parse) -> Phrase | None:
    """Return what the caption speaks of: the subject of a sentence, or the noun of a noun phrase."""
    root = parse.root
    for child in parse.children[root]:
        if parse.deps[child] in SUBJECTS and child < root:
            return phrase(parse, child)
    return phrase(parse, root) if parse.tags[root] in NOUNS else None


def phrase(parse: Parse, head: int) -> Phrase | None:
    """Return the noun phrase around a noun, None where other words stand between."""
    word = parse.words[head].lower()
    if parse.tags[head] not in NOUNS or word in ACTS or (word.endswith("ing") and word not in GERUNDS):
        return None
    start = head
    for child in reversed(parse.children[head]):
        if child < head:
            left, right = parse.span(child)
            if parse.deps[child] not in BEFORE_NOUN or right != start:
                return None
            start = left
    if any(word.endswith("ing") and word not in GERUNDS for word in parse.words[start:head]):
        return None  # "a shirt balancing bicycle": a participle taken for a noun
    return Phrase(start, head)


def quantified(parse: Parse) -> bool:
    """Return whether the caption speaks of many, some or most: "many are not" leaves some that are."""
    about = subject(parse)
    if about is None:
        return any(word.lower() in QUANTIFIERS for word in parse.words[:3])
    counter = (
        parse.words[about.head].lower() in VAGUE and "of" in parse.words[about.head + 1 : about.head + 2]
    )
    return counter or any(word.lower() in QUANTIFIERS for word in parse.words[about.start : about.head])


def after_determiner(parse: Parse, noun: Phrase) -> int | None:
    """Return where the phrase goes on after "a" or a number, None after any other such word.

    "The dog sleeps" speaks of one dog and "no dog sleeps" of all: they are no opposites.
    """
    tag, word = parse.tags[noun.start], parse.words[noun.start].lower()
    if tag == "DT" and word in {"a", "an"}:
        at = noun.start + 1
        if at < noun.head and parse.words[at].lower() in QUANTIFIERS:  # "a few cars"
            return at + 1
        return None if at < noun.head and parse.tags[at] == "CD" else at
    if tag == "CD" and word != "one" and noun.start < noun.head and plural(parse, noun.head):
        return noun.start + 1
    bare = plural(parse, noun.head) and tag in {"NNS", "JJ", "NN", "VBN", "VBG"} and word not in QUANTIFIERS
    return noun.start if bare else None


def plural(parse: Parse, noun: int) -> bool:
    """Return whether a noun is written in the plural."""
    return parse.tags[noun] in {"NNS", "NNPS"}


def person(parse: Parse, noun: int) -> bool:
    """Return whether a noun means people, so that "who" goes with it."""
    names = english().names.get(parse.words[noun].lower(), set())
    return any(english().concepts[name].kind == "people" for name in names)


def animate(parse: Parse, noun: int) -> bool:
    """Return whether a noun means people or animals, who do something themselves."""
    names = english().names.get(parse.words[noun].lower(), set())
    return any(english().concepts[name].kind in {"people", "animal"} for name in names)


def who_is(parse: Parse, noun: int) -> str:
    """Return "who is", "who are", "that is" or "that are"."""
    whole = phrase(parse, noun)
    first = parse.words[whole.start].lower() if whole else ""
    counted = first in QUANTIFIERS or (
        whole is not None and parse.tags[whole.start] == "CD" and first != "one"
    )
    many = plural(parse, noun) or counted  # "multiple aircraft"
    return f"{'who' if person(parse, noun) else 'that'} {'are' if many else 'is'}"


def locative(parse: Parse, preposition: int) -> int | None:
    """Return where a phrase of place begins ("next" of "next to a tree"), None where it is no such phrase."""
    word = parse.words[preposition].lower()
    if word == "to" and preposition and parse.words[preposition - 1].lower() == "next":
        start = preposition - 1
    elif parse.tags[preposition] == "IN" and word in LOCATIVE:
        start = preposition
    else:
        return None
    inner = object_of(parse, preposition)
    return start if inner is not None and parse.words[inner].lower() not in IDIOMS else None


def object_of(parse: Parse, preposition: int) -> int | None:
    """Return the noun of "on a sofa", "in front of a sofa" or "on top of a sofa"."""
    for child in parse.children[preposition]:
        if parse.deps[child] == "pobj" and parse.tags[child] in NOUNS:
            if parse.words[child].lower() in {"front", "top"}:
                inner = next((i for i in parse.children[child] if parse.words[i] == "of"), None)
                return None if inner is None else object_of(parse, inner)
            return child
    return None
