"""How a server holds under load: texts searched among many vectors, on this machine alone.

    python benchmarks/serve.py --count 100000

The server is a process of its own, with the CLIP that ships and vectors that are drawn. Each of 1, 16 and 64
clients asks one query after the other, and none twice, so that no embedding is known. Then the same server
answers one by one (batches of 1), then more ask at once than may wait. In between, 20,000 requests are sent
while its memory is read. What batches can win at most is measured alone, without a server: the texts of
queries embedded together and one by one, in CPU time, since the clients run on the same cores.
"""

import argparse
import asyncio
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import count
from pathlib import Path

import httpx
import numpy as np

from omninegclip.index.loading import DEMONSTRATION, load_for
from omninegclip.index.rows import table_of
from omninegclip.index.store import Header, writable_store

PORT, BATCH = 8765, 20_000
WORDS = ("dog", "cat", "car", "tree", "boat", "cup", "key", "book", "bear", "fish", "rose", "kite", "lamp")
numbers = count()


def query() -> dict[str, object]:
    """Return a query that was never asked before."""
    number = next(numbers)
    first, second = WORDS[number % 13], WORDS[number // 13 % 13]
    return {"query": f"a {first} number {number} without a {second} of {number}", "limit": 20}


def make_index(db: Path, rows: int) -> None:
    encoder = load_for(DEMONSTRATION, "cpu")
    random = np.random.default_rng(0)
    with writable_store(str(db), Header.of(encoder, DEMONSTRATION, foreign=True)) as store:
        for start in range(0, rows, BATCH):
            size = min(BATCH, rows - start)
            vectors = random.standard_normal((size, encoder.dim)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            store.engine.add(table_of([{"path": f"/drawn/{start + n}"} for n in range(size)], vectors))
        store.engine.tidy()


def serve() -> None:
    """Be the server: DB, BATCH and WAITING as the arguments after `--serve`."""
    from omninegclip.index.search import Index
    from omninegclip.serve.app import Setup, make_app
    from omninegclip.serve.limits import ServeLimits
    from omninegclip.serve.server import serve as run
    from omninegclip.serve.service import Service
    from omninegclip.serve.truth import Truth

    db, batch, waiting = sys.argv[2:]
    limits = ServeLimits(batch=int(batch), waiting=int(waiting))
    service = Service(Index.open(db, device="cpu"), Truth())
    run(make_app(service, Setup("benchmark", limits=limits, quiet=True)), "127.0.0.1", PORT, limits)


class Server:
    def __init__(self, db: Path, batch: int = 64, waiting: int = 256) -> None:
        command = [sys.executable, __file__, "--serve", str(db), str(batch), str(waiting)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603

    async def __aenter__(self) -> "Server":
        async with httpx.AsyncClient() as client:
            while True:
                try:
                    await client.get(f"http://127.0.0.1:{PORT}/readyz")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        self.ready = time.perf_counter()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(60)

    @property
    def megabytes(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def text_encoding(texts: int) -> dict[str, object]:
    """Return the CPU time that a text takes when so many are embedded one by one and in one batch."""
    encoder = load_for(DEMONSTRATION, "cpu")
    asked = [str(query()["query"]) for _ in range(texts)]

    def took(batches: list[list[str]]) -> float:
        began = time.process_time()
        for batch in batches:
            encoder.embed_tokens(encoder.tokenize(batch))
        return 1000 * (time.process_time() - began) / texts

    took([asked])
    alone, together = (
        min(times)
        for times in zip(*((took([[each] for each in asked]), took([asked])) for _ in range(5)), strict=True)
    )
    return {
        "texts": texts,
        "alone_ms": round(alone, 2),
        "together_ms": round(together, 2),
        "ratio": round(alone / together, 2),
    }


async def load(clients: int, requests: int) -> dict[str, object]:
    """Let `clients` ask `requests` in all, each one after the other."""
    times: list[float] = []
    statuses: Counter[int] = Counter()
    left = iter(range(requests))
    context = ssl.create_default_context()  # one for all: each would read the machine's certificates

    async def client() -> None:
        # a pool for all would be what is measured: it lets some of 64 wait for seconds
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{PORT}", timeout=60, verify=context) as http:
            for _ in left:
                began = time.perf_counter()
                answer = await http.post("/v1/search", json=query())
                times.append(1000 * (time.perf_counter() - began))
                statuses[answer.status_code] += 1

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    took = time.perf_counter() - began
    p50, p99 = np.quantile(times, [0.5, 0.99])
    found: dict[str, object] = {
        "clients": clients,
        "p50_ms": round(float(p50), 1),
        "p99_ms": round(float(p99), 1),
        "p99_by_p50": round(float(p99 / p50), 1),
        "per_second": round(requests / took, 1),
        "statuses": dict(statuses),
    }
    print(found, file=sys.stderr)
    return found


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--soak", type=int, default=20_000)
    asked = parser.parse_args()
    figures: dict[str, object] = {"vectors": asked.count, "load_average": os.getloadavg()[0]}
    figures["text_encoding_cpu"] = [text_encoding(texts) for texts in (4, 16, 64)]
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "db"
        make_index(db, asked.count)
        async with Server(db) as server:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{PORT}", timeout=60) as http:
                for path in ("/", "/page/page.js", "/page/page.css", "/v1/index"):
                    await http.get(path)
                await http.post("/v1/search", json=query())
            figures["page_and_first_search_ms"] = round(1000 * (time.perf_counter() - server.ready))
            await load(4, 100)
            figures["batched"] = [await load(clients, asked.requests) for clients in (1, 16, 64)]
            before = server.megabytes
            memory = [before]
            for _ in range(10 if asked.soak else 0):
                await load(16, asked.soak // 10)
                memory.append(server.megabytes)
            figures["memory_MB"] = memory
        async with Server(db, batch=1):
            await load(4, 100)
            figures["one_by_one"] = [await load(clients, asked.requests) for clients in (16, 64)]
        async with Server(db, batch=16, waiting=16):
            await load(4, 100)
            figures["overload_64_clients_32_places"] = await load(64, asked.requests)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve()
    else:
        asyncio.run(main())
