"""A client of the server, with the server's own types."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self, TypedDict, TypeVar, Unpack

from pydantic import BaseModel, ValidationError

from omninegclip.errors import OmniNegClipError
from omninegclip.extras import needed_for
from omninegclip.index.question import unwanted_of
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

A = TypeVar("A", bound=BaseModel)
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
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise OmniNegClipError(f"url is {url!r}: write it as 'http://127.0.0.1:8000'.")
        if not isinstance(key, str) or not (key.isascii() and key.isprintable()):
            raise OmniNegClipError("key must be a text of printable ASCII characters, as keys are.")
        if not isinstance(timeout, int | float) or not timeout > 0:
            raise OmniNegClipError(f"timeout is {timeout!r}: it must be seconds, above 0.")
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

        What is in `without` is a text, `TEXT:WEIGHT` as everywhere, or a `DeniedText`.
        """
        given: dict[str, object] = {
            **options,
            "without": [_denied(each) for each in _several("without", without)],
            "limit": limit,
            "cursor": cursor,
        }
        if "image" in options:
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
        request = _valid(EmbedImageRequest, {"images": [_encoded(image) for image in images]})
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
            "images": [_encoded(image) for image in images],
            "pairs": [Pair(text=text, image=image) for text, image in pairs],
        }
        request = _valid(ScoreRequest, {**given, "reader": reader, "score": score})
        return self._post("score", request, ScoreAnswer).scores

    def image(self, image_id: str, *, large: bool = False) -> bytes:
        """Return an image of the index as a small JPEG."""
        return self._sent("GET", f"v1/images/{image_id}?size={'large' if large else 'small'}")

    def index(self) -> IndexInfo:
        """Return what is served."""
        return IndexInfo.model_validate_json(self._sent("GET", "v1/index"))

    def model(self) -> ServedModel:
        """Return the card of the model of the index."""
        return ServedModel.model_validate_json(self._sent("GET", "v1/model"))

    def _post(self, path: str, request: BaseModel, answer: type[A]) -> A:
        body = request.model_dump_json(exclude_unset=True).encode()
        return answer.model_validate_json(self._sent("POST", f"v1/{path}", body))

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


def _several(name: str, given: Sequence[object]) -> list[object]:
    """Return what is given; raises OmniNegClipError for one text, whose letters would be taken for texts."""
    if isinstance(given, str):
        raise OmniNegClipError(f"{name} must be a list of texts: write [{given!r}].")
    return list(given)


def _denied(given: object) -> object:
    """Return what must not be seen with its weight; raises as `unwanted_of` does."""
    if not isinstance(given, str):
        return given
    said = unwanted_of(given)
    return DeniedText(text=said.text, weight=said.weight)


def _encoded(image: ImageFile) -> str:
    try:
        raw = image if isinstance(image, bytes) else Path(image).read_bytes()
    except OSError as error:
        raise OmniNegClipError(f"Can't read {image!s}: {error.strerror}.") from error
    return b64encode(raw).decode()
