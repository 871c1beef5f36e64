"""A client of the server, with the server's own types."""

import re
import reprlib
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self, TypedDict, TypeVar, Unpack

from pydantic import BaseModel, ValidationError

from omninegclip.errors import OmniNegClipError
from omninegclip.extras import needed_for
from omninegclip.index.score import ScoreName
from omninegclip.reading.registry import ServedReader
from omninegclip.serve.wire import (
    Column,
    DeniedText,
    EmbedAnswer,
    EmbedImageRequest,
    EmbedTextRequest,
    FoundImage,
    IndexInfo,
    Pair,
    PairScore,
    Problem,
    ReadAnswer,
    ReadRequest,
    ScoreAnswer,
    ScoreRequest,
    SearchAnswer,
    SearchRequest,
    SentenceReading,
    ServedModel,
)

_DAY = 86_400.0
_ID = re.compile(r"[0-9a-f]{32}")
A = TypeVar("A", bound=BaseModel)
S = TypeVar("S")
ImageFile = str | Path | bytes  # a path, or what the file holds


class ServerError(OmniNegClipError):
    """The server refused or failed; `status` is 0 where it did not answer.

    Attributes:
        status: of the answer.
        request_id: under which the server's log has it.
    """

    def __init__(self, message: str, status: int = 0, request_id: str = "") -> None:
        """Say what the server said."""
        super().__init__(message)
        self.status, self.request_id = status, request_id


class AskedOptions(TypedDict, total=False):
    """The options of a search that are rarely needed; see `SearchRequest`.

    Attributes:
        wanted: what else is to be seen.
        image: a file that the results shall be like.
        reader: what reads the query: `rules`, or `none` to take it as it is.
        score: `gate`, `subtract`, `filter` or `cosine`.
        model: whose texts: `index`, or `base`.
        strength: what the weights of all that is unwanted are multiplied with.
        told: texts that rank nothing; whether each result shows them is told.
        where: a condition on the facts of images.
        min_probability: results that score less are left out.
    """

    wanted: Sequence[str]
    image: ImageFile
    reader: ServedReader
    score: ScoreName
    model: Column
    strength: float
    told: Sequence[str]
    where: str
    min_probability: float


class Client:
    """A server of `omninegclip serve`.

    `Client("http://127.0.0.1:8000").search("a street without cars")`

    Every method raises ServerError when the server refuses, fails or does not answer.
    """

    def __init__(self, url: str, *, key: str = "", timeout: float = 60.0) -> None:
        """Speak to the server at `url`, with a key where it needs one, for `timeout` seconds at most.

        Raises OmniNegClipError for an address that is none of a server, a key that no header can hold, and
        a time that is not above 0.
        """
        with needed_for("The client"):
            import httpx
        if not isinstance(url, str) or not url.lower().startswith(("http://", "https://")):
            raise OmniNegClipError(f"url is {url!r}: write it as 'http://127.0.0.1:8000'.")
        if not isinstance(key, str) or not (key.isascii() and key.isprintable()):
            raise OmniNegClipError("key must be a text of printable ASCII characters, as keys are.")
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= _DAY:
            raise OmniNegClipError(f"timeout is {timeout!r}: it must be seconds, above 0 and a day at most.")
        headers = {"authorization": f"Bearer {key}"} if key else {}
        try:
            self._http: httpx.Client = httpx.Client(base_url=url, headers=headers, timeout=timeout)
        except httpx.InvalidURL as error:
            raise OmniNegClipError(f"url is {url!r}: {error}.") from error

    def __enter__(self) -> Self:
        """Keep the connection."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def search(
        self,
        query: str = "",
        *,
        without: Sequence[str | DeniedText] = (),
        limit: int = 20,
        cursor: str | None = None,
        **options: Unpack[AskedOptions],
    ) -> SearchAnswer:
        """Return a page of the images that fit a query best; `cursor` is `next` of the page before.

        What is in `without` is a text, `TEXT:WEIGHT`, or a `DeniedText`.
        """
        given: dict[str, object] = {
            **options,
            "without": _several("without", without),
            "limit": limit,
            "cursor": cursor,
        }
        if options.get("image") is not None:
            given["image"] = _encoded(options["image"])
        return self._post("search", _valid(SearchRequest, {"query": query, **given}), SearchAnswer)

    def pages(
        self, query: str = "", *, limit: int = 200, **options: Unpack[AskedOptions]
    ) -> Iterator[FoundImage]:
        """Yield all images that are found, page by page."""
        cursor: str | None = None
        while True:
            answer = self.search(query, limit=limit, cursor=cursor, **options)
            yield from answer.results
            if not (cursor := answer.next):
                return

    def read(self, sentences: Sequence[str], *, reader: ServedReader = "rules") -> list[SentenceReading]:
        """Return what sentences affirm and deny."""
        request = _valid(ReadRequest, {"sentences": _several("sentences", sentences), "reader": reader})
        return self._post("read", request, ReadAnswer).readings

    def embed_text(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the embedding of each text."""
        return self._post(
            "embed/text", _valid(EmbedTextRequest, {"texts": _several("texts", texts)}), EmbedAnswer
        ).embeddings

    def embed_image(self, images: Sequence[ImageFile]) -> list[list[float]]:
        """Return the embedding of each image."""
        given = [_encoded(image) for image in _several("images", images)]
        request = _valid(EmbedImageRequest, {"images": given})
        return self._post("embed/image", request, EmbedAnswer).embeddings

    def score(
        self,
        images: Sequence[ImageFile],
        pairs: Sequence[tuple[str, int]],
        *,
        reader: ServedReader = "rules",
        score: ScoreName = "gate",
    ) -> list[PairScore]:
        """Return the score of each pair of a sentence and the number of an image, from 0 on."""
        given = {
            "images": [_encoded(image) for image in _several("images", images)],
            "pairs": [Pair(text=text, image=image) for text, image in pairs],
        }
        request = _valid(ScoreRequest, {**given, "reader": reader, "score": score})
        return self._post("score", request, ScoreAnswer).scores

    def image(self, image_id: str, *, large: bool = False) -> bytes:
        """Return an image of the index as a small JPEG."""
        if not _ID.fullmatch(image_id):
            raise OmniNegClipError(f"{image_id!r} is not the id of an image: take it from a result.")
        return self._sent("GET", f"v1/images/{image_id}?size={'large' if large else 'small'}")

    def index(self) -> IndexInfo:
        """Return what is served."""
        return self._answer(self._sent("GET", "v1/index"), IndexInfo)

    def model(self) -> ServedModel:
        """Return the card of the model of the index."""
        return self._answer(self._sent("GET", "v1/model"), ServedModel)

    def _post(self, path: str, request: BaseModel, answer: type[A]) -> A:
        body = request.model_dump_json(exclude_unset=True).encode()
        return self._answer(self._sent("POST", f"v1/{path}", body), answer)

    def _answer(self, content: bytes, kind: type[A]) -> A:
        try:
            return kind.model_validate_json(content)
        except ValidationError as error:
            raise ServerError(f"{self._http.base_url} is no server of omninegclip serve.", 200) from error

    def _sent(self, method: str, path: str, body: bytes | None = None) -> bytes:
        import httpx

        if self._http.is_closed:
            raise OmniNegClipError("This client was closed: make another one.")
        headers = {"content-type": "application/json"} if body is not None else {}
        try:
            answer = self._http.request(method, path, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise ServerError(f"{self._http.base_url} does not answer: {error}.") from error
        if answer.is_success:
            return answer.content
        try:
            problem = Problem.model_validate_json(answer.content)
        except ValidationError as error:
            raise ServerError(
                f"{self._http.base_url} answered {answer.status_code}.", answer.status_code
            ) from error
        raise ServerError(problem.detail, problem.status, problem.request_id)


def _valid(kind: type[A], given: dict[str, object]) -> A:
    """Return a request; raises OmniNegClipError when it would be refused."""
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise OmniNegClipError(f"{where}: {first['msg']}.") from error


def _several(name: str, given: Sequence[S]) -> list[S]:
    """Return what is given; raises OmniNegClipError for one text, whose letters would be taken for many."""
    if isinstance(given, str | bytes) or not isinstance(given, Sequence):
        raise OmniNegClipError(f"{name} must be a list: write [{reprlib.repr(given)}].")
    return list(given)


def _encoded(image: ImageFile) -> str:
    try:
        raw = image if isinstance(image, bytes) else Path(image).read_bytes()
    except OSError as error:
        raise OmniNegClipError(f"Can't read {image!s}: {error.strerror}.") from error
    return b64encode(raw).decode()
