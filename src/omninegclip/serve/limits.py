"""How much a server takes on: what goes beyond is refused at once, with a sentence."""

from dataclasses import dataclass

TEXT = 1000  # characters of a text
TEXTS = 64  # of a request
IMAGES = 8  # of a request
PAGE = 200  # results of a page
MOST = 2000  # results over all pages; each page is cut from a ranking of all before it


@dataclass(frozen=True)
class ServeLimits:
    """The limits that an operator may set.

    Attributes:
        body: bytes of a request.
        pieces: brackets and commas of a request, which make JSON slow to read where there are millions.
        pixels: of an uploaded image.
        batch: requests that the model answers together.
        waiting: requests beside such a batch; the next ones are answered 503 at once.
        seconds: from the first byte of a request to the last one of its answer.
        body_seconds: until a request has arrived.
        head_seconds: until the head of a request has arrived, from when the connection was made.
        connections: open ones; the next ones are closed.
        resident_bytes: vectors that are held in memory; larger indexes are left to their engine.
    """

    body: int = 16 * 2**20
    pieces: int = 50_000
    pixels: int = 50_000_000
    batch: int = 64
    waiting: int = 256
    seconds: float = 30.0
    body_seconds: float = 10.0
    head_seconds: float = 10.0
    connections: int = 1000
    resident_bytes: int = 2**30
