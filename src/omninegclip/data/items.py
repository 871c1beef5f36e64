"""What a benchmark asks, one small record per item, whatever file it came from."""

from collections.abc import Mapping
from typing import NamedTuple

Groups = Mapping[str, str]  # breakdown -> the group this item falls into, such as {"template": "hybrid"}
NO_GROUPS: Groups = {}


class Picture(NamedTuple):
    """A picture as its file names it; `data.images.ImageRoot` finds it.

    `box` is a crop (x, y, width, height) in stored pixels; `span` is (first byte, length) inside a tar.
    """

    path: str
    box: tuple[float, float, float, float] | None = None
    span: tuple[int, int] | None = None


class TextChoice(NamedTuple):
    """One picture, several texts, one of which fits."""

    id: str
    picture: Picture
    options: tuple[str, ...]
    answer: int
    groups: Groups = NO_GROUPS
    order: tuple[int, ...] = ()  # the place of each option in the file, where they were put in another order


class PictureChoice(NamedTuple):
    """One text, several pictures, one of which fits."""

    id: str
    text: str
    pictures: tuple[Picture, ...]
    answer: int
    groups: Groups = NO_GROUPS
    order: tuple[int, ...] = ()


class CaptionedPicture(NamedTuple):
    """A picture to retrieve by any of its captions; `present` and `absent` name objects where known."""

    id: str
    picture: Picture
    captions: tuple[str, ...]
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    groups: Groups = NO_GROUPS


class Query(NamedTuple):
    """A text to search all pictures of a file: those it is true of, and those that hold what it denies."""

    id: str
    text: str
    relevant: tuple[Picture, ...]
    excluded: tuple[Picture, ...] = ()
    groups: Groups = NO_GROUPS


class LabelledPicture(NamedTuple):
    """A picture and the name of its class."""

    id: str
    picture: Picture
    label: str


class Presence(NamedTuple):
    """Whether an object is in a picture."""

    id: str
    picture: Picture
    object: str
    present: bool
    groups: Groups = NO_GROUPS


Item = TextChoice | PictureChoice | CaptionedPicture | Query | LabelledPicture | Presence
