"""A stand-in for an OpenAI-compatible endpoint, on this machine alone."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Step = tuple[int, str] | float | Callable[[BaseHTTPRequestHandler], None]


class Server:
    """A real endpoint on this machine with a script: status and body, seconds of silence, or what it does."""

    def __init__(self, script: list[Step]) -> None:
        self.script, self.bodies, self.keys = script, [], []  # type: ignore[var-annotated]
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                server.keys.append(self.headers.get("Authorization"))
                step = server.script[min(len(server.bodies), len(server.script)) - 1]
                if isinstance(step, float):
                    threading.Event().wait(step)
                    return
                if callable(step):
                    step(self)
                    return
                self.send_response(step[0])
                self.send_header("Retry-After", "7")
                self.end_headers()
                self.wfile.write(step[1].encode())

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()


def object_answer(found: object) -> tuple[int, str]:
    """Return the answer of an endpoint whose model returns an object."""
    return 200, json.dumps({"choices": [{"message": {"content": json.dumps(found)}}]})
