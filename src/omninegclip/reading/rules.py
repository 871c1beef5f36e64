"""The reader that goes by rules of English: no model, and no denial in case of doubt."""

import re
from collections.abc import Sequence

from omninegclip.reading import words as table
from omninegclip.reading.affirmed import place_alone, tidy, without_frame, without_joining
from omninegclip.reading.cues import SCOPES, cue_words, cues_in
from omninegclip.reading.denial import Denial
from omninegclip.reading.forms import affirmed_twice, by_form
from omninegclip.reading.idioms import idle_spans
from omninegclip.reading.minus import by_minus
from omninegclip.reading.partitives import other_ones
from omninegclip.reading.reading import BESIDES, ELSE, Reading
from omninegclip.reading.tokens import Tokens, joined


class RulesReader:
    """Reads English sentences by cues of denial and how far each of them reaches."""

    def read(self, sentences: Sequence[str]) -> list[Reading]:
        """Return the reading of each sentence, in their order."""
        return [read_by_rules(sentence) for sentence in sentences]


def read_by_rules(sentence: str) -> Reading:
    """Return the two halves of a sentence; unchanged, and no denial, where none is found for sure."""
    cues = cue_words(sentence)
    if not cues:
        return Reading(without_frame(sentence))
    if (found := by_minus(sentence)) or (found := by_form(sentence)):
        return _read_on(found)
    return _read_cues(sentence, cues)


def _read_cues(sentence: str, cues: set[str]) -> Reading:
    whole = joined(sentence)
    text = affirmed_twice(whole)
    parts, texts = [], []
    for each in _sentences(text):
        words = Tokens(each)
        denials = _denials(words, cues)
        parts.append((words, denials))
        texts += _texts(words, denials)
    if not texts:
        return Reading(without_frame(sentence if text == whole else text))
    return Reading(_affirmed_in(parts), tuple(dict.fromkeys(texts)))


def _read_on(found: Reading) -> Reading:
    """Return a reading whose affirmed half is read too: "only a beach without a dog", "only a dog -cat"."""
    text = found.affirmed.removesuffix(BESIDES)
    besides = BESIDES if text != found.affirmed else ""
    within = by_form(text) or _read_cues(text, cue_words(text))  # once: "only only only" goes no deeper
    if not within.negated and not within.others(text):
        return found
    named = tuple(dict.fromkeys((*found.named, *within.named)))
    everything = (ELSE,) if ELSE in found.negated or ELSE in within.negated else ()
    affirmed = within.affirmed.removesuffix(besides)
    return Reading(f"{affirmed}{besides}" if affirmed else "", (*named, *everything))


# Where a sentence ends and the next one begins, which is about something of its own.
_NEXT = re.compile(
    r"(?:(?<=[a-z]{3}[.!?])|(?<=[a-z]\s[.!?])|(?<=[a-z0-9]{2}[.!?])(?=\s[A-Z])(?<!\b[SMJFDV][a-z]\.))"
    r"(?<!\b(?:Mrs|Sgt|Col|Gen|Rev|Ave|Jan|Feb|Mar|Apr|Aug|Oct|Nov|Dec|etc)\.)(?<!\b(?:Prof|Capt|Sept)\.)\s+"
    r"(?=\w)(?!(?i:it|its|he|his|she|her|they|their|both|none|neither|and|but|nor)\b)"
)
_MARK = re.compile(r"[.!?]\s+\w")
_QUOTES = re.compile(r"[\"“]|(?<!\w)'")


def _sentences(text: str) -> list[str]:
    """Return the sentences of a text that are read by themselves; what quotes is one."""
    return _NEXT.split(text) if _MARK.search(text) and not _QUOTES.search(text) else [text]


def _affirmed_in(parts: Sequence[tuple[Tokens, list[Denial]]]) -> str:
    """Return what several sentences affirm; a place alone is left out where another says more."""
    if len(parts) == 1:
        return tidy(_rest(*parts[0]))
    rests = [_rest(words, denials) if denials else words.text for words, denials in parts]
    tidied = [
        tidy(rest) if denials else without_joining(rest)
        for rest, (_, denials) in zip(rests, parts, strict=True)
    ]
    more = [
        text
        for text, rest, (_, denials) in zip(tidied, rests, parts, strict=True)
        if text and not (denials and place_alone(rest))
    ]
    return " ".join(more or filter(None, tidied))


def _denials(words: Tokens, cues: set[str]) -> list[Denial]:
    """Return what each cue denies, from left to right, but for cues inside of idioms and of denials."""
    text = words.text
    idle = idle_spans(text, cues)
    denials: list[Denial] = []
    done = 0
    for cue in cues_in(words):
        if any(start <= cue.start() < end or start < cue.end() <= end for start, end in idle):
            continue
        kind = str(cue.lastgroup)
        after = words.at_char(cue.end())
        at = after - 1 if kind == "compound" else words.at_char(cue.start())
        if at < done:
            continue
        denial = SCOPES[kind](words, at, after)
        if denial is None or denial.cut.end <= done or not all(denial.texts):
            continue
        if denial.cut.start < done:
            denial = denial._replace(cut=denial.cut._replace(start=done))
        denials.append(denial)
        done = denial.cut.end
    return denials


def _rest(words: Tokens, denials: Sequence[Denial]) -> str:
    """Return what stays of a sentence when all denials are cut out, as it is."""
    parts, at = [], 0
    for denial in denials:
        parts += [words.text[at : words[denial.cut.start].start], f" {denial.instead} "]
        end = _joined_end(words, denial)
        at = words[end - 1].end
    return "".join([*parts, words.text[at:]])


def _joined_end(words: Tokens, denial: Denial) -> int:
    """Return where a denial ends, with what joins it to what goes on.

    "Not riding but walking" leaves "walking", "not on it, but beside it" the place, and "is not red and
    stands" leaves "stands".
    """
    end = denial.cut.end
    if words[end].tag == "," and words[end + 1].low == "but" and words[end + 2].tag in ("G", "P"):
        return end + 2
    after = words[end + 1]
    if words[end].low == "but" and (after.tag in ("G", "P", "E") or after.low in _AFTER_BUT):
        return end + 1
    said = words[denial.cut.start].tag in ("X", "S")
    return end + 1 if words[end].low in ("and", "but") and after.tag in ("V", "X", "E") and said else end


_AFTER_BUT = table.COLOURS | {"because"}


def _texts(words: Tokens, denials: Sequence[Denial]) -> list[str]:
    return [other_ones(words, text, denial.cut.start) for denial in denials for text in denial.texts]
