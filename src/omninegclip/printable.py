"""Text from data made safe to print: a terminal shows control characters and never executes them."""

import json
import re
from collections.abc import Mapping

# The controls of C0 and C1 but newline and tab, what turns the direction of reading, and halves of
# surrogate pairs, which no encoding has.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST = 2000  # characters of a message


def printable(text: str) -> str:
    r"""Return `text` with every character that a terminal would obey written out, as in ``\x1b[31m``."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def sentence(text: object) -> str:
    """Return a message as one line that a terminal shows, its middle left out where it is very long."""
    line = printable(re.sub(r"\s*[\r\n\u2028\u2029]\s*", " ", str(text).strip()))
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"


def say(text: object) -> None:
    """Print a result on standard output; characters that a terminal would obey are written out."""
    print(printable(str(text)))  # noqa: T201 -- a result


def say_json(content: object, indent: int | None = None) -> None:
    """Print a result as JSON on standard output."""
    print(json.dumps(content, indent=indent).replace("\x7f", "\\u007f"))  # noqa: T201 -- a result


def say_facts(facts: Mapping[str, object], as_json: bool) -> None:
    """Print facts on standard output, a line each, or as one JSON object."""
    if as_json:
        say_json(facts, indent=2)
    else:
        say("\n".join(f"{name:14} {value}" for name, value in facts.items()))
