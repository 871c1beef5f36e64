"""The routes: what the API answers, and the page."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from anyio.to_thread import run_sync
from fastapi import APIRouter, FastAPI, Header, Response
from fastapi import Path as InPath
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from omninegclip import __version__
from omninegclip.reading.registry import make_reader
from omninegclip.serve.batching import Batcher
from omninegclip.serve.embedding import EmbedJob, ScoreJob
from omninegclip.serve.evaluation import TYPES, content_of
from omninegclip.serve.guard import Access, Guard
from omninegclip.serve.limits import ServeLimits
from omninegclip.serve.metrics import Metrics
from omninegclip.serve.previews import Previews, Uploads
from omninegclip.serve.problems import GoneError, described, handle_problems
from omninegclip.serve.searching import SearchJob
from omninegclip.serve.service import Pixels, ServeJob, Service
from omninegclip.serve.wire import (
    EmbedAnswer,
    EmbedImageRequest,
    EmbedTextRequest,
    Health,
    IndexInfo,
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

T = TypeVar("T")
DECODED = 2  # images at once, since each may take some hundred MB
READ = 2  # requests whose sentences are read at once
SHORT = 200  # characters of a sentence that is read sooner than a thread takes it over
SIDES = {"small": 256, "large": 1024}  # pixels
EXAMPLES = ("a street without cars", "a beach -people", "no dog, just a cat")
_PAGE_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
)


@dataclass(frozen=True)
class Setup:
    """How a server serves.

    Attributes:
        name: of what is served, for people.
        limits: what it takes on.
        access: who may ask.
        examples: queries that suit the images.
        evaluation: figures and plots to show, by their names.
        quiet: write no log.
    """

    name: str
    limits: ServeLimits = field(default_factory=ServeLimits)
    access: Access = field(default_factory=Access)
    examples: Sequence[str] = EXAMPLES
    evaluation: dict[str, Path] = field(default_factory=dict)
    quiet: bool = False


class Desk:
    """Where the routes hand over what they were asked: the model's thread, and those that read and decode.

    A thread that works for a request which is late goes on and keeps its place, so that they never get more.
    """

    def __init__(self, service: Service, setup: Setup) -> None:
        """Start the model's thread."""
        self.service, self.setup, self.metrics = service, setup, Metrics()
        self.metrics.images.set(service.count)
        self.batcher: Batcher[ServeJob, BaseModel] = Batcher(self._run, batch=setup.limits.batch)
        self.uploads = Uploads(service.encoder.transform, setup.limits.pixels)
        self.previews = Previews(service.index.store.engine)
        self._readers = ThreadPoolExecutor(READ, "reader")
        self._decoders = ThreadPoolExecutor(DECODED, "decoder")

    async def ask(self, job: ServeJob) -> Response:
        """Return the answer to a job; raises EndingError when the server is."""
        return answered(await asyncio.wrap_future(self.batcher.submit(job)))

    async def pixels(self, images: list[str]) -> Pixels:
        """Return uploaded images, decoded."""
        return await _done(self._decoders, lambda: self.uploads.pixels(images))

    async def preview(self, image_id: str, side: int) -> bytes:
        """Return an image of the index as a small JPEG."""
        if (known := self.previews.known(image_id, side)) is not None:
            return known
        return await _done(self._decoders, lambda: self.previews.make(image_id, side))

    async def read(self, work: Callable[[], T]) -> T:
        """Return what comes of reading sentences."""
        return await _done(self._readers, work)

    def close(self) -> None:
        """Answer what waits for the model, and take no more."""
        for pool in (self._readers, self._decoders):
            pool.shutdown(wait=False, cancel_futures=True)
        self.batcher.close()

    def _run(self, jobs: Sequence[ServeJob]) -> Sequence[BaseModel | Exception]:
        self.metrics.batches.observe(len(jobs))
        return self.service.run(jobs)


def make_app(service: Service, setup: Setup) -> FastAPI:
    """Return the server as an ASGI app."""
    desk = Desk(service, setup)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        yield
        await run_sync(desk.close)

    # FastAPI's own pages of the description load from another host
    app = FastAPI(
        title="omninegclip",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=life,
    )
    handle_problems(app)
    for router in (
        _search_routes(desk),
        _image_routes(desk),
        _model_routes(desk),
        _operation_routes(desk),
        _evaluation_routes(desk),
    ):
        app.include_router(router, responses=described())
    app.include_router(_page_routes())
    app.add_middleware(
        Guard, limits=setup.limits, access=setup.access, metrics=desk.metrics, quiet=setup.quiet
    )

    def description() -> dict[str, object]:
        if not app.openapi_schema:
            app.openapi_schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
            components = app.openapi_schema.setdefault("components", {}).setdefault("schemas", {})
            components["Problem"] = Problem.model_json_schema()
        return app.openapi_schema

    app.openapi = description  # type: ignore[method-assign]
    return app


async def _done(pool: Executor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, work)


def answered(answer: BaseModel) -> Response:
    """Return an answer as it is sent; FastAPI itself would check it once more."""
    return Response(answer.model_dump_json(), media_type="application/json")


def _search_routes(desk: Desk) -> APIRouter:
    router, service = APIRouter(prefix="/v1", tags=["search"]), desk.service

    @router.post("/search", response_model=SearchAnswer)
    async def search(request: SearchRequest) -> Response:
        """Search the images by a sentence, by what must be seen and what must not, or by an image."""
        pixels = await desk.pixels([request.image]) if request.image else None

        def job() -> SearchJob:
            return SearchJob(service, request, pixels)

        short = len(request.query) <= SHORT
        return await desk.ask(job() if short else await desk.read(job))

    @router.post("/read", response_model=ReadAnswer)
    async def read(request: ReadRequest) -> Response:
        """Tell what sentences affirm and what they deny."""
        readings = await desk.read(lambda: make_reader(request.reader).read(request.sentences))
        return answered(
            ReadAnswer(
                readings=[
                    SentenceReading(sentence=sentence, affirmed=each.affirmed, negated=list(each.negated))
                    for sentence, each in zip(request.sentences, readings, strict=True)
                ]
            )
        )

    @router.get("/index", response_model=IndexInfo)
    async def index() -> Response:
        """Tell what is served."""
        setup = desk.setup
        return answered(
            IndexInfo(
                name=setup.name,
                images=service.count,
                model=service.model_name,
                base=service.base_name,
                truth=service.is_truth_known,
                examples=list(setup.examples),
                evaluation=sorted(setup.evaluation),
            )
        )

    return router


def _image_routes(desk: Desk) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["search"])

    @router.get(
        "/images/{image_id}",
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}}, "description": "The image, small, as JPEG."}},
    )
    async def image(
        image_id: Annotated[str, InPath(pattern="^[0-9a-f]{32}$")],
        size: Literal["small", "large"] = "small",
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Return an image of the index as a small JPEG that says nothing beside its pixels."""
        made = await desk.preview(image_id, SIDES[size])
        headers = {
            "etag": f'"{hashlib.sha256(made).hexdigest()[:32]}"',
            "cache-control": "private, max-age=3600",
        }
        if if_none_match == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(made, media_type="image/jpeg", headers=headers)

    return router


def _model_routes(desk: Desk) -> APIRouter:
    router, service = APIRouter(prefix="/v1", tags=["model"]), desk.service

    @router.post("/embed/text", response_model=EmbedAnswer)
    async def embed_text(request: EmbedTextRequest) -> Response:
        """Embed texts, each as it stands."""
        return await desk.ask(EmbedJob(service, request.texts))

    @router.post("/embed/image", response_model=EmbedAnswer)
    async def embed_image(request: EmbedImageRequest) -> Response:
        """Embed images."""
        return await desk.ask(EmbedJob(service, pixels=await desk.pixels(request.images)))

    @router.post("/score", response_model=ScoreAnswer)
    async def score(request: ScoreRequest) -> Response:
        """Score pairs of a sentence and an image."""
        pixels = await desk.pixels(request.images)
        return await desk.ask(await desk.read(lambda: ScoreJob(service, request, pixels)))

    card = service.card()

    @router.get("/model", response_model=ServedModel)
    async def model() -> Response:
        """Tell which model the vectors are of."""
        return answered(card)

    return router


def _operation_routes(desk: Desk) -> APIRouter:
    router = APIRouter(tags=["operation"])

    @router.get("/healthz", response_model=Health)
    async def health() -> Response:
        """Tell that the server is there."""
        return answered(Health())

    @router.get("/readyz", response_model=Health)
    async def ready() -> Response:
        """Tell that the server can take requests; while it can't, this is answered 503 as they are."""
        return answered(Health())

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """Tell Prometheus the numbers of the server."""
        service = desk.service
        desk.metrics.waiting.set(len(desk.batcher))
        desk.metrics.cached.set(service.hits / max(service.hits + service.misses, 1))
        return Response(desk.metrics.text(), media_type="text/plain; version=0.0.4")

    return router


def _evaluation_routes(desk: Desk) -> APIRouter:
    router, kept = APIRouter(prefix="/v1", tags=["evaluation"]), desk.setup.evaluation

    @router.get("/evaluation/{name}", response_class=Response)
    async def evaluation(name: Annotated[str, InPath(max_length=200)]) -> Response:
        """Return a file of figures or plots; `/v1/index` names them."""
        if name not in kept:  # a name is looked up and never joined to a path
            raise GoneError("There is no such file: /v1/index names those that are there.")
        raw = await run_sync(content_of, kept[name])
        answer = Response(raw, media_type=TYPES[kept[name].suffix])
        if kept[name].suffix == ".html":  # a report holds all that it shows, and no script
            answer.headers["content-security-policy"] = REPORT_POLICY
        return answer

    return router


def _page_routes() -> APIRouter:
    router, folder = APIRouter(include_in_schema=False), files("omninegclip") / "serve" / "page"
    kept = {each.name: each.read_bytes() for each in folder.iterdir()}

    def sent(name: str) -> Response:
        if name not in kept:
            raise GoneError("The page has no such file.")
        headers = {"cache-control": "no-cache"}
        return Response(kept[name], media_type=_PAGE_TYPES[Path(name).suffix], headers=headers)

    @router.get("/")
    async def page() -> Response:
        return sent("index.html")

    @router.get("/page/{name}")
    async def part(name: str) -> Response:
        return sent(name)

    return router
