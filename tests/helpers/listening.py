"""A server of a service that listens, in a thread of the test."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from omninegclip.serve.app import Setup, make_app
from omninegclip.serve.server import impatient_protocol
from omninegclip.serve.service import Service


@contextmanager
def listening(service: Service, setup: Setup) -> Iterator[str]:
    config = uvicorn.Config(
        make_app(service, setup), port=0, log_config=None, http=impatient_protocol(setup.limits), ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
