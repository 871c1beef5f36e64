"""Which texts are left alone, and why: better no negated caption than a bad one."""

import re
from functools import lru_cache

from omninegclip.captions.english import words
from omninegclip.captions.lexicon import english
from omninegclip.captions.negation_words import NEGATED
from omninegclip.captions.parse import NOUNS, Parse
from omninegclip.captions.structure import ACTS, FINITE, SUBJECTS, animate, plural, subject, verb_of

LONGEST_TEXT = 300  # characters of a sentence
MOST_WORDS_OF_ALL = 300
SENTENCE_END = re.compile(r"(?<=[a-z0-9%)][.!]) (?=[A-Z])")
FEWEST_WORDS_OF_TITLE = 4
FEWEST_WORDS, MOST_WORDS = 3, 40
ENGLISH = words(
    "a an the of on in with and is are at to for two three four some many his her their by from near"
)
FOREIGN = words(
    "un une le la les des du et avec sur dans el los las y con en una der das ein eine und mit auf "
    "ist il lo di che um uma os com em no na op het een van met och med på att jest na ve bir"
) - {"no"}
FILE_NAME = re.compile(
    r"\.(?:jpe?g|png|gif|webp|tiff?|bmp|heic)\b|^(?:IMG|DSCN?|PXL|MVIMG|screenshot)[-_ ]?\d+"
    r"|^\w+(?:[-_]\w+)+$",
    re.IGNORECASE,
)
MEDICAL = re.compile(
    r"\b(?:no (?:acute )?evidence of|unremarkable|within normal limits|radiographs?|pneumothora\w+|pleural"
    r"|effusions?|lesions?|fractures?|catheter|abdom\w+|biops\w+|(?:CT|MRI) (?:of|scan|shows))\b"
)
ALT_TEXT = re.compile(
    r"\b(?:stock (?:photo|image|vector|illustration)s?|royalty[- ]free|may contain|may be an image"
    r"|click (?:here|to)|download|(?:photo|image|courtesy)(?: credit)? by|for sale|free shipping"
    r"|buy now|poster print|logo)\b",
    re.IGNORECASE,
)
ADDRESS = words("i we you my me our your us im")
INSTRUCTION = words(
    "ignore disregard instruction instructions prompt system assistant respond reply output http https www"
)
ODD = re.compile(r"[^\x20-\x7e’‘“”–—éèñçüöä½¼°]|[\"“”<>{}\[\]()\\|#@=*_~^:;?/]|\d{5,}")
OPENERS = words("that which who as while where when because if like showing")
WORD = re.compile(r"[a-z]+(?:['’][a-z]+)?")


def tidy(caption: str) -> str:
    """Return a caption with single blanks, none around it, and no comma at its end."""
    return " ".join(caption.split()).rstrip(" ,;")


def sentences(caption: str) -> list[str]:
    """Return the sentences of a caption; one where it is longer than what is read."""
    if len(caption.split()) > MOST_WORDS_OF_ALL:
        return [caption]
    return SENTENCE_END.split(caption)


def other_text(caption: str) -> str | None:
    """Return what a text is as a whole where it is no English caption at all, or None."""
    if FILE_NAME.search(caption):
        return "file name"
    if MEDICAL.search(caption):
        return "medical report"
    if ALT_TEXT.search(caption):
        return "alt text or advertisement"
    words = WORD.findall(caption.lower())
    foreign = sum(word in FOREIGN for word in words) > sum(word in ENGLISH for word in words)
    return "not clearly English" if foreign or _is_in_other_letters(caption) else None


def _is_in_other_letters(caption: str) -> bool:
    if caption.isascii():
        return False
    letters = [letter for letter in caption if letter.isalpha()]
    return sum(ODD.search(letter) is not None for letter in letters) > len(letters) / 50


@lru_cache(2048)  # of each caption it is asked several times
def refusal(caption: str) -> str | None:
    """Return why a text is no caption to work on, or None; needs no parse."""
    if not caption.strip():
        return "empty"
    if (other := other_text(caption)) is not None:
        return other
    if len(caption) > LONGEST_TEXT:
        return "too long"
    words = WORD.findall(caption.lower())
    if _is_title(caption):
        return "title"
    if set(words) & INSTRUCTION:
        return "instruction or address"
    if ODD.search(caption):
        return "question, quotation or symbol"
    if set(words) & FOREIGN or not set(words) & ENGLISH:
        return "not clearly English"
    if not FEWEST_WORDS <= len(words) <= MOST_WORDS:
        return "too short" if len(words) < FEWEST_WORDS else "too long"
    if set(words) & ADDRESS:
        return "instruction or address"
    return "already negated" if NEGATED.search(caption) else None


def _is_title(caption: str) -> bool:
    """Return whether all long words have a capital, as in the name of a work: "A Dog Sits On The Sofa"."""
    words = [word for word in caption.split() if len(word) > 3 and word.isalpha()]
    return (
        len(words) >= FEWEST_WORDS_OF_TITLE
        and not caption.isupper()
        and all(word[0].isupper() for word in words)
    )


def unfit(parse: Parse) -> str | None:
    """Return why a parse is not to be trusted, or None."""
    root, tag = parse.root, parse.tags[parse.root]
    if parse.sentences != 1 or any(word in {".", "!"} for word in parse.words[: parse.end]):
        return "more than one sentence"
    if tag == "VB" or (tag not in NOUNS and verb_of(parse) is None and tag not in {"VBG", "VBN"}):
        return "neither sentence nor noun phrase"
    has_subject = any(parse.deps[child] in SUBJECTS for child in parse.children[root])
    if has_subject == (tag in NOUNS):
        return "verb and noun confused"
    if tag == "VBD":
        return "past tense"
    if any(t == "VB" and parse.tags[i - 1] not in {"TO", "MD"} for i, t in enumerate(parse.tags) if i):
        return "verb and noun confused"
    if any(
        word.lower() in {"run", "come"} and t == "VBN"
        for word, t in zip(parse.words, parse.tags, strict=True)
    ):
        return "verb and noun confused"  # of "kids run" the parser makes a participle, as in "a race run"
    if tag in NOUNS and _tensed(parse):
        return "verb and noun confused"
    if _disagrees(parse) or _verb_disagrees(parse):
        return "article and number disagree"
    return "verb and noun confused" if _torn(parse) or _verb_as_noun(parse) else None


def _torn(parse: Parse) -> bool:
    """Return whether the verb has two subjects, or another sentence before it: "bus, it is red"."""
    children = parse.children[parse.root]
    subjects = [child for child in children if parse.deps[child] in SUBJECTS]
    spliced = any(
        parse.deps[child] == "ccomp" and child < parse.root and parse.tags[child] in FINITE
        for child in children
    )
    return spliced or len(subjects) > 1


def _verb_as_noun(parse: Parse) -> bool:
    """Return whether somebody stands before a noun that is no thing: "two dogs race", "rider crouches"."""
    if _breaks_a_name(parse) or _acts_as_noun(parse):
        return True
    root, known = parse.root, english().names.get(parse.words[parse.root].lower(), ())
    if any(english().concepts[name].kind != "activity" for name in known):
        return False
    before = root - 1
    return (
        before >= 0
        and parse.tags[root] in NOUNS
        and parse.deps[before] == "compound"
        and (parse.tags[before] == "NNS" or parse.tags[root] == "NNS")
        and animate(parse, before)
    )


def _breaks_a_name(parse: Parse) -> bool:
    """Return whether the verb is half of what a thing is called: "a group of white teddy bears"."""
    root = parse.root
    two = parse.text(root - 1, root + 1).lower() if root else ""
    return parse.tags[root] not in NOUNS and two in english().names


def _acts_as_noun(parse: Parse) -> bool:
    """Return whether a caption without a verb has one that is taken for a noun: "dogs on the beach fight"."""
    if any(tag.startswith("VB") for tag in parse.tags):
        return False
    return any(
        parse.words[token].lower() in ACTS
        and parse.tags[token] in NOUNS
        and any(parse.deps[child] == "compound" for child in parse.children[token])
        for token in range(parse.end)
    )


def _tensed(parse: Parse) -> bool:
    """Return whether a noun phrase holds a verb in the present that no "that", "which" or "as" opens."""
    for word, tag in zip(parse.words, parse.tags, strict=True):
        if tag in {"WDT", "WP", "WRB"} or word.lower() in OPENERS:
            return False
        if tag in {"VBZ", "VBP"}:
            return True
    return False


def _disagrees(parse: Parse) -> bool:
    """Return whether "a" stands before a plural, as where "A dog leaps" is taken for a noun."""
    return any(
        parse.words[token].lower() in {"a", "an"} and parse.tags[_compound(parse, token)] in {"NNS", "NNPS"}
        for token in range(parse.end)
    )


def _verb_disagrees(parse: Parse) -> bool:
    """Return whether several are said to do what one does: "the kids is jumping"."""
    verb, about = verb_of(parse), subject(parse)
    if verb is None or about is None or parse.tags[verb] != "VBZ":
        return False
    return plural(parse, about.head) and about.head < verb and parse.words[0].lower() != "there"


def _compound(parse: Parse, token: int) -> int:
    """Return the last noun of the compound that a determiner stands before: "leaps" in "a dog leaps"."""
    noun = parse.heads[token]
    while parse.deps[noun] == "compound" and parse.heads[noun] > noun:
        noun = parse.heads[noun]
    return noun
