"""The server's process: connections, signals, and an end that lets finish what runs."""

import asyncio
import gc
import secrets
import socket
from asyncio import TimerHandle, Transport
from contextlib import suppress

import h11
import uvicorn
from fastapi import FastAPI
from threadpoolctl import threadpool_limits
from uvicorn.protocols.http.h11_impl import H11Protocol

from omninegclip.errors import OmniNegClipError
from omninegclip.progress import console
from omninegclip.serve.limits import ServeLimits
from omninegclip.serve.problems import problem

_ENDING = 20  # seconds for what runs
_HEAD = 16 * 2**10  # bytes of a request's head
_NO_REQUEST = f"This is no HTTP request, or its head has more than {_HEAD:,} bytes."


def serve(app: FastAPI, host: str, port: int, limits: ServeLimits) -> None:
    """Serve until a signal comes; then take no more, and finish what runs.

    NumPy keeps to one thread meanwhile: its threads and PyTorch's wait for each other on the same cores, and
    a query took 105 ms instead of 15. What is large is multiplied by PyTorch.

    Raises OmniNegClipError when the address can't be had.
    """
    config = uvicorn.Config(
        app,
        http=impatient_protocol(limits),
        ws="none",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=_ENDING,
        h11_max_incomplete_event_size=_HEAD,
        backlog=512,
    )
    with _listening(host, port) as listener:
        name, number = listener.getsockname()[:2]
        console.print(f"Serving http://{f'[{name}]' if ':' in name else name}:{number}/ - Ctrl-C ends it.")
        gc.collect()
        gc.freeze()  # a collection over all that was loaded stops every request for a quarter of a second
        # an interrupt comes again when all is finished
        with threadpool_limits(1, user_api="blas"), suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OmniNegClipError(f"Can't listen on {host}:{port}: {reason}. Name another --port.") from error


def impatient_protocol(limits: ServeLimits) -> type[H11Protocol]:
    """Return uvicorn's protocol with a limit for connections, and for how long a head may take to arrive."""

    class Impatient(H11Protocol):
        _waiting: TimerHandle | None = None

        def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            # asyncio does it for sockets that name their protocol alone; without it an answer, which is
            # written in two parts, waits 40 ms for the client's acknowledgement of the first
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if len(self.connections) > limits.connections:
                transport.abort()
                return
            self._wait()

        def data_received(self, data: bytes) -> None:
            before = self.cycle
            super().data_received(data)
            if self.cycle is not before:  # a head has arrived
                self._calm()
            elif self._waiting is None and (self.cycle is None or self.cycle.response_complete):
                self._wait()  # the next head on this connection has begun

        def send_400_response(self, msg: str) -> None:
            if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):  # an answer has begun
                self.transport.abort()
                return
            answer = problem(400, _NO_REQUEST, secrets.token_hex(8))
            answer.headers["connection"] = "close"
            for event in (
                h11.Response(status_code=400, headers=answer.raw_headers),
                h11.Data(data=bytes(answer.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

        def connection_lost(self, exc: Exception | None) -> None:
            self._calm()
            super().connection_lost(exc)

        def _wait(self) -> None:
            self._waiting = asyncio.get_running_loop().call_later(limits.head_seconds, self.transport.abort)

        def _calm(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None

    return Impatient
