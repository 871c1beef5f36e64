"""A language model behind an OpenAI-compatible endpoint: answers kept on disk, given up when it fails."""

import asyncio
import hashlib
import json
import math
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from omninegclip.errors import OmniNegClipError
from omninegclip.extras import needed_for
from omninegclip.files import JsonObject, read_intact, write_sealed
from omninegclip.progress import console

if TYPE_CHECKING:
    import httpx

KEY = "OMNINEGCLIP_LLM_KEY"  # the environment variable; never an option, never logged
FAILURES = frozenset({408, 409, 429, 500, 502, 503, 504})
UNSTRUCTURED = frozenset({400, 422})  # what endpoints say that know no `response_format`
TRIES = 4
GIVE_UP = 10  # requests in a row without an answer, each tried so often
LONGEST_PAUSE = 60.0  # seconds, whatever the server asks for
AT_ONCE = 8  # requests under way
LONGEST_ANSWER = 100_000  # bytes
FENCED = re.compile(r"\s*```(?:json)?\s*(.*?)\s*```\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model answers: `url` up to /v1, the model's name, seconds for one answer, requests a minute.

    Answers are kept in the folder `cache`.

    Raises OmniNegClipError for a URL that can't be asked or holds a key, and for a rate that isn't above 0.
    """

    url: str
    model: str
    timeout: float = 60.0
    per_minute: float = 600.0
    cache: Path = Path(".omninegclip-llm")

    def __post_init__(self) -> None:
        """Check everything before the first text is read."""
        with needed_for("A language model"):
            import httpx
        try:
            url = httpx.URL(self.url)
            usable = (
                url.scheme in {"http", "https"} and bool(url.host) and url.port in {None, *range(1, 65536)}
            )
        except (httpx.InvalidURL, ValueError):
            usable = False
        if "@" in self.url:  # not shown, for it may be a password
            raise OmniNegClipError(f"--llm-url holds a user or password: set {KEY} in the environment.")
        if not usable or url.query or url.fragment:
            raise OmniNegClipError(
                f"--llm-url {self.url.partition('?')[0]!r} is not an endpoint: one like "
                "http://localhost:8000/v1 is needed."
            )
        if not (math.isfinite(self.timeout) and self.timeout > 0):
            raise OmniNegClipError("--llm-timeout needs a number of seconds above 0.")
        if not (math.isfinite(self.per_minute) and self.per_minute > 0):
            raise OmniNegClipError("--llm-per-minute needs a number above 0.")


class Asking(NamedTuple):
    """What a model is asked to do with every message.

    Attributes:
        instructions: the system's message.
        name: of what it returns.
        properties: the JSON schema of each field of the object that it returns.
        take: what of such an object is kept, ready for JSON; None where it is not what was asked for.
        wanted: what was asked for, as "a caption".
        fallback: what becomes of a message without an answer, for the sentence that says so.
    """

    instructions: str
    name: str
    properties: Mapping[str, object]
    take: Callable[[JsonObject], object | None]
    wanted: str
    fallback: str

    @property
    def response_format(self) -> dict[str, object]:
        """The schema as endpoints take it."""
        schema = {
            "type": "object",
            "properties": dict(self.properties),
            "required": list(self.properties),
            "additionalProperties": False,
        }
        return {"type": "json_schema", "json_schema": {"name": self.name, "strict": True, "schema": schema}}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer."""

    reason: str


@dataclass
class LanguageModel:
    """Asks an endpoint, waits and tries again where that helps, and remembers answers on disk.

    Nothing it meets is an exception: whatever goes wrong is a `Failure`, and after ten requests in a row
    without an answer nothing more is asked. Only a refused key is raised as OmniNegClipError, since every
    further request would be refused too. An endpoint that takes no schema is asked without one.
    """

    endpoint: Endpoint
    task: Asking
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _next: float = field(default=0.0, init=False)
    _unanswered: int = field(default=0, init=False)
    _structured: bool = field(default=True, init=False)
    _turns: Lock = field(default_factory=Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        """Take the key of the environment if there is one, and see that answers can be kept.

        Raises OmniNegClipError for a key that no header can hold, and for a cache that can't be a folder.
        """
        key = os.environ.get(KEY)
        if key and not (key.isascii() and key.isprintable()):
            raise OmniNegClipError(f"{KEY} holds a line break or a character that no key has: set it again.")
        # what is compressed can be far larger than what came: it isn't asked for, and not unpacked
        self._headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {key}"} if key else {})
        import httpx

        self._tls = httpx.create_ssl_context()  # once, for it reads all certificates
        try:
            self.endpoint.cache.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OmniNegClipError(
                f"Can't keep answers in {self.endpoint.cache} ({error.strerror}): "
                "name a folder (--llm-cache)."
            ) from error

    def ask(self, message: str) -> object:
        """Return what the task takes of the model's answer to a message, or a `Failure`."""
        kept = self._place(message)
        answer: object = (read_intact(kept) or {}).get("answer")  # one that was damaged is asked for again
        if answer is not None:
            return answer
        found = self._ask(message)
        if not isinstance(found, Failure):
            write_sealed(kept, {"answer": found})
        return found

    def _place(self, message: str) -> Path:
        asked = json.dumps([self.endpoint.url, self.endpoint.model, self.task.instructions, message])
        digest = hashlib.sha256(asked.encode()).hexdigest()
        return self.endpoint.cache / digest[:2] / f"{digest}.json"

    def _ask(self, message: str) -> object:
        found: object = Failure("no answer")
        for attempt in range(TRIES):
            if self._unanswered >= GIVE_UP:
                return Failure("the endpoint was given up")
            self._wait_for_turn()
            found, pause = self._once(message, attempt)
            if not isinstance(found, Failure) or pause is None:
                break
            if attempt + 1 < TRIES:
                self.sleep(pause)
        self._count(found)
        return found

    def _body(self, message: str) -> dict[str, object]:
        body: dict[str, object] = {
            "model": self.endpoint.model,
            "temperature": 0,
            "messages": [
                {"role": "system", "content": self.task.instructions},
                {"role": "user", "content": message},
            ],
        }
        return body | ({"response_format": self.task.response_format} if self._structured else {})

    def _count(self, found: object) -> None:
        """Keep count of the requests in a row without an answer, and say it once when there are too many."""
        with self._turns:
            self._unanswered = self._unanswered + 1 if isinstance(found, Failure) else 0
            given_up = self._unanswered == GIVE_UP
        if given_up and isinstance(found, Failure):
            console.print(
                f"{self.endpoint.url} failed {GIVE_UP} times in a row, last with: {found.reason}. It is not "
                f"asked again; {self.task.fallback}.",
            )

    def _once(self, message: str, attempt: int) -> tuple[object, float | None]:
        """Return an answer or failure, and after how many seconds to try again, None where that is no use."""
        import httpx

        pause, structured = float(2**attempt), self._structured
        try:
            status, content, after = asyncio.run(self._post(self._body(message)))
        except TimeoutError:
            return Failure(f"no answer in {self.endpoint.timeout:g} seconds"), pause
        except (httpx.HTTPError, OSError, ValueError, ImportError) as error:  # a proxy's URL or package too
            return Failure(f"no answer ({type(error).__name__})"), pause
        if status in {401, 403}:
            raise OmniNegClipError(f"{self.endpoint.url} refuses the key: set {KEY} in the environment.")
        if status in UNSTRUCTURED and structured:
            self._structured = False
            return Failure(f"status {status}"), 0.0
        if status in FAILURES:
            told = after.isascii() and after.isdigit()
            return Failure(f"status {status}"), min(float(after), LONGEST_PAUSE) if told else pause
        if status != 200:
            return Failure(f"status {status}"), None
        found = _object_in(content)
        answer = None if found is None else self.task.take(found)
        return (Failure(f"no JSON with {self.task.wanted}"), pause) if answer is None else (answer, None)

    async def _post(self, body: dict[str, object]) -> tuple[int, bytes, str]:
        """Return status, body and Retry-After of one answer.

        Raises TimeoutError when it isn't there in time, however lively it drips, and httpx's own errors.
        """
        import httpx

        url, seconds = f"{self.endpoint.url.rstrip('/')}/chat/completions", self.endpoint.timeout
        # asynchronous for this alone: here a deadline holds for connecting, headers and body together
        async with (
            asyncio.timeout(seconds),
            httpx.AsyncClient(
                headers=self._headers, verify=self._tls, timeout=2 * seconds, follow_redirects=False
            ) as client,
            client.stream("POST", url, json=body) as reply,
        ):
            return reply.status_code, await _bounded(reply), reply.headers.get("retry-after", "")

    def _wait_for_turn(self) -> None:
        with self._turns:
            now = self.clock()
            turn = max(now, self._next)
            self._next = turn + 60.0 / self.endpoint.per_minute
        if turn > now:
            self.sleep(turn - now)


async def _bounded(reply: "httpx.Response") -> bytes:
    """Return the body as it came, or nothing where it is compressed or too long."""
    if reply.headers.get("content-encoding", "identity") != "identity":
        return b""
    content = b""
    async for chunk in reply.aiter_raw():
        content += chunk
        if len(content) > LONGEST_ANSWER:
            return b""
    return content


def _object_in(content: bytes) -> JsonObject | None:
    """Return the object in an answer, None where there is none."""
    try:
        answer = json.loads(content)["choices"][0]["message"]["content"]
        fenced = FENCED.fullmatch(answer)
        found = json.loads(fenced[1] if fenced else answer)
        json.dumps(found, ensure_ascii=False).encode()  # halves of surrogate pairs can't be written
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
