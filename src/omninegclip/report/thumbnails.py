"""Picture rows: for one query, the top images of each model, right and wrong ones marked."""

from base64 import b64encode
from typing import NamedTuple

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
