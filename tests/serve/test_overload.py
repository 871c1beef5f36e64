"""More than a server takes on is refused at once, and what waits is answered."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from fastapi.testclient import TestClient

from omninegclip.serve.app import Setup, make_app
from omninegclip.serve.limits import ServeLimits
from omninegclip.serve.service import ServeJob, Service


@pytest.mark.parametrize(("batch", "waiting"), [(1, 0), (1, 2), (4, 3)])
def test_a_full_server_says_it_at_once_is_not_ready_and_recovers(
    service: Service, monkeypatch: pytest.MonkeyPatch, batch: int, waiting: int
) -> None:
    begun, goes_on, run = Event(), Event(), service.run

    def slow(jobs: Sequence[ServeJob]) -> object:
        begun.set()
        goes_on.wait(60)
        return run(jobs)

    monkeypatch.setattr(service, "run", slow)
    places = batch + waiting
    limits = ServeLimits(batch=batch, waiting=waiting, seconds=60)
    app = make_app(service, Setup("test", limits=limits, quiet=True))
    with TestClient(app) as client, ThreadPoolExecutor(places) as pool:

        def ask(number: int) -> int:
            return client.post("/v1/search", json={"query": f"a tree, number {number}"}).status_code

        asked = [pool.submit(ask, 0)]
        assert begun.wait(30)  # the model is busy, so that the next ones wait
        asked += [pool.submit(ask, number) for number in range(1, places)]
        deadline = time.monotonic() + 30
        # who looks whether the server is ready takes none of the places
        while client.get("/readyz").status_code != 503 and time.monotonic() < deadline:
            time.sleep(0.01)
        for path, body in (("search", {"query": "one too many"}), ("read", {"sentences": ["no dog"]})):
            refused = client.post(f"/v1/{path}", json=body)
            assert refused.status_code == 503
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.headers["retry-after"] == "1"
        assert not any(each.done() for each in asked)
        for path in ("/healthz", "/metrics", "/", "/page/page.js"):
            assert client.get(path).status_code == 200
        goes_on.set()
        assert [each.result() for each in asked] == [200] * places
        assert client.get("/readyz").status_code == 200
        assert ask(places) == 200


def test_a_late_request_gives_its_place_back(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on, run = Event(), service.run

    def slow(jobs: Sequence[ServeJob]) -> object:
        goes_on.wait(60)
        return run(jobs)

    monkeypatch.setattr(service, "run", slow)
    limits = ServeLimits(batch=1, waiting=0, seconds=0.2)
    with TestClient(make_app(service, Setup("test", limits=limits, quiet=True))) as client:
        for _ in range(3):
            late = client.post("/v1/search", json={"query": "a tree"})
            assert (late.status_code, "more than 0.2 seconds" in late.json()["detail"]) == (503, True)
            assert client.get("/readyz").status_code == 200
        goes_on.set()
