"""What people who search write: "I don't want any text", "beach, exclude people", "please no cars"."""

from omninegclip.reading import words as table
from omninegclip.reading.denial import Denial, lead_start, tail_end, text_of
from omninegclip.reading.noun_phrases import Span, listed
from omninegclip.reading.tokens import Tokens

_ASKING = table.words("i we you please do does just and but , . ; -")
TO_SEE = table.words("to see have find get show look at for me us any")
WANTING = table.words("want need wish expect")


def unwanted(words: Tokens, at: int, after: int) -> Denial | None:
    """Deny the things listed after a request, whose words begin at `at`; None where nothing is listed."""
    while words[after].low in TO_SEE and words[after + 1].tag != ".":
        after += 1
    spans = listed(words, after, table.AND)
    if not spans:
        return None
    start = at
    while start > 0 and words[start - 1].low in _ASKING:
        start -= 1
    end = tail_end(words, spans[-1].end)
    return Denial(Span(min(start, lead_start(words, at)), end), tuple(text_of(words, span) for span in spans))
