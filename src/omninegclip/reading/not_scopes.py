"""What "not" denies: a thing, an action, an attribute, a place, a relation or a number."""

from omninegclip.captions.english import base_form, gerund
from omninegclip.reading import words as table
from omninegclip.reading.denial import (
    Denial,
    action_end,
    clause_end,
    lead_start,
    meant_by,
    phrase_ending,
    subject_before,
    tail_end,
    text_of,
)
from omninegclip.reading.noun_phrases import Span, acts, bare, head, indefinite, is_plural, listed, phrase_end
from omninegclip.reading.requests import TO_SEE, WANTING, unwanted
from omninegclip.reading.scopes import completed, subjects
from omninegclip.reading.tokens import Tokens

_NAMED_BEFORE = ("it", "he", "she", "they")
_SIGHT = table.words("sight view evidence image picture photo photograph scene frame shot it attendance")
_WEATHER_THINGS = {"raining": "rain", "snowing": "snow"}
_WEATHER = ("raining", "snowing", "dark", "sunny", "cold", "windy")
_CLAUSES_BEFORE = (",", "and", "but", "while", "where", "when")
_ASKERS = ("i", "we", "you", "please", ",", ".", "but", "and", "so")
_PERHAPS = frozenset(
    {"seem", "appear", "want", "need", "know", "look", "like", "seems", "care", "mind", "believe"}
)


_LOOKS = frozenset(("look", where) for where in ("at", "into", "up", "down", "back", "away", "directly"))
_SAID_OF_SUBJECTS = table.DEGREES | table.PRESENT | table.WHERE | {"missing", "absent"}
_HELPERS = table.HELPERS | (table.HAVE - {"having"})


def denied_by_not(words: Tokens, at: int, after: int) -> Denial | None:
    """Read "not" and "n't" by the auxiliary before and the word after; None in doubt."""
    helper = at - 1
    while words[helper].tag in ("R", "F") and words[helper].low not in ("there", "here"):
        helper -= 1
    while words[after].tag in ("R", "F") and words[after].low not in _SAID_OF_SUBJECTS:
        after += 1
    word = words[after]
    if words.lows(after, after + 2) == ["to", "be"] and words[after + 2].low in table.PRESENT:
        return _absent(words, helper, after + 3)
    if (
        word.low in table.DEGREES
        and word.low != "all"
        and not (word.low == "to" and (words[after + 1].tag == "D" or is_plural(words[after + 1].low)))
    ):
        return None
    auxiliary = words[helper].low
    if auxiliary in _HELPERS:
        return _verb(words, helper, after)
    if auxiliary in table.BE:
        return _be(words, helper, after)
    return _bare(words, at, after)


def _verb(words: Tokens, helper: int, after: int) -> Denial | None:
    """Read "does not show X", "can't be seen", "does not run"."""
    verb = words[after].low
    if after >= len(words) or words[after].tag in ",.;":  # "but women do not"
        return _absent(words, helper, after)
    if verb == "make" and words[after + 2].low == "appearance":
        return _absent(words, helper, after + 3)
    asked = words[helper].low != "does" and (helper == 0 or words[helper - 1].low in _ASKERS)
    if asked and (verb in WANTING or verb in ("show", "include")):
        return None if _is_wish_to_act(words, after + 1) else unwanted(words, helper, after + 1)
    if verb == "be":
        if words[after + 1].low in table.PRESENT:
            return _absent(words, helper, after + 2)
        return _object(words, helper, after + 1) if words[helper - 1].low == "there" else None
    if verb in ("appear", "exist") and words[after + 1].low != "to":
        return _absent(words, helper, after + 1)
    if words[helper].low in table.HAVE:
        return _had(words, helper, after)
    if verb in table.HAVING and not _is_one_action(words, after) and words[after + 1].tag != "P":
        return _corrected(words, _object(words, helper, after + 1), after, gerund(base_form(verb)))
    if (
        (verb in _PERHAPS and (verb, words[after + 1].low) not in _LOOKS)
        or words[after].tag not in ("N", "V")
        or verb in table.PRONOUNS
    ):
        return None
    to = words[after + 2] if words[after + 1].low == "to" else None
    if to and to.tag not in ("D", "#") and not is_plural(to.low):
        return None  # "does not plan to run", unlike "does not point to the left"
    end, doing = action_end(words, after), gerund(base_form(verb))
    denial = _predicate(words, helper, end, f"{doing} {words.between(after + 1, end)}".strip())
    return _corrected(words, denial, after, doing)


def _corrected(words: Tokens, denial: Denial | None, verb: int, doing: str) -> Denial | None:
    """Read on after "does not eat the fig | but the plum", which leaves "eating the plum"."""
    if denial is None or words[denial.cut.end].low != "but" or words[denial.cut.end + 1].tag not in "DN#":
        return denial
    end, stop = denial.cut.end, phrase_end(words, denial.cut.end + 1)
    if phrase_end(words, verb + 1) != end or stop == end + 1 or words[stop].tag in "VX":
        return denial
    return denial._replace(cut=denial.cut._replace(end=end + 1), instead=doing)


def _is_wish_to_act(words: Tokens, at: int) -> bool:
    """Tell whether what is wanted is an action: "does not want to leave", unlike "to see a dog"."""
    return words[at].low == "to" and words[at + 1].low not in TO_SEE


def _had(words: Tokens, helper: int, after: int) -> Denial | None:
    """Read "has not a hat", "has not been carved", "has not caught a fish"."""
    if words[after].tag in ("D", "#"):
        return _object(words, helper, after)
    if words[after].low == "been":
        return _be(words, helper, after + 1)
    if words[after].tag != "E" and words[after].low not in _CAUGHT:
        return None
    end, having = clause_end(words, after), "have" if words[helper].low == "have" else "has"
    return _predicate(words, helper, end, f"that {having} {words.between(after, end)}")


def _is_one_action(words: Tokens, at: int) -> bool:
    """Tell whether a verb and its object name an action, and no thing that is there: "holding hands"."""
    held = head(words.between(at + 1, phrase_end(words, at + 1)))
    return words[at].low.startswith("hold") and held in ("hand", "hands")


_CAUGHT = table.words(
    "caught begun become come gone done fallen forgotten gotten got lost opened bought brought"
)


def _be(words: Tokens, helper: int, after: int) -> Denial | None:
    """Read "is not visible", "isn't a dog", "is not red", "is not on a beach", "is not running"."""
    word = words[after]
    if word.low in _WEATHER_THINGS and words[helper - 1].low in ("it", "", *_CLAUSES_BEFORE):
        start = helper - 1 if words[helper - 1].low == "it" else helper
        return Denial(Span(lead_start(words, start), after + 1), (_WEATHER_THINGS[word.low],))
    if words[helper - 1].low == "there" and phrase_end(words, after) > after:
        return _object(words, helper, after)
    if helper == 0 and words[after].low == "there":  # "isn't there a dog"
        return None
    if word.low in table.PRESENT and word.tag == "E" and words[after + 1].tag == "G":
        return _said(words, helper, after + 1)  # "is not shown smiling"
    somewhere = words[helper - 1].low in _NAMED_BEFORE and words[after + 1].tag == "P"
    if word.low in table.PRESENT and not somewhere:  # "it is not displayed on a shelf" says where
        return _absent(words, helper, after + 1)
    if after >= len(words) or word.tag in (",", ".", ";"):
        return _absent(words, helper, after)
    if (word.tag == "P" and words[phrase_end(words, after + 1) - 1].low in _SIGHT) or (
        word.low in ("in", "within") and words[after + 1].low == "it"
    ):
        return _absent(words, helper, max(phrase_end(words, after + 1), after + 2))
    if (
        word.low in ("among", "amongst") and words[helper - 1].low not in table.RELATIVES
    ):  # "not among them", "not among the things shown"
        return _absent(words, helper, clause_end(words, after))
    if word.low in ("part", "one") and words[after + 1].low == "of" and words[after + 2].low not in _OWN:
        return _absent(words, helper, phrase_end(words, after + 2))
    return _said(words, helper, after)


_OWN = table.POSSESSIVES | {"a", "an"}


def _said(words: Tokens, helper: int, after: int) -> Denial | None:
    """Read what is not said of a subject, by the kind of word that begins it."""
    word = words[after]
    if word.low in table.WHERE and _closes(words, after + 1):
        return Denial(Span(_before(words, helper), after + 1), (word.low,))
    acting = word.low not in table.HAVING_FORMS or _is_one_action(words, after)
    if word.low == "being" or (word.tag == "G" and acting):
        end = action_end(words, after)
        denial = _predicate(words, helper, end, words.between(after, end))
        return _corrected(words, denial, after, words.between(after, after + 1))
    if word.tag == "G" or word.low == "having":
        end = clause_end(words, after)
        denial = _object(words, helper, after + 1)
        denial = denial or _predicate(words, helper, end, words.between(after, end))
        return _corrected(words, denial, after, word.low)
    if word.low == "as" and (end := phrase_end(words, after + 1)) > after + 1:
        return Denial(Span(_before(words, helper), end), (text_of(words, Span(after + 1, end)),))
    if word.tag == "P":
        return (_attribute if _closes(words, after + 1) else _place)(words, helper, after)
    named = words[helper].low in table.BE and word.tag == "N" and word.low not in table.ADJECTIVES
    if named and is_plural(words[phrase_end(words, after) - 1].low):
        return _object(words, helper, after)  # "they are not roses"
    if word.tag in ("D",) and phrase_end(words, after) > after:
        return _object(words, helper, after)
    if word.tag == "#":
        return _number(words, helper, after)
    if word.tag in ("N", "E", "R") and after > helper:
        return _attribute(words, helper, after)
    return None


def _bare(words: Tokens, at: int, after: int) -> Denial | None:
    """Read "not" without an auxiliary: "a man not wearing a hat", "but not on a beach"."""
    word = words[after]
    if word.low in _WEATHER_THINGS:
        return Denial(Span(lead_start(words, at), after + 1), (_WEATHER_THINGS[word.low],))
    if words[at].low == "never" and base_form(word.low) in ("appear", "exist"):
        return _absent(words, at, after + 1)
    if word.low == "being" and words[after + 1].low in table.PRESENT:
        return _absent(words, at, after + 2)
    if words[at].low == "never" and word.tag in ("V", "N") and not word.low.endswith("ing"):
        verb = base_form(word.low)
        if verb in table.HAVING and not _is_one_action(words, after) and words[after + 1].tag != "P":
            return _object(words, at, after + 1)
        return _never(words, at, after)
    if words[at - 1].tag == "D" or words[at - 1].low in ("if", "whether", "why", "or", "to", "trying"):
        return None
    if word.low in ("any", "a", "an", "the", "even") or word.tag == "D":
        return _object(words, at, after)
    if word.low == "because" and words[after + 1].low == "of":
        end = clause_end(words, after + 2)
        said = words.between(after + 2, end)
        return Denial(Span(_before(words, at), end), (indefinite(said),)) if said else None
    if word.low in ("in", "within") and words[after + 1].low in ("view", "sight"):
        return _absent(words, at, after + 2)
    if word.low in table.PRESENT and word.tag != "N" and at > 0 and _closes(words, after + 1):
        return _absent(words, at, after + 1)
    if at == 0 and word.tag == "G" and word.low in table.HAVING_FORMS:
        return _object(words, at, after + 1)
    if word.tag == "N" and words[phrase_end(words, after) - 1].low in ("ones", "one"):
        return _object(words, at, after)
    if word.tag == "N" and word.low not in table.ADJECTIVES and words[at - 1].low not in table.ADJECTIVES:
        return _object(words, at, after)
    return _said(words, at, after) if at > 0 or word.tag == "P" else None


def _never(words: Tokens, at: int, after: int) -> Denial | None:
    """Read "a bird that never flies", and "never flies" by itself."""
    end = action_end(words, after)
    said = f"{gerund(base_form(words[after].low))} {words.between(after + 1, end)}".strip()
    return Denial(Span(at, end), (said,)) if at == 0 else _predicate(words, at, end, said)


def _closes(words: Tokens, at: int) -> bool:
    """Tell whether a clause ends at `at`, or with a tail such as "in the image"."""
    return at >= len(words) or words[at].tag in ",;.:" or words[at].tag == "C" or tail_end(words, at) > at


def _object(words: Tokens, at: int, start: int) -> Denial | None:
    """Deny the things listed from `start`; `at` is where the denial begins."""
    helped = words[at].low in table.HELPERS
    spans = listed(words, start, table.AND if helped or words[start].tag not in ("D", "#") else table.OR)
    if not spans or words.between(*spans[0]).lower() == "image":
        return None
    begin = _repeated(words, _leading(words, at))
    end, texts = completed(words, spans, begin, at)
    return Denial(Span(begin, end), texts)


def _leading(words: Tokens, at: int) -> int:
    """Return where the words begin that lead to a denial at `at`: pronouns before "don't see" go too."""
    begin = lead_start(words, at)
    pronoun = words[begin - 1].low
    if words[begin].tag in ("X", "not", "R") and (
        pronoun in ("i", "we", "you", "one")
        or (
            pronoun in _NAMED_BEFORE and (words[begin - 2].tag in ",;." or words[begin - 2].tag in ("C", "S"))
        )
    ):
        begin = lead_start(words, begin - 1)
    return begin


def _repeated(words: Tokens, begin: int) -> int:
    """Return where a subject begins that was named before, as in "a child, but the child | is not ..."."""
    span = phrase_ending(words, begin)
    if span is None or words[span.start].low not in table.DEFINITE:
        return begin
    joined = words[span.start - 1].low in ("but", "and", "while", "whereas", "though", "although")
    again = joined and words[span.end - 1].low in words.lows(0, span.start)
    return lead_start(words, span.start) if again else begin


def _absent(words: Tokens, helper: int, end: int) -> Denial | None:
    """Deny the subject of a clause whose predicate says that it is not there."""
    spans = subjects(words, helper)
    if spans is None or words[spans[0].start].tag == "O":
        return None
    texts = tuple(text_of(words, span) for span in spans)
    return Denial(Span(lead_start(words, spans[0].start), tail_end(words, end)), texts)


def _predicate(words: Tokens, at: int, end: int, said: str) -> Denial | None:
    """Deny what is said of a subject."""
    if words[at - 1].low in _NAMED_BEFORE and said and (named := meant_by(words, at - 1)):
        return Denial(Span(_before(words, at - 1), end), (f"{text_of(words, named)} {said}",))
    subject = subject_before(words, at)
    if subject is None or not said or words[at - 1].low in ("you", "i", "we") or said in _WEATHER:
        return None
    again = words[subject.start].low in table.DEFINITE and subject.end == at
    if again and words[subject.start - 1].low in ("but", "while", "whereas", "though", "although", "where"):
        return Denial(Span(lead_start(words, subject.start), end), (f"{text_of(words, subject)} {said}",))
    if said.endswith(" it") and (first := phrase_end(words, 0)) < subject.start:
        said = f"{said.removesuffix('it')}{words.between(0, first)}"
    return Denial(Span(_before(words, at, subject), end), (f"{text_of(words, subject)} {said}",))


def _before(words: Tokens, at: int, subject: Span | None = None) -> int:
    """Return where the words begin that join a denied predicate to its subject."""
    if subject and words[subject.start - 1].low == "whose":
        return subject.start - 1
    begin = at - 1 if words[at - 1].low in table.RELATIVES else at
    while words[begin - 1].low in (",", "and", "but", "just", "somewhere"):
        begin -= 1
    return begin


def _place(words: Tokens, at: int, after: int) -> Denial | None:
    """Deny a place by itself, "on a beach", or a relation with its subject, "a dog on a sofa"."""
    place = after + 1
    while words[place].tag == "P":
        place += 1
    stop = phrase_end(words, place)
    thing = head(bare(words.between(place, stop)))
    end = clause_end(words, after)
    if words[stop].tag == "G" and place < stop and not acts(thing):
        end = stop  # "not on a leash playing in a park" leaves it playing there
    said = words.between(after, end)
    if thing in table.PLACES:
        return Denial(Span(_before(words, at), end), (said,))
    return _predicate(words, at, end, said)


def _number(words: Tokens, at: int, after: int) -> Denial | None:
    """Deny a number: "dogs, not three", "not three dogs"."""
    if phrase_end(words, after) > after + 1:
        return _object(words, at, after)
    if words[after + 1].tag not in (",", ".", ";") and words[after + 1].low != "of":
        return None
    end = phrase_end(words, 0)
    if end == 0:
        return None
    begin = lead_start(words, at - 2 if words[at - 1].low == "number" else at)
    stop = after + 3 if words[after + 1].low == "of" else after + 1
    return Denial(Span(begin, stop), (f"{words[after].low} {bare(words.between(0, end))}",))


def _attribute(words: Tokens, at: int, after: int) -> Denial | None:
    """Deny an attribute: "a red car" of "a car that is not red"."""
    held = phrase_ending(words, at)
    owned = (
        held
        and words[at - 1].tag != ","
        and (words[held.start].low in table.POSSESSIVES or words[held.start - 1].low == "with")
    )
    pronoun = words[at - 1].low in _NAMED_BEFORE
    subject = meant_by(words, at - 1) if pronoun else held if owned else subject_before(words, at)
    if subject is None:
        return None
    taken = words[subject.end - 1].low in table.IMAGES  # "a photo not taken at night" denies the night
    end = clause_end(words, after) if taken else action_end(words, after)
    if words[after + 1].tag == "G" or (
        words[after].low in table.ADJECTIVES and words[after + 1].low in ("in", "on", "at", "during")
    ):
        end = after + 1  # "not paved leading to a farm", "not crowded on a sunny day"
    said = words.between(after, end)
    if words[subject.end - 1].low in table.ADJECTIVES and subject.end > subject.start + 1:
        subject = subject._replace(end=subject.end - 1)  # "a box open and not closed"
    core = bare(text_of(words, subject))
    if said in table.COLOUR_NAMES:  # "a green apple that is not red" denies "a red apple"
        core = " ".join(word for word in core.split() if word not in table.COLOUR_NAMES) or core
    before = end == after + 1 and words[after].tag != "P"
    text = indefinite(f"{said} {core}") if before else f"{indefinite(core)} {said}"
    if pronoun:  # "a bed, and it isn't made"
        return Denial(Span(_before(words, at - 1), end), (text,))
    begin = _repeated(words, at) if subject.end == at else at
    return Denial(Span(_before(words, at, subject) if begin == at else begin, end), (text,))
