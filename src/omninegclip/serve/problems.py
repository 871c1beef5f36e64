"""What goes wrong, as RFC 9457 has it: one shape of body for every answer that is an error."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from omninegclip.errors import OmniNegClipError
from omninegclip.index.engine import EngineError
from omninegclip.serve.batching import EndingError
from omninegclip.serve.wire import Problem

MEDIA_TYPE = "application/problem+json"
BUSY = "Too many requests are waiting: try again in a second."
ENDING = "The server is ending: try again when it is there again."
ENGINE = "The index can't be read for this request: who runs the server can try it with omninegclip search."
# What the description says that every route may answer beside what it is for.
STATUSES = (400, 401, 404, 405, 408, 413, 415, 422, 500, 503)
# What FastAPI itself says of them is no sentence.
_DETAILS = {
    400: "The body can't be read as JSON: /openapi.json has what is taken.",
    404: "There is nothing at this path: /openapi.json has those that are there.",
    405: "This path takes no such method: the header Allow names those that it takes.",
}


class GoneError(OmniNegClipError):
    """There is no such image or file, or not any more."""


def problem(status: int, detail: str, request_id: str) -> Response:
    """Return the answer to a request that failed."""
    title = HTTPStatus(status).phrase
    body = Problem(
        type=f"urn:omninegclip:{title.lower().replace(' ', '-')}",
        title=title,
        status=status,
        detail=detail,
        request_id=request_id,
    )
    headers = (
        {"retry-after": "1"} if status == 503 else {"www-authenticate": "Bearer"} if status == 401 else {}
    )
    return Response(body.model_dump_json(), status, headers, MEDIA_TYPE)


def described() -> dict[int | str, dict[str, object]]:
    """Return the errors as the OpenAPI description has them."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in STATUSES}


def handle_problems(app: FastAPI) -> None:
    """Let an app answer every error with a problem."""

    @app.exception_handler(HTTPException)
    async def _(request: Request, error: HTTPException) -> Response:
        detail = _DETAILS.get(error.status_code, str(error.detail))
        answer = problem(error.status_code, detail, id_of_request(request))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(RequestValidationError)
    async def _(request: Request, error: RequestValidationError) -> Response:
        return problem(422, said(error), id_of_request(request))

    @app.exception_handler(GoneError)
    async def _(request: Request, error: GoneError) -> Response:
        return problem(404, str(error), id_of_request(request))

    @app.exception_handler(OmniNegClipError)
    async def _(request: Request, error: OmniNegClipError) -> Response:
        return problem(422, str(error), id_of_request(request))

    @app.exception_handler(EngineError)
    async def _(request: Request, error: EngineError) -> Response:
        return problem(422, ENGINE, id_of_request(request))  # its own message names a folder

    @app.exception_handler(EndingError)
    async def _(request: Request, error: EndingError) -> Response:
        return problem(503, ENDING, id_of_request(request))


def id_of_request(request: Request) -> str:
    """Return the id that the guard has given a request."""
    return str(request.state.request_id)


def said(error: RequestValidationError) -> str:
    """Return in a sentence what is wrong with a request, without the values that it came with."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return _DETAILS[400]
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    more = len(error.errors()) - 1
    others = f", and {more} more" if more else ""
    return f"{where[:200] or 'The body'}: {str(first['msg'])[:300]}{others}. /openapi.json has what is taken."
