"""The server's own connections: slow and rude clients, and an end in the middle of work."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from listening import listening
from uvicorn.server import ServerState

from omninegclip.serve.app import Setup
from omninegclip.serve.limits import ServeLimits
from omninegclip.serve.server import impatient_protocol
from omninegclip.serve.service import Service


def talk(url: str, said: bytes) -> bytes:
    """Say something and return all that comes back until the server hangs up."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(said)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_slow_clients_are_left(url: str) -> None:
    assert talk(url, b"") == b""
    assert talk(url, b"POST /v1/search HTTP/1.1\r\nHost: loc") == b""
    head = b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    assert talk(url, head + b"Content-Length: 100\r\n\r\n{").startswith(b"HTTP/1.1 408 ")


def test_half_sent_bodies_hold_no_place(service: Service) -> None:
    setup = Setup("test", limits=ServeLimits(batch=1, waiting=0, body_seconds=60), quiet=True)
    head = b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with listening(service, setup) as url, ExitStack() as half_open:
        host, port = url.removeprefix("http://").split(":")
        for _ in range(20):
            connection = half_open.enter_context(socket.create_connection((host, int(port))))
            connection.sendall(head + b"Content-Length: 100\r\n\r\n{")
        assert httpx.get(f"{url}/readyz").status_code == 200
        assert httpx.post(f"{url}/v1/search", json={"query": "a tree"}).status_code == 200


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """A listener whose sockets name no protocol gets no TCP_NODELAY of asyncio: 40 ms an answer."""

    async def option() -> int:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            loop = asyncio.get_running_loop()
            with socket.create_connection(listener.getsockname()):
                taken, _ = listener.accept()
                taken.setblocking(False)
                config = uvicorn.Config(FastAPI(), log_config=None)
                config.load()
                made = impatient_protocol(ServeLimits())(config, ServerState(), {}, loop)
                transport, _ = await loop.connect_accepted_socket(lambda: made, taken)
                found = transport.get_extra_info("socket")
                nodelay: int = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                transport.abort()
        return nodelay

    assert asyncio.run(option())


def test_a_huge_body_is_refused_before_it_comes(url: str) -> None:
    head = b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1073741824\r\n\r\n"
    assert talk(url, head).startswith(b"HTTP/1.1 413 ")
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    endless = (
        b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 20
    )
    assert talk(url, endless).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "said",
    [
        b"no request at all\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70_000,
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /v1/search HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_is_told_in_the_same_shape(url: str, said: bytes) -> None:
    head, _, body = talk(url, said).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head.lower()
    assert json.loads(body)["detail"].startswith("This is no HTTP request")


def test_a_path_upwards_leads_nowhere(url: str) -> None:
    for path in (b"/page/../../../../etc/passwd", b"/page/%2e%2e/%2e%2e/etc/passwd", b"//etc/passwd"):
        answer = talk(url, b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b"root:" not in answer


def test_many_at_once_get_each_their_own(url: str) -> None:
    queries = [f"a tree without a {thing}" for thing in ("dog", "cat", "car", "bird", "boat")] * 8
    with httpx.Client(base_url=url) as client, ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda query: client.post("/v1/search", json={"query": query}).json(), queries)
        )
        alone = {query: client.post("/v1/search", json={"query": query}).json() for query in set(queries)}
    for query, answer in zip(queries, answers, strict=True):
        assert answer["understood"] == f"a tree, NOT {query.rpartition('without ')[2]}"
        assert [each["id"] for each in answer["results"]] == [each["id"] for each in alone[query]["results"]]


@pytest.mark.slow
def test_a_server_that_is_ended_finishes_what_runs(tmp_path: Path) -> None:
    """The real command, without an index: it makes one, serves, and ends well in the middle of requests."""
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "omninegclip", "serve", "--port", "0", "--quiet"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        url = ""
        for line in server.stderr:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                url = found[0]
                break
        with httpx.Client(base_url=url, timeout=60) as client, ThreadPoolExecutor(8) as pool:

            def ask(number: int) -> int:
                try:
                    return client.post(
                        "/v1/search", json={"query": f"a dog without {number} cats"}
                    ).status_code
                except httpx.TransportError:  # it had not been taken yet
                    return 0

            client.get("/healthz")
            asked = [pool.submit(ask, number) for number in range(200)]
            time.sleep(0.2)
            server.send_signal(signal.SIGTERM)
            statuses = {each.result() for each in asked}
        assert server.wait(60) == 0
        assert statuses <= {0, 200, 503}
        assert 200 in statuses
