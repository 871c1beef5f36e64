"""Rows of images: for one query, the top images of each model, right and wrong ones marked."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from omninegclip.errors import OmniNegClipError

_TYPES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


class Thumbnail(NamedTuple):
    """An image that a model returned, `score` its cosine to the query, `caption` what it shows."""

    png_or_jpeg: bytes
    right: bool
    caption: str
    score: float

    @property
    def uri(self) -> str:
        """The image as a data URI; raises OmniNegClipError when it is neither PNG nor JPEG."""
        for magic, media_type in _TYPES.items():
            if self.png_or_jpeg.startswith(magic):
                return f"data:{media_type};base64,{b64encode(self.png_or_jpeg).decode()}"
        raise OmniNegClipError(
            f'The image "{self.caption}" is neither PNG nor JPEG: encode it as one of them.'
        )


class ThumbnailRow(NamedTuple):
    """A query and, for each model by name, its images, best first."""

    query: str
    columns: dict[str, list[Thumbnail]]


def thumbnail_rows(
    queries: Sequence[str],
    scores: Mapping[str, NDArray[np.float32]],
    show: Callable[[int, int], tuple[bytes, bool, str]],
    size: int = 5,
) -> list[ThumbnailRow]:
    """Return for each query the images that each model finds first.

    Args:
        queries: their texts.
        scores: the cosines [queries, images] of each model, by its name.
        show: the numbers of a query and an image to the image's file, whether it is right, and its caption.
        size: images of each model.
    """
    return [
        ThumbnailRow(
            query,
            {
                name: [
                    Thumbnail(*show(number, index), float(by_model[number, index]))
                    for index in np.argsort(-by_model[number], kind="stable")[:size].tolist()
                ]
                for name, by_model in scores.items()
            },
        )
        for number, query in enumerate(queries)
    ]
