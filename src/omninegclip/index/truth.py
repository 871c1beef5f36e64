"""What images show, where a folder of drawn scenes tells it, and whether they are what was asked for."""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import pyarrow as pa

from omninegclip.data.parquet import batches, open_parquet
from omninegclip.errors import OmniNegClipError
from omninegclip.index.names import path_of, text_of
from omninegclip.index.question import Question
from omninegclip.scenes.objects import KINDS
from omninegclip.scenes.places import PLACES
from omninegclip.scenes.records import RECORDS

_COLUMNS = ("image", "objects_present", "place")  # that drawn scenes have; no other records list everything
_SEPARATOR = ", "
# What says nothing of its own beside the names of things.
_GRAMMAR = frozenset(
    ("a", "an", "the", "any", "some", "there", "is", "are", "and", "or", "of", "in", "on", "at", "with")
).union(("image", "photo", "picture"))
# Nouns that more kinds answer to than those whose names end on them.
_WIDER = {
    "ball": ("soccer ball", "basketball", "football", "tennis ball", "volleyball"),
    "boat": ("sailboat", "canoe", "ship"),
    "flower": ("sunflower", "rose", "tulip"),
}


class SceneTruth:
    """What drawn scenes show, as the records beside them say."""

    def __init__(self) -> None:
        """Know nothing yet: records are read where an image asks for them."""
        self._below: dict[Path, dict[str, str]] = {}  # what the records of a folder say, by path

    def shows(self, path: str) -> str | None:
        """Return all that an image shows, as "beach, dog, kite", None where that is not known.

        `path` is a text, as an index has it.
        """
        for folder in Path(path_of(path)).parents:
            if folder not in self._below:
                self._below[folder] = _read(folder)
            if path in self._below[folder]:
                return self._below[folder][path]
        return None


def is_right(asked: Question, shows: str) -> bool | None:
    """Tell whether an image that shows `shows` is what was asked for, None where that can't be told."""
    if not shows or asked.image:
        return None
    held = [holds(asked.affirmed, shows)] if asked.affirmed else []
    if asked.others:
        more = shows_more(asked.affirmed, shows)
        held.append(None if more is None else more == (asked.others > 0))
    for each in asked.unwanted:
        denied = holds(each.text, shows)
        held.append(None if denied is None else not denied)
    return False if False in held else None if None in held else True


def holds(text: str, shows: str) -> bool | None:
    """Tell whether all that a text names is among what an image shows.

    None where it says more than names, or `shows` is empty.
    """
    if not shows:
        return None
    there = frozenset(shows.split(_SEPARATOR))
    rest = " ".join(re.findall(r"[a-z]+", text.lower()))
    found = []
    for words, names in _vocabulary():
        rest, times = re.subn(rf"\b{words}\b", " ", rest)
        if times:
            found.append(names)
    if any(not names & there for names in found):
        return False
    return True if found and set(rest.split()) <= _GRAMMAR else None


def shows_more(text: str, shows: str) -> bool | None:
    """Tell whether an image shows an object that a text does not name; None where the text names none."""
    named = frozenset[str]()
    rest = " ".join(re.findall(r"[a-z]+", text.lower()))
    for words, names in _vocabulary():
        rest, times = re.subn(rf"\b{words}\b", " ", rest)
        named |= names if times else frozenset()
    _, *objects = shows.split(_SEPARATOR)  # the first is the place
    return bool(set(objects) - named) if named else None


def _read(folder: Path) -> dict[str, str]:
    """Return what the records in a folder say that each image shows; nothing where there are none."""
    file = folder / RECORDS
    with suppress(OmniNegClipError), open_parquet(file) as stored:
        columns = stored.metadata.schema.to_arrow_schema()
        if set(_COLUMNS) <= set(columns.names) and pa.types.is_list(columns.field("objects_present").type):
            found: dict[str, str] = {}
            for batch in batches(stored, file, _COLUMNS):
                for row in batch.to_pylist():
                    said = [row["image"], row["place"], *(row["objects_present"] or [""])]
                    if all(each and isinstance(each, str) for each in said):
                        found[text_of(folder / said[0])] = _SEPARATOR.join(said[1:])
            return found
    return {}


@cache
def _vocabulary() -> tuple[tuple[str, frozenset[str]], ...]:
    """Return words with the names that an image which shows them may have, the longest words first.

    A kind is called by its name in singular and plural, or by the last word of it where that is no other's
    name: a "truck" is a fire truck, and a "bear" no teddy bear.
    """
    exact = {words: {name} for words, name in _names()}
    wide: dict[str, set[str]] = {}
    for words, name in _names():
        wide.setdefault(words.split()[-1], set()).add(name)
    for noun, kinds in _WIDER.items():
        wide[noun] = wide[noun + "s"] = set(kinds)
    known = sorted((wide | exact).items(), key=lambda each: -len(each[0]))
    return tuple((words, frozenset(names)) for words, names in known)


def _names() -> Iterator[tuple[str, str]]:
    for kind in KINDS:
        yield kind.singular, kind.singular
        yield kind.plural, kind.singular
    for place in PLACES:
        for words in (place.name, *place.phrases):
            yield words, place.name
