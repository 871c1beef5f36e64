"""The items of a benchmark: one small record per question, whatever file it came from."""

from collections.abc import Mapping
from typing import NamedTuple

Groups = Mapping[str, str]  # breakdown -> the group this item falls into, such as {"template": "hybrid"}
NO_GROUPS: Groups = {}


class ImageRef(NamedTuple):
    """An image as its file names it; `data.images.ImageRoot` finds it.

    `box` is a crop (x, y, width, height) in stored pixels; `span` is (first byte, length) inside a tar.
    """

    path: str
    box: tuple[float, float, float, float] | None = None
    span: tuple[int, int] | None = None


class TextChoice(NamedTuple):
    """One image, several texts, one of which fits."""

    id: str
    image: ImageRef
    options: tuple[str, ...]
    answer: int
    groups: Groups = NO_GROUPS
    order: tuple[int, ...] = ()  # the place of each option in the file, where they were put in another order


class ImageChoice(NamedTuple):
    """One text, several images, one of which fits."""

    id: str
    text: str
    images: tuple[ImageRef, ...]
    answer: int
    groups: Groups = NO_GROUPS
    order: tuple[int, ...] = ()


class CaptionedImage(NamedTuple):
    """An image to retrieve by any of its captions; `present` and `absent` name objects where known."""

    id: str
    image: ImageRef
    captions: tuple[str, ...]
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    groups: Groups = NO_GROUPS


class SearchQuery(NamedTuple):
    """A text to search all images of a file: those it is true of, and those that hold what it denies."""

    id: str
    text: str
    relevant: tuple[ImageRef, ...]
    excluded: tuple[ImageRef, ...] = ()
    groups: Groups = NO_GROUPS


class LabelledImage(NamedTuple):
    """An image and the name of its class."""

    id: str
    image: ImageRef
    label: str


class ObjectQuestion(NamedTuple):
    """Whether an object is in an image."""

    id: str
    image: ImageRef
    object: str
    present: bool
    groups: Groups = NO_GROUPS


BenchmarkItem = TextChoice | ImageChoice | CaptionedImage | SearchQuery | LabelledImage | ObjectQuestion
