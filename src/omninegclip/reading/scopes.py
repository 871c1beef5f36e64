"""How far a cue reaches: one function for each kind of cue, with what follows or precedes it."""

from omninegclip.captions.english import base_form, gerund
from omninegclip.reading import words as table
from omninegclip.reading.denial import (
    Denial,
    action_end,
    clause_end,
    lead_start,
    phrase_ending,
    subject_before,
    tail_end,
    text_of,
)
from omninegclip.reading.noun_phrases import Span, acts, head, is_plural, listed, phrase_end
from omninegclip.reading.partitives import IS_OR_HAS, done_to, neither_nor
from omninegclip.reading.tokens import Tokens


def following(words: Tokens, at: int, after: int) -> Denial | None:
    """Read "no X", "without X", "free of X, Y or Z": what follows the cue is denied."""
    cue = words[at].low
    while words[after].tag == "F":  # "lacking even a table"
        after += 1
    if _denies_nothing(words, at, after):
        return None
    # "a bench that no one sits on"
    nobody = after + 1 if cue == "no" and words[after].low == "one" else after
    if (cue in _ITSELF or nobody > after) and (done := done_to(words, at, nobody)):
        return done
    after = _object_start(words, at, after)
    if cue == "neither" and (undone := neither_nor(words, at, after)):
        return undone
    if (begin := _action_start(words, at, after)) is not None:
        return _undone(words, at, begin)
    if cue in _OTHERWISE and (other := _otherwise(words, at, after)):
        return other
    spans = (
        [Span(at, after + 1 if words[after].low == "else" else after)]
        if cue in _ITSELF
        else listed(words, after, table.OR if cue in ("no", "zero") else table.AND)
    )
    if not spans or words.between(*spans[0]).lower() == "image":
        return None
    if cue == "nothing" and words[after].tag == "P" and words[after].low != "to":
        return _nowhere_on(words, at, after)
    if cue in ("no", "zero"):
        spans = _and_as_or(words, spans)
    while cue in ("absence", "lack") and words[at - 1].low in _BEFORE_ABSENCE:
        at -= 1
    start = lead_start(words, at)
    if start == 0 and words[spans[0].end].low == "," and words[spans[-1].end].tag in "VX" and cue in _OPENING:
        spans = spans[:1]  # "without people, cats and dogs play"
    if cue == "except" and words[spans[-1].end].low in table.BE:  # "all cakes except the small one are sold"
        return Denial(Span(start, spans[-1].end), tuple(text_of(words, span) for span in spans))
    end, texts = completed(words, spans, start, at)
    rest = _resumed(words, end)
    if rest is not None and words[at - 1].tag in ("P", "G", "V", "X") and words[at - 1].low not in table.BE:
        return Denial(Span(at, rest), texts)  # "with no shirt and a hat" leaves "with a hat"
    if start == at and words[at - 1].tag == "V" and cue in _NO_ONE:
        return _not_done(words, at - 1, end, texts)
    return Denial(Span(start, end), texts)


def _not_done(words: Tokens, verb: int, end: int, texts: tuple[str, ...]) -> Denial:
    """Read "an engine that emits no smoke" as denying that it emits smoke."""
    start = verb - 1 if words[verb - 1].low in table.RELATIVES else verb
    done = gerund(base_form(words[verb].low))
    return Denial(Span(start, end), tuple(_of_subject(words, verb, f"{done} {text}") for text in texts))


def _denies_nothing(words: Tokens, at: int, after: int) -> bool:
    """Tell whether a cue is no denial of what follows it: "a no entry sign", "with or without"."""
    cue, before = words[at].low, words[at - 1]
    if cue == "no" and (before.tag == "D" or (before.tag == "P" and before.low not in _BEFORE_NO)):
        return True
    if cue == "lack" and words[at + 1].low not in ("lack", "of", "in") and before.tag == "D":
        return True  # "a lack dog" for a black one
    if words[after].low in ("and", "or") and words[after + 1].low in ("with", "without"):
        return True
    if cue in ("except", "excepting", "apart", "aside", "other") and not _exempts(words, at):
        return True
    return cue == "nothing" and words[after].low in table.BE and tail_end(words, after) == after


def _object_start(words: Tokens, at: int, after: int) -> int:
    """Return where the things begin that are denied, behind "does it show", "showing" and "features"."""
    cue = words[at].low
    if cue == "nor":
        after = _after_inversion(words, after)
    if cue == "without" and words[after].low in _SHOWING:
        after += 1
    if cue in ("neither", "nor") and words[after].low in table.HAVING_FORMS:
        after += 1  # "neither features a bus nor a car"
    return after


def _action_start(words: Tokens, at: int, after: int) -> int | None:
    """Return where an action begins that is denied, None where things are: "without using his hands"."""
    cue, word = words[at].low, words[after]
    if cue in _UNDOING and word.low == "being":
        return after + 1
    attributive = word.low in _ATTRIBUTIVE and words[after + 1].tag == "N"
    acting = word.tag == "G" and cue in _UNDOING and not attributive
    return after if acting else None


def _otherwise(words: Tokens, at: int, after: int) -> Denial | None:
    """Read "rather than in a pen", "instead of parked in a rack" and "rather than ride": it is not so."""
    word, then = words[after], words[after + 1]
    if word.low in table.WHERE and phrase_end(words, after + 1) == after + 1:
        return Denial(Span(lead_start(words, at), after + 1), (word.low,))
    if word.tag == "P":
        end = _complement_end(words, after)
        said = words.between(after, end)
        if end == after + 1:
            return None
        if word.low == "as":  # "as a guest rather than as the host"
            return Denial(Span(lead_start(words, at), end), (text_of(words, Span(after + 1, end)),))
        if head(words.between(after + 1, end)) not in table.PLACES:
            said = _of_subject(words, at, said)
        return Denial(Span(lead_start(words, at), end), (said,))
    if word.tag == "E" and then.tag not in ("N", "G", "E", "#"):
        return _undone(words, at, after)
    if word.tag == "V" and word.low not in table.HAVING_FORMS and then.tag in ("D", "P", "O", "."):
        end = clause_end(words, after + 1)
        said = f"{gerund(base_form(word.low))} {words.between(after + 1, end)}".strip()
        return Denial(Span(lead_start(words, at), end), (_of_subject(words, at, said),))
    return None


def _after_inversion(words: Tokens, after: int) -> int:
    """Return where what is denied begins after "nor": behind "does it show" and "is there"."""
    at = after + 1
    if words[after].tag != "X":
        return after
    if words[at].low == "there":
        return at + 1
    at = at + 1 if words[at].tag == "O" else phrase_end(words, at)
    return at + 1 if words[at].low in table.HAVING else after


_SHOWING = table.words("showing featuring including containing depicting displaying revealing having")
_BEFORE_NO = ("with", "of", "for", "except", "by")
_BEFORE_ABSENCE = table.words("in the a its for complete total notable noticeable")
_BEFORE_INVERTED = table.words("a notable noticeable conspicuous by its")
_OPENING = ("without", "absence", "lack")
_OTHERWISE = ("rather", "instead", "as")
_UNDOING = ("without", "rather", "instead")
_ITSELF = table.words("nobody nothing noone no-one")
_NO_ONE = _ITSELF | {"no"}
_SOMEONE = _ITSELF | {"one"}
_DENYING_ALL = _NO_ONE | {"neither", "nor"}


def _nowhere_on(words: Tokens, at: int, after: int) -> Denial:
    """Read "a table with nothing on it" as denying something on a table."""
    start, stop = lead_start(words, at), phrase_end(words, after + 1)
    place = words.between(after, stop)
    if words[after + 1].low in ("it", "them") and (subject := phrase_ending(words, start)):
        return Denial(Span(start, after + 2), (f"something {words[after].low} {text_of(words, subject)}",))
    if start == 0:  # "nothing on the table" leaves the table
        return Denial(Span(start, after), (f"something {place}",))
    return Denial(Span(start, tail_end(words, after)), ("something",))


_ATTRIBUTIVE = table.words(
    "parking swimming running shopping dining sleeping cooking washing flying skating boxing rolling "
    "living driving walking hiking surfing serving drinking moving matching remaining"
)


_BEING_OR_HAVING = table.HAVING_FORMS | table.BE


def _exempts(words: Tokens, at: int) -> bool:
    """Tell whether "except" takes something out, unlike in "empty except for", which names what is left."""
    return words[at - 1].low in ("everything", "everyone") or not any(
        word.low in _LEFT_BARE or (word.tag in ("V", "G", "E", "X") and word.low not in _BEING_OR_HAVING)
        for word in words.words[:at]
    )


_LEFT_BARE = table.words(
    "empty bare naked nude topless deserted alone nothing nobody no none vacant blank plain barren"
)


def _undone(words: Tokens, at: int, after: int) -> Denial | None:
    """Read "without using his hands": an action is denied."""
    end = action_end(words, after, instead=words[at].low in _OTHERWISE)
    return Denial(Span(lead_start(words, at), end), (_of_subject(words, at, words.between(after, end)),))


def _and_as_or(words: Tokens, spans: list[Span]) -> list[Span]:
    """Add Y of "no X and Y" where both are bare and alike: "no cars and trucks", not "no hat and jeans"."""
    last = spans[-1]
    if words[last.end].low != "and" or words[last.end + 1].tag != "N":
        return spans
    end = phrase_end(words, last.end + 1)
    alike = is_plural(words[last.end - 1].low) == is_plural(words[end - 1].low)
    if end == last.end + 2 and alike and last.end - last.start == 1 and words[end].tag not in ("V", "X", "G"):
        return [*spans, Span(last.end + 1, end)]
    return spans


def _resumed(words: Tokens, end: int) -> int | None:
    """Return where "and a hat" goes on with what is affirmed after a denied list, None where it does not."""
    at = end + 1 if words[end].low == "," else end
    if words[at].low in ("and", "but") and words[at + 1].tag in ("D", "#", "N", "E"):
        stop = phrase_end(words, at + 1)
        if stop > at + 1 and (
            words[stop].tag not in ("X", "V") or words[at + 1].low not in ("the", "his", "her")
        ):
            return at + 1
    return None


def completed(words: Tokens, spans: list[Span], start: int, at: int) -> tuple[int, tuple[str, ...]]:
    """Return where the denial ends and its texts, with what belongs to the last thing: "people walking".

    `start` is where the words begin that lead to the cue at `at`.
    """
    last = spans[-1]
    if words.lows(last.end, last.end + 3) == [",", "such", "as"]:  # "no fruit, such as figs or pears"
        last = (listed(words, last.end + 3, table.AND) or spans)[-1]
    end = tail_end(words, last.end)
    texts = [text_of(words, span) for span in spans]
    goes_on = start == 0 and words[at].low in _NO_ONE and words[end].tag in ("V", "X")
    if end > last.end and not goes_on:
        return end, tuple(texts)
    last = Span(last.start, end)
    more, stop = _belonging(words, last, start, at)
    if more and words[end].tag in "VX":  # "neither the man nor the woman is smiling"
        texts = [f"{text} {more}" for text in texts]
    elif more:
        texts[-1] = f"{texts[-1]} {more}"
    return tail_end(words, stop) if stop > last.end else stop, tuple(texts)


_LEADING_CLAUSES = table.words("but while that because where though although whereas")


def _heads_clause(words: Tokens, thing: Span, start: int, at: int) -> bool:
    """Tell whether a denied thing opens a clause, so that a verb behind it is said of it."""
    word, lead = words[thing.end], words.lows(start, at)
    if "with" in lead or words[at].low == "without":
        return False
    if is_plural(head(words.between(*thing))) and word.low in ("is", "was"):
        return False
    if start in (0, at) or "there" in lead or words[at].low in table.HELPERS:
        return True
    if not _LEADING_CLAUSES.isdisjoint(lead):
        return True
    if words[start].low not in (",", ";", "and"):
        return False
    if _acts(words, thing) or word.low in ("is", "are"):
        return True
    return (word.tag == "V" or word.low in table.HAVE) and _after_clause(words, start)


def _belonging(words: Tokens, thing: Span, start: int, at: int) -> tuple[str, int]:
    """Return what is said of a denied thing, and where that ends."""
    word, end = words[thing.end], thing.end
    if word.tag in ".,;:C":
        return "", end
    lead = words.lows(start, at)
    actor = _acts(words, thing)
    first = start == 0 or "there" in lead or words[at].low in table.HELPERS
    clause = _heads_clause(words, thing, start, at)
    relative = "who" in lead or "which" in lead  # "who does not have a bag is running": he is
    if word.low in table.BE and not relative and (clause or words[thing.start].low in ("one", "nobody")):
        return _with_place(words, _being(words, end + 1), start, start > 0)
    if word.tag == "G" and words[end + 1].low in table.PRONOUNS and words[end + 2].tag in (",", "."):
        return "", end + 2  # "a hand holding it"
    helped = words[at].low in table.HELPERS
    if word.tag == "G" and (actor or (first and not (helped and word.low in table.THINGS_DO))):
        done = _doing(words, end)
        return _with_place(words, done, start, _after_clause(words, start)) if clause else done
    if word.low in table.THINGS_DO and not _is_about_somebody(words, start):
        stop = _complement_end(words, end + 1)
        return words.between(end, stop), stop
    if (
        word.tag == "E"
        and words[end + 1].tag in ("P", ",", ".", "R", "C")
        and (words[at].low != "without" or is_plural(head(words.between(*thing))))
    ):
        return _doing(words, end)
    if word.tag in "VX" and clause and (finite := _finitely(words, thing, start, at)):
        return finite
    if word.low == "to" and words[thing.start].low in _SOMEONE and words[end + 1].tag in "VN":
        stop = clause_end(words, end)  # "nobody to talk to"
        return "" if words[stop - 1].low in table.PRONOUNS else words.between(end, stop), stop
    if word.tag == "P" and words[at].low in _DENYING_ALL and (first or words[at].low == "nor"):
        stop = _complement_end(words, end)
        if (words[stop].low in table.BE or words[stop].tag == "V") and tail_end(words, stop) > stop:
            return words.between(end, stop), stop  # "no boat in the bay is visible"
        if actor and words[stop].low in table.BE and words[stop + 1].tag in ("G", "E"):
            said, verb = _doing(words, stop + 1)
            return f"{words.between(end, stop)} {said}", verb  # "no cyclist on the road is wearing a hat"
    if word.tag == "P" and (stop := _placed(words, thing, start, at)) > end:
        return words.between(end, stop), stop
    if word.low in ("who", "that", "which") and words[end + 1].tag in ("X", "V") and (actor or first):
        stop = clause_end(words, end)
        return words.between(end, stop), stop
    return "", end


def _finitely(words: Tokens, thing: Span, start: int, at: int) -> tuple[str, int] | None:
    """Return what the finite verb behind a denied thing says of it, and where that ends."""
    word, end, lead = words[thing.end], thing.end, words.lows(start, at)
    first = start == 0 or "there" in lead or words[at].low in table.HELPERS
    many = is_plural(head(words.between(*thing)))
    single = words[at].low != "not" or "one" in words.lows(at, at + 2) or words[at + 2].low == "single"
    theirs = first or words[start].low == "," or _acts(words, thing) or not _is_about_somebody(words, start)
    apart = first or words[start].tag in ",;" or _after_clause(words, start)
    if word.tag == "V" and theirs and single and words[at].low not in table.DO:
        return _finite(words, end, first, many) if word.low.endswith("s") or (many and apart) else None
    if "who" in lead or "which" in lead:
        return None
    if word.low in table.MODALS and words[end + 1].tag in "VN":
        return _finite(words, end + 1, first, many=True)  # "nobody can tell the time"
    if word.low in table.HAVE and words[end + 1].low == "been":
        return _with_place(words, _being(words, end + 2), start, start > 0)
    if word.low in table.HAVE and words[end + 1].tag in ("E", "V"):
        said, stop = _done(words, end + 1)
        return f"that {word.low} {said}" if said else "", stop  # "where no band has appeared"
    return None


def _after_clause(words: Tokens, start: int) -> bool:
    """Tell whether a clause stands before `start`, so that a verb after it is of a clause of its own."""
    tags = {word.tag for word in words.words[:start]}
    return not tags.isdisjoint("VX") or (words[start].tag in ",;" and not tags.isdisjoint("GE"))


def _being(words: Tokens, at: int) -> tuple[str, int]:
    """Return what is said after "is", and where that ends: "being thrown", "open", "at his feet"."""
    verb = at + 1 if words[at].low == "being" else at
    if words[verb].tag in ("G", "E"):
        said, stop = _doing(words, verb)
        return words.between(at, stop) if said else "", stop
    if words[at].tag == "P" and words[at + 1].low in table.POSSESSIVES:
        stop = _complement_end(words, at)
        return words.between(at, stop), stop
    if words[at].low in table.ADJECTIVES and (words[at + 1].tag in ".,;C" or words[at + 1].low == "as"):
        return words.between(at, at + 1), at + 1
    return "", at


def _with_place(words: Tokens, done: tuple[str, int], start: int, apart: bool) -> tuple[str, int]:
    """Return what is done, and where that ends, with the thing after its preposition.

    That is so in a clause of its own, `apart`, and of what isn't a place: "leaning against the wall".
    """
    said, stop = done
    if said and words[stop].low in table.WHERE and words[stop + 1].tag in ".,;C":
        return f"{said} {words[stop].low}", stop + 1
    whole = apart and words[start].tag in (",", ";", "C") and "with" not in words.lows(start, stop)
    if not said or words[stop].tag != "P" or not (whole or words[stop].low in _AIMED):
        return done
    end = _complement_end(words, stop)
    if end == stop + 1 or words[end - 1].low in table.PRONOUNS:
        return said, end if end > stop + 1 else stop
    return f"{said} {words.between(stop, end)}", end


_AIMED = table.words("against with toward towards into onto to")


def _finite(words: Tokens, at: int, first: bool, many: bool) -> tuple[str, int]:
    """Return a verb with its object as a participle: "covering the hill" of "no trees cover the hill"."""
    if words[at + 1].low in table.PRONOUNS:
        return "", at + 2  # "no lid covers it"
    low, stop = words[at].low, phrase_end(words, at + 1)
    if words[stop].tag == "P" and (not first or words[stop].low in _AIMED or low in ("look", "looks")):
        stop = _complement_end(words, stop)
    base = base_form(low) if low.endswith("s") and not many else low
    return f"{gerund(base)} {words.between(at + 1, stop)}".strip(), stop


def _placed(words: Tokens, thing: Span, start: int, at: int) -> int:
    """Return where the place or the like of a denied thing ends, the thing's end where it has none."""
    end = thing.end
    word, then, stop = words[end], words[end + 1], phrase_end(words, end + 1)
    place, actor = head(words.between(end + 1, stop)), _acts(words, thing)
    if then.low in table.POSSESSIVES or (then.low == "the" and place in words.lows(0, start)):
        return stop  # "a bay with gulls, but no boats in the bay"
    if word.low in ("at", "in", "on") and place in _STATES:
        return _complement_end(words, stop) if words[stop].tag == "P" and start > 0 else stop
    if word.low == "from" and then.low.isdigit():
        return end + 2  # "a sedan from 2012"
    if word.low == "by" and stop > end + 1 and (then.tag != "D" or acts(place)):
        return stop  # "a coat by a designer", unlike "by the sea"
    apart = word.low in _BACKDROP or (place in _EVENTS and not actor) or words[at].low in _OTHERWISE
    if then.low in ("the", "either") and start > 0 and not apart:
        theirs = actor or not _is_about_somebody(words, start) or words[start].low == ","
        amid = place in _AMID and "of" in words.lows(end, stop)  # "in the middle of a field"
        outside = (place not in table.PLACES and not amid) or word.low not in ("in", "on") or place == "sky"
        if (theirs and outside) or (word.low in ("on", "at") and place in _PARTS):
            return stop  # "no logo on the front", "no employees at the desks"
    first = start == 0 or "there" in words.lows(start, at) or words[at].low in table.HELPERS
    return stop if word.low in ("with", "for") and first and not apart else end


_BACKDROP = table.words("before after during against")
_EVENTS = table.words(
    "party awards event ceremony premiere gala festival wedding match game final race reception concert "
    "conference summit auction"
)
_STATES = table.words("work bloom flower flight motion fire duty leash")
_AMID = ("middle", "midst", "centre", "center")
_PARTS = table.words("back front side sides top bottom")


def _acts(words: Tokens, thing: Span) -> bool:
    """Tell whether a thing can do what is said after it: "one" can, "a red one" may be anything."""
    noun = head(words.between(*thing))
    return acts(noun) and (noun != "one" or thing.end == thing.start + 1)


def _is_about_somebody(words: Tokens, start: int) -> bool:
    """Tell whether the words before `start` are about somebody, who may do what is said after it."""
    subject = subject_before(words, start) if start else None
    return subject is not None and acts(head(words.between(*subject)))


def _complement_end(words: Tokens, at: int) -> int:
    """Return where the prepositions at `at` and the thing after them end: "up to the door"."""
    stop = at
    while words[stop].tag in ("P", "R"):
        stop += 1
    if words[stop].low in table.PRONOUNS:
        return stop + 1
    return max(stop, phrase_end(words, stop))


def _doing(words: Tokens, at: int) -> tuple[str, int]:
    """Return a participle with its object; where it is in the image stays affirmed."""
    end = at + 1
    if words[at].tag == "G":
        if words[end].low in table.PRONOUNS:
            return "", end + 1  # "no dogs touching it"
        end = max(end, phrase_end(words, end))
        if words[end].low == "to" and words[end + 1].tag in ("N", "V"):
            end += 2
    elif words[end].low in _PARTICLES and phrase_end(words, end + 1) == end + 1:
        end += 1  # "set up"
    return words.between(at, end), end


_PARTICLES = ("up", "out", "down", "off")


def _done(words: Tokens, at: int) -> tuple[str, int]:
    """Return what somebody has done, with its object: "laid out any forks"; nothing of "joined them"."""
    end = at + 2 if words[at + 1].low in _PARTICLES else at + 1
    if words[end].low in table.PRONOUNS:
        return "", end + 2 if words[end + 1].low in _PARTICLES else end + 1
    end = max(end, phrase_end(words, end))
    return words.between(at, end), end


def inverted(words: Tokens, at: int, after: int) -> Denial | None:
    """Read "noticeably absent from the image is a bench": what follows is denied."""
    spans = listed(words, after, table.AND)
    if not spans:
        return None
    while words[at - 1].tag == "R" or words[at - 1].low in _BEFORE_INVERTED:
        at -= 1
    end, texts = completed(words, spans, lead_start(words, at), at)
    return Denial(Span(lead_start(words, at), end), texts)


def preceding(words: Tokens, at: int, after: int) -> Denial | None:
    """Read "the X is missing", "X nowhere to be seen", "X excluded": what precedes the cue is denied."""
    if words[at - 1].low in ("not", "never", "and", "or", "while", "when") or at == 0:
        return None
    if words[after - 1].low == "missing" and words[after].tag in ("D", "#", "N"):
        return _lacked(words, at, after)
    if words[at].low == "absent" and words[after].tag in ("D", "#", "N") and words[at - 1].tag == "N":
        return _lacked(words, at, after)  # "a street absent people"
    stop = at
    while stop > 0 and (
        words[stop - 1].low in IS_OR_HAS
        or words[stop - 1].low in ("both", "all")
        or words[stop - 1].tag == "R"
    ):
        stop -= 1
    spans = subjects(words, stop)
    if spans is None:
        return None
    if words[spans[0].start].tag == "O" or words.between(*spans[0]).lower() in ("something", "what"):
        return None
    start = lead_start(words, spans[0].start)
    end = tail_end(words, after)
    texts = tuple(text_of(words, span) for span in spans)
    return Denial(Span(start, end), texts)


def _lacked(words: Tokens, at: int, after: int) -> Denial | None:
    """Read "missing" before what is missing, as in "a pizza missing a slice"."""
    spans = listed(words, after, table.AND)
    if not spans:
        return None
    end, texts = completed(words, spans, at + 1, at + 1)
    if words[at - 1].low in table.ARTICLES:
        at -= 1  # "and a missing door"
    return Denial(Span(lead_start(words, at), end), texts)


def subjects(words: Tokens, at: int) -> list[Span] | None:
    """Return the things that the clause before `at` is about: two of "a cat and a dog | are absent"."""
    if words.lows(at - 3, at) == [",", "however", ","]:
        at -= 3
    last = _phrase_before(words, at)
    if last is None:
        return None
    spans = [last]
    many = words[at].low in ("are", "were", "do", "have") or words[at].tag not in ("X", "V")
    while many and words[spans[0].start - 1].low in ("and", "or") and words[spans[0].start - 2].low != ",":
        before = _phrase_before(words, spans[0].start - 1)
        if before is None or not (
            before.start == 0 or words[before.start - 1].low in (",", ";", "but", "with")
        ):
            break
        spans.insert(0, before)
    if len(spans) > 1:
        while words[spans[0].start - 1].low == ",":
            before = _phrase_before(words, spans[0].start - 1)
            if before is None or before.start != 0:
                break
            spans.insert(0, before)
    return spans


def _phrase_before(words: Tokens, end: int) -> Span | None:
    """Return the noun phrase that ends at `end`, with "of" phrases in it."""
    start = end
    while (start > 0 and words[start - 1].tag in ("N", "D", "#", "E", "'s", "G")) or words[
        start - 1
    ].low == "of":
        start -= 1
        if words[start].tag == "D" and words[start - 1].low != "of":
            break
    while start < end and (phrase_end(words, start) != end or words[start].tag == "'s"):
        start += 1
    return Span(start, end) if start < end else None


def _of_subject(words: Tokens, at: int, said: str) -> str:
    """Return what is denied of the subject before `at`, as "a dog running", or the predicate alone."""
    subject = subject_before(words, at)
    if subject is None:
        return said
    return f"{text_of(words, subject)} {said}"
