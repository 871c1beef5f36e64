"""Untrusted YAML: plain values only, so that a small file can't expand to gigabytes or make objects."""

from pathlib import Path

import yaml

from omninegclip.errors import OmniNegClipError

LARGEST = 1 << 16  # bytes of a file; the longest preset has 2,000
DEEPEST = 20  # levels


class _PlainLoader(yaml.SafeLoader):
    """Values alone: an alias can repeat what it names billions of times, a tag asks for a type of its own."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.MarkedYAMLError(
                problem="an anchor or alias, where the value itself is needed", problem_mark=event.start_mark
            )
        if getattr(event, "tag", None):
            raise yaml.MarkedYAMLError(
                problem="a tag, where a plain value is needed", problem_mark=event.start_mark
            )
        if self.depth > DEEPEST:
            raise yaml.MarkedYAMLError(
                problem=f"more than {DEEPEST} levels of nesting", problem_mark=event.start_mark
            )
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


def parse(text: str, what: str) -> object:
    """Return the value that `text` writes; `what` names it in errors.

    Raises OmniNegClipError when it is no plain YAML.
    """
    try:
        return yaml.load(text, _PlainLoader)  # noqa: S506 -- a SafeLoader
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        reason = f"{error.problem or error.context}{where}"
    except (
        yaml.YAMLError,
        ValueError,
    ) as error:  # also a date that no calendar has, a number of 5,000 digits
        reason = " ".join(str(error).split())
    raise OmniNegClipError(f"{what} is not valid YAML: {reason}.")


def read(path: Path, what: str) -> object:
    """Return the value that a small file holds, as `parse` does.

    Raises OmniNegClipError also when `path` is no file, can't be read, is no text, or is over 64 KiB.
    """
    try:
        if not path.is_file():  # a pipe would be waited for
            raise OmniNegClipError(f"{what} is no file.")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise OmniNegClipError(f"Can't read {what}: {error.strerror or error}.") from error
    if len(content) > LARGEST:
        raise OmniNegClipError(f"{what} is larger than {LARGEST >> 10} KiB, so it is something else.")
    try:
        return parse(content.decode("utf-8-sig"), what)
    except UnicodeDecodeError as error:
        raise OmniNegClipError(f"{what} is not UTF-8 text.") from error
