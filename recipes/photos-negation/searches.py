"""Twenty fixed searches, and what each model finds first: right, wrong by the captions, all shown."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from omninegclip.captions.lexicon import Lexicon
from omninegclip.captions.negate import Captioned
from omninegclip.data.items import ImageRef
from omninegclip.evaluation.intervals import bootstrap_mean
from omninegclip.evaluation.scenes import Figures
from omninegclip.images import opened
from omninegclip.report.thumbnails import ThumbnailRow, thumbnail_rows
from omninegclip.scoring.texts import ReadTexts

FIRST = 5
SIDE = 150  # pixels of a thumbnail


class Wanted(NamedTuple):
    """A search: groups of things of each of which a right photo's captions name one, and what none names."""

    text: str
    there: tuple[tuple[str, ...], ...]
    missing: tuple[str, ...]


PEOPLE = ("person", "man", "woman", "child", "boy", "girl")
CHILDREN = ("child", "boy", "girl")
WATER = ("water", "lake", "river", "ocean", "swimming pool")
SEARCHES = (
    Wanted("a dog but no ball", (("dog",),), ("ball",)),
    Wanted("people, nobody wearing a hat", (PEOPLE,), ("hat", "helmet")),
    Wanted("water without a boat", (WATER[:4],), ("boat",)),
    Wanted("a dog without any people", (("dog",),), PEOPLE),
    Wanted("a dog that is not in the water", (("dog",),), WATER),
    Wanted("a beach with no dog", (("beach",),), ("dog",)),
    Wanted("a beach without people", (("beach",),), PEOPLE),
    Wanted("snow but no skis and no snowboard", (("snow",),), ("skis", "snowboard")),
    Wanted("a child without a swing", (CHILDREN,), ("swing",)),
    Wanted("a street with no cars", (("street",),), ("car",)),
    Wanted("a man on a mountain, no bicycle", (("man",), ("mountain",)), ("bicycle",)),
    Wanted("a motorcycle but no car", (("motorcycle",),), ("car",)),
    Wanted("a woman, not with a dog", (("woman",),), ("dog",)),
    Wanted("grass without a dog", (("grass",),), ("dog",)),
    Wanted("a ball and no dog", (("ball",),), ("dog",)),
    Wanted("a dog, no frisbee in sight", (("dog",),), ("frisbee",)),
    Wanted("a pool with no children in it", (("swimming pool",),), CHILDREN),
    Wanted("a field without a horse", (("field",),), ("horse",)),
    Wanted("a mountain with no snow", (("mountain",),), ("snow",)),
    Wanted("a boy, but he has no skateboard", (("boy",),), ("skateboard",)),
)


def truth(photos: Sequence[Captioned], lexicon: Lexicon) -> NDArray[np.bool_]:
    """Return [searches, photos]: whether the captions of a photo say that it is what is searched."""
    named = [frozenset().union(*(lexicon.mentions(text)[0] for text in photo.captions)) for photo in photos]
    return np.array(
        [
            [
                not any(names.isdisjoint(group) for group in wanted.there)
                and names.isdisjoint(wanted.missing)
                for names in named
            ]
            for wanted in SEARCHES
        ]
    )


def search(read: ReadTexts, gallery: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the scores [searches, photos]."""
    everything = slice(None)
    scores = read([wanted.text for wanted in SEARCHES]).rank_images(gallery)
    return scores.block(everything, everything)


def figure(scores: NDArray[np.float32], right: NDArray[np.bool_]) -> Figures:
    """Return the share of the first photos that are right."""
    first = np.argsort(-scores, axis=1, kind="stable")[:, :FIRST]
    shares = np.take_along_axis(right, first, axis=1).mean(axis=1)
    return {"fixed_searches_right_at_5": {"seen": bootstrap_mean(shares.astype(np.float64), 0)}}


def rows(
    scores: Mapping[str, NDArray[np.float32]],
    photos: Sequence[Captioned],
    folder: Path,
    right: NDArray[np.bool_],
) -> list[ThumbnailRow]:
    """Return every search with the first photos of every model, by its name."""

    def show(number: int, index: int) -> tuple[bytes, bool, str]:
        photo = photos[index]
        return _thumbnail(folder / str(photo.image)), bool(right[number, index]), photo.captions[0]

    return thumbnail_rows([wanted.text for wanted in SEARCHES], scores, show, FIRST)


def gallery_of(
    photos: Sequence[Captioned], embeddings: Mapping[ImageRef, NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Return [photos, d] in their order."""
    return np.stack([embeddings[ImageRef(str(photo.image))] for photo in photos])


def _thumbnail(path: Path) -> bytes:
    with opened(path) as image:
        image.thumbnail((SIDE, SIDE))
        out = BytesIO()
        image.convert("RGB").save(out, "JPEG", quality=80)
    return out.getvalue()
