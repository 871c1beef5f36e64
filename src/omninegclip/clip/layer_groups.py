"""Names for groups of transformer layers, such as `front` or `last-2`, at any depth of a tower."""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from omninegclip.errors import OmniNegClipError

COMMON_GROUPS = ("whole", "none", "first-N", "last-N")


def text_layers(group: str | Sequence[int], depth: int) -> tuple[int, ...]:
    """Return the layers of `group` in a text tower of `depth` layers, ascending from 0.

    | group | layers | of 12 |
    |---|---|---|
    | `front` | the first half | 0-5 |
    | `middle` | the third in the middle | 4-7 |
    | `back` | the last third | 8-11 |
    | `front-third`, `middle-third`, `back-third` | a partition, as even as can be | 0-3, 4-7, 8-11 |
    | `whole`, `none` | every layer, no layer | 0-11, - |
    | `first-N`, `last-N` | N layers from one end | `last-2`: 10-11 |
    | `0-5`, `0,2,5`, `0-2,5`, or a sequence of numbers | these | |

    `front`, `middle` and `back` overlap, as in the authors' code, and have at least one layer at any depth.

    Raises:
        OmniNegClipError: The group is unknown, holds a layer that the tower lacks, or is a third of a tower
            that is too shallow to have it.

    Source: Omni-NegCLIP, arXiv 2603.29258, and its authors' training code.
    """
    if not isinstance(group, str):
        return _within(group, depth, str(list(group)))
    named = _named(depth)
    if group in named:
        if not named[group]:
            raise OmniNegClipError(
                f"layer group {group!r} is empty in a tower of {depth}; thirds need 3 layers"
            )
        return tuple(named[group])
    if re.fullmatch(r"\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*", group, re.ASCII):
        return _within(_listed(group), depth, group)
    return _common(group, depth, "text layer group", (*named, *COMMON_GROUPS, "0-5"))


def image_layers(group: str, depth: int) -> tuple[int, ...]:
    """Return the layers of `none`, `whole`, `first-N` or `last-N` in an image tower of `depth` layers.

    Raises:
        OmniNegClipError: The group is another one, or the tower has fewer than N layers.
    """
    return _common(group, depth, "image layer group", COMMON_GROUPS)


def unknown_name(what: str, given: str, known: Sequence[str]) -> OmniNegClipError:
    """Return the error for a name that is none of `known`, with the one that was probably meant."""
    close = get_close_matches(given, known, n=1)
    meant = f" (did you mean {close[0]!r}?)" if close else ""
    return OmniNegClipError(f"unknown {what} {given!r}{meant}; known are {', '.join(known)}")


def _named(depth: int) -> dict[str, range]:
    half, third = -(-depth // 2), -(-depth // 3)
    cuts = [-(-depth * k // 3) for k in range(4)]
    return {
        "front": range(half),
        "middle": range((depth - third) // 2, (depth + third) // 2),
        "back": range(depth - third, depth),
        "front-third": range(cuts[0], cuts[1]),
        "middle-third": range(cuts[1], cuts[2]),
        "back-third": range(cuts[2], cuts[3]),
    }


def _common(group: str, depth: int, what: str, known: Sequence[str]) -> tuple[int, ...]:
    """Read the groups that both towers have."""
    if group == "none":
        return ()
    if group == "whole":
        return tuple(range(depth))
    if not (match := re.fullmatch(r"(first|last)-(\d{1,4})", group, re.ASCII)):
        raise unknown_name(what, group, known)
    count = int(match[2])
    if not 1 <= count <= depth:
        raise OmniNegClipError(f"{what} {group!r} does not fit a tower of {depth}; N can be 1 to {depth}")
    return tuple(range(count) if match[1] == "first" else range(depth - count, depth))


def _listed(group: str) -> Iterator[int]:
    """Yield 0, 1, 2, 5 from `0-2,5`."""
    for item in group.split(","):
        first, _, last = item.partition("-")
        if last and int(last) < int(first):
            raise OmniNegClipError(f"layers {group} run backwards; write {last}-{first} for {item}")
        yield from range(int(first), int(last or first) + 1)


def _within(layers: Iterable[int], depth: int, group: str) -> tuple[int, ...]:
    """Sort layers, drop doubles, and refuse one that the tower lacks."""
    found = tuple(sorted(set(layers)))
    if not found or found[0] < 0 or found[-1] >= depth:
        raise OmniNegClipError(f"layers {group} do not fit a tower of {depth}; give some of 0 to {depth - 1}")
    return found
