"""Which texts are surely longer than CLIP reads, told without a tokenizer."""

import re
from html import unescape

CONTEXT = 77  # tokens, of which two mark start and end
# as CLIP's tokenizer cuts a text before it looks for merges, which never cross a cut
PIECE = re.compile(r"'(?:s|t|re|ve|m|ll|d)|[^\W\d_]+|\d|(?:[^\w\s]|_)+", re.IGNORECASE)


def is_surely_truncated(text: str) -> bool:
    """Return whether CLIP cuts a text for certain: each word, digit and run of marks is a token or more."""
    return len(PIECE.findall(unescape(unescape(text)))) > CONTEXT - 2
