"""New captions out of a parsed one: edits, case and articles."""

import re
from dataclasses import dataclass

from omninegclip.captions.english import article, words
from omninegclip.captions.lexicon import english
from omninegclip.captions.parse import Parse

Edit = tuple[int, int, str]  # the words from here to before there become this
LOWERED = words("DT CD JJ JJR JJS NN NNS PRP PRP$ VBG VBN IN PDT EX RB")
ANY = {"some": "any", "something": "anything", "someone": "anyone", "somebody": "anybody"}
CLAUSE = words("while as and but , when because that which who")
ARTICLE = re.compile(r"\b([Aa])n?(?= ([A-Za-z][\w-]*))")


@dataclass(frozen=True, slots=True)
class NegatedCaption:
    """A caption with `denied`, a part of it, negated; `kind` is object, attribute, relation or action."""

    kind: str
    rule: str
    denied: str
    text: str


def compose(parse: Parse, *edits: Edit) -> str:
    """Return the caption with its edits, its blanks and its case as they were, its articles agreeing."""
    text, at = "", 0
    shouted = parse.text().isupper()
    for start, end, written in sorted(edits):
        new = written.upper() if shouted else written
        text = _join(text, parse.text(at, start), parse.blanks[at - 1] if at else "")
        text = _join(text, new, " ")
        at = end
    text = _join(text, parse.text(at), parse.blanks[at - 1] if at else "")
    return capitalised_like(parse, text)


def with_any(parse: Parse, start: int, end: int) -> list[Edit]:
    """Return the edits that turn "some" behind a denial into "any", up to where another clause begins."""
    edits: list[Edit] = []
    for token in range(start, end):
        word = parse.words[token].lower()
        if word in CLAUSE:
            break
        if word in ANY and (word != "some" or parse.tags[token] == "DT"):
            edits.append((token, token + 1, ANY[word]))
    return edits


def capitalised_like(parse: Parse, text: str) -> str:
    """Return the text with a capital where the caption has one."""
    return text[:1].upper() + text[1:] if parse.words[0][:1].isupper() else text


def lowered(parse: Parse) -> str | None:
    """Return the first word as it stands within a sentence, None where that can't be told from a name."""
    word = parse.words[0]
    common = parse.tags[0] in LOWERED or word.lower() in english().names
    if word.islower() or word.isdigit():
        return word
    return word.lower() if common and word != "I" and (len(word) == 1 or word[1:].islower()) else None


def agreeing(text: str) -> str:
    """Return a noun phrase whose first article fits the word after it."""
    return ARTICLE.sub(lambda found: _cased(article(found[2]), found[1]), text, count=1)


def without(parse: Parse, start: int, end: int) -> Parse:
    """Return the parse without the words from `start` to before `end`; their dependents hang on the root."""
    kept = [token for token in range(len(parse.words)) if not start <= token < end]
    place = {token: position for position, token in enumerate(kept)}
    blanks = [parse.blanks[token] for token in kept]
    if start and start - 1 in place:
        blanks[place[start - 1]] = parse.blanks[end - 1]
    return Parse(
        words=[parse.words[token] for token in kept],
        blanks=blanks,
        tags=[parse.tags[token] for token in kept],
        deps=[parse.deps[token] for token in kept],
        heads=[place.get(parse.heads[token], place[parse.root]) for token in kept],
    )


def _join(left: str, right: str, blank: str) -> str:
    return f"{left}{blank}{right}" if left and right else left or right


def _cased(word: str, like: str) -> str:
    return word.capitalize() if like.isupper() else word
