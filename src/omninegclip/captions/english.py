"""The few forms of English words that a negated caption needs: articles, plurals and base forms."""

import re

VOWELS = frozenset("aeiou")
SHORT = re.compile(r"(?:qu|[^aeiou])*[aeiou][^aeiouwxy]")  # sit and swim, whose last letter is doubled
SIBILANTS = ("s", "x", "z", "ch", "sh")
ODD_VOWELS = ("uni", "use", "usu", "eur", "one-", "u-", "ukulele", "uten")
SILENT_H = ("hour", "honest", "heir")
IRREGULAR = {
    "person": "people",
    "man": "men",
    "woman": "women",
    "child": "children",
    "mouse": "mice",
    "goose": "geese",
    "foot": "feet",
    "tooth": "teeth",
    "knife": "knives",
    "leaf": "leaves",
    "shelf": "shelves",
    "loaf": "loaves",
    "wolf": "wolves",
    "calf": "calves",
    "scarf": "scarves",
    "sheep": "sheep",
    "deer": "deer",
    "fish": "fish",
    "moose": "moose",
    "ox": "oxen",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "mango": "mangoes",
    "buffalo": "buffalo",
    "fisherman": "fishermen",
    "policeman": "policemen",
    "fireman": "firemen",
    "snowman": "snowmen",
    "aircraft": "aircraft",
}
THIRD_PERSON = {"has": "have", "does": "do", "goes": "go", "lies": "lie", "ties": "tie", "dies": "die"}


def words(text: str) -> frozenset[str]:
    """Return the words of a list written as one text."""
    return frozenset(text.split())


def article(following: str) -> str:
    """Return the indefinite article that fits the word after it: a dog, an umbrella, a uniform, an hour."""
    word = following.lower()
    if word.startswith(SILENT_H):
        return "an"
    return "an" if word[:1] in VOWELS and not word.startswith(ODD_VOWELS) and word != "one" else "a"


def plural(noun: str) -> str:
    """Return the plural of a countable noun, of its last word where there are several."""
    head, _, last = noun.rpartition(" ")
    if last in IRREGULAR:
        form = IRREGULAR[last]
    elif last.endswith(SIBILANTS):
        form = f"{last}es"
    elif last.endswith("y") and last[-2:-1] not in VOWELS:
        form = f"{last[:-1]}ies"
    else:
        form = f"{last}s"
    return f"{head} {form}".strip()


def base_form(verb: str) -> str:
    """Return the base form of a verb in the third person singular: rides, watches, carries."""
    if verb in THIRD_PERSON:
        return THIRD_PERSON[verb]
    if verb.endswith("ies"):
        return f"{verb[:-3]}y"
    if verb.endswith(("sses", "shes", "ches", "xes", "zzes", "oes")):
        return verb[:-2]
    return verb.removesuffix("s")


def gerund(verb: str) -> str:
    """Return the form in -ing of a verb's base form: riding, sitting, lying."""
    if verb == "be":
        return "being"
    if verb.endswith("ie"):
        return f"{verb[:-2]}ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        return f"{verb[:-1]}ing"
    return f"{verb}{verb[-1]}ing" if SHORT.fullmatch(verb) else f"{verb}ing"
