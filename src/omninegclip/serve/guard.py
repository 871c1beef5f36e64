"""What stands before every request: its id, its log line, its key, its host, and the limits."""

import asyncio
import hashlib
import hmac
import json
import secrets
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from omninegclip.serve.limits import ServeLimits
from omninegclip.serve.metrics import Metrics
from omninegclip.serve.problems import BUSY, problem

READY = "/readyz"
OPEN = ("/", "/healthz", READY, "/openapi.json")  # and the page's files: what tells nothing of the images
PAGE, WORK = "/page/", "/v1/"  # what the model or a decoder may be needed for lies below WORK
_HEADERS = {
    b"content-security-policy": b"default-src 'none'; script-src 'self'; "
    # a report that the page shows has its styles and plots in itself; scripts have no such way in
    b"style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
}


@dataclass(frozen=True)
class Access:
    """Who may ask.

    Attributes:
        keys: of the API; everybody may where there are none.
        hosts: names by which the server is reached; any where there are none. A page of others that makes its
            own name lead here, to read what only this machine may read, is refused by it.
    """

    keys: Sequence[str] = ()
    hosts: Sequence[str] = ()

    def admits(self, header: str) -> bool:
        """Tell whether a request with this Authorization header has a key, in constant time."""
        given = _digest(header.removeprefix("Bearer ").strip())
        fits = [hmac.compare_digest(given, _digest(key)) for key in self.keys]  # all, whichever fits
        return not fits or any(fits)

    def knows(self, host: str) -> bool:
        """Tell whether a Host header names this server."""
        try:
            return not self.hosts or (urlsplit(f"//{host}").hostname or "") in self.hosts
        except ValueError:
            return False


@dataclass
class Passage:
    """One request on its way."""

    id: str
    began: float = field(default_factory=time.monotonic)
    status: int = 0
    taken: int = 0
    sent: int = 0


class RefusedError(Exception):
    """A request that is answered before the app sees it, or sees all of it."""

    def __init__(self, status: int, detail: str) -> None:
        """Answer with a status and what is wrong."""
        super().__init__(detail)
        self.status, self.detail = status, detail


class Guard:
    """An ASGI middleware.

    A body is read here as a whole, so that the app never waits for a slow client, and never gets one that is
    too large. From then to its answer a request has one of the places; what tells of the server takes none,
    so that who looks whether it is busy makes it no busier.
    """

    def __init__(
        self, app: ASGIApp, limits: ServeLimits, access: Access, metrics: Metrics, quiet: bool
    ) -> None:
        """Stand before `app`."""
        self._app, self._limits, self._access, self._metrics = app, limits, access, metrics
        self._quiet = quiet
        self._places, self._held = limits.batch + limits.waiting, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        passage = Passage(secrets.token_hex(8))
        scope.setdefault("state", {})["request_id"] = passage.id

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                passage.status = message["status"]
                given = dict(message["headers"])
                own = _HEADERS | given | {b"x-request-id": passage.id.encode()}
                message = {**message, "headers": [*own.items()]}
            else:
                passage.sent += len(message.get("body", b""))
            await send(message)

        try:
            async with asyncio.timeout(self._limits.seconds):
                await self._pass(scope, receive, noting, passage)
        except RefusedError as refusal:
            await self._refuse(scope, receive, noting, passage, refusal)
        except TimeoutError:
            late = RefusedError(
                503, f"It took more than {self._limits.seconds:g} seconds: ask for less at once."
            )
            await self._refuse(scope, receive, noting, passage, late)
        except Exception as error:
            self._tell(passage, scope, type(error).__name__)
            failed = RefusedError(
                500, "Something in the server failed: its log has it under this request's id."
            )
            await self._refuse(scope, receive, noting, passage, failed)
            if not self._quiet:
                raise
        finally:
            self._held -= passage.taken
            self._metrics.note(scope, passage.status, time.monotonic() - passage.began)
            self._tell(passage, scope)

    async def _pass(self, scope: Scope, receive: Receive, send: Send, passage: Passage) -> None:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not self._access.knows(headers.get(b"host", "")):
            raise RefusedError(
                400, "The Host header names another server: start this one with --allow-host NAME."
            )
        path = scope["path"]
        is_open, is_work = path in OPEN or path.startswith(PAGE), path.startswith(WORK)
        if not is_open and not self._access.admits(headers.get(b"authorization", "")):
            raise RefusedError(401, "A key is needed: send the header `Authorization: Bearer KEY`.")
        if not self._places and (is_work or path == READY):
            raise RefusedError(503, BUSY)
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                body = await self._body(headers, receive, passage)
        except TimeoutError as error:
            raise RefusedError(
                408, f"The body took more than {self._limits.body_seconds:g} seconds."
            ) from error
        if is_work and body:
            self._check_json(headers, body)
        given = False

        async def whole() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        if not is_work:
            await self._app(scope, whole, send)
            return
        if not self._places:  # others were quicker
            raise RefusedError(503, BUSY)
        self._places -= 1
        try:
            await self._app(scope, whole, send)
        finally:
            self._places += 1

    def _check_json(self, headers: dict[bytes, str], body: bytes) -> None:
        """Refuse what is no JSON by its head, and what would take long to read."""
        kind = headers.get(b"content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" or headers.get(b"content-encoding", "identity") != "identity":
            raise RefusedError(
                415,
                "A body is JSON, not compressed, and its header is `Content-Type: application/json`.",
            )
        if sum(map(body.count, b"[{,")) > self._limits.pieces:
            raise RefusedError(
                422, f"The body has more than {self._limits.pieces:,} brackets and commas: send less at once."
            )

    async def _body(self, headers: dict[bytes, str], receive: Receive, passage: Passage) -> bytes:
        most = self._limits.body
        too_large = RefusedError(413, f"The body has more than {most:,} bytes: send less at once.")
        declared = headers.get(b"content-length", "0")
        if declared.isdecimal() and int(declared[:20]) > most:
            raise too_large
        parts = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RefusedError(400, "The client left before its body had arrived.")
            part = message.get("body", b"")
            passage.taken += len(part)
            self._held += len(part)
            if passage.taken > most:
                raise too_large
            if self._held > 16 * most:  # of all requests together
                raise RefusedError(503, BUSY)
            parts.append(part)
            if not message.get("more_body"):
                return b"".join(parts)

    async def _refuse(
        self, scope: Scope, receive: Receive, send: Send, passage: Passage, refusal: RefusedError
    ) -> None:
        if passage.status:  # an answer has begun: all that is left is to break it off
            return
        answer = problem(refusal.status, refusal.detail, passage.id)
        if refusal.status in (408, 413):
            answer.headers["connection"] = "close"  # what follows is the rest of the body, and no request
        if refusal.status == 413:
            send = partial(self._after_the_rest, receive, send)
        await answer(scope, receive, send)

    async def _after_the_rest(self, receive: Receive, send: Send, message: Message) -> None:
        """Send an answer, and close a little later: or a client that still sends would see a reset."""
        if message["type"] != "http.response.body":
            await send(message)
            return
        await send({**message, "more_body": True})
        left = 4 * self._limits.body
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                while left > 0 and (more := await receive()).get("more_body"):
                    left -= len(more["body"])
        await send({"type": "http.response.body"})

    def _tell(self, passage: Passage, scope: Scope, failed: str = "") -> None:
        """Write a line of JSON: what was asked of the server, and nothing of what was looked for."""
        if self._quiet:
            return
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request_id": passage.id,
            "method": scope["method"],
            "path": scope["path"][:200],
            "status": passage.status,
            "ms": round(1000 * (time.monotonic() - passage.began), 1),
            "bytes_in": passage.taken,
            "bytes_out": passage.sent,
        }
        sys.stderr.write(json.dumps(line | ({"failed": failed} if failed else {})) + "\n")


def _digest(key: str) -> bytes:
    """Return what two keys are compared by, so that not even their lengths tell."""
    return hashlib.sha256(key.encode()).digest()
