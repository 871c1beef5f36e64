"""YAML of other people: plain values alone, and never more of them than the text could hold."""

from pathlib import Path
from typing import Any

import yaml

from omninegclip.data.sources import readable
from omninegclip.errors import OmniNegClipError

LARGEST = 1 << 20  # bytes of a file
MOST = 100_000  # values, an alias counted as all that it stands for


def read_yaml(path: Path, what: str) -> Any:
    """Return the plain values of a YAML file; `what` names it in errors, such as "The suite mine.yaml".

    Raises OmniNegClipError as `parse_yaml` does, and for what is no regular file of at most 1 MiB.
    """
    with readable(path), path.open("rb") as file:
        content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise OmniNegClipError(f"{what} is larger than {LARGEST >> 20} MiB, which no such file is.")
        text = content.decode("utf-8-sig")
    return parse_yaml(text, what)


def parse_yaml(text: str, what: str) -> Any:
    """Return the plain values that a YAML text holds.

    Raises OmniNegClipError for a text that is no YAML, is nested too deep, has a value that is none, or
    whose aliases stand for more than 100,000 values.
    """
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        if node is None:
            return None
        if _values(node, {}) > MOST:
            raise OmniNegClipError(f"{what} stands for more than {MOST:,} values: its aliases multiply them.")
        return _Constructor(text).construct_document(node)
    except yaml.YAMLError as error:
        raise OmniNegClipError(f"{what} is no valid YAML: {' '.join(str(error).split())}.") from error
    except RecursionError as error:
        raise OmniNegClipError(f"{what} is nested too deep.") from error
    except (ValueError, OverflowError) as error:  # a number of 5,000 digits, a 32nd of a month
        raise OmniNegClipError(f"{what} has a value that can't be read: {error}.") from error


class _Constructor(yaml.SafeLoader):
    """A safe loader that is given a composed document, so that it can be measured before it is built."""


def _values(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many values a node stands for; one that holds itself stands for too many."""
    if id(node) not in known:
        known[id(node)] = MOST + 1  # while it is being counted
        children = node.value if isinstance(node, yaml.CollectionNode) else []
        pairs = (child if isinstance(child, tuple) else (child,) for child in children)
        known[id(node)] = 1 + sum(_values(child, known) for pair in pairs for child in pair)
    return known[id(node)]
