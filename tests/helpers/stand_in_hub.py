"""A hub and public file servers on loopback: they speak what the clients ask, and go wrong when told to."""

import base64
import hashlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import huggingface_hub.constants
import pytest

LARGE = 4096  # bytes from which a file of a repository counts as large and has its SHA-256 for a name
RETRY_AFTER = 7  # seconds that a client is asked to wait


class StandInHub:
    """Files by path, repositories by name, and the faults that the next requests for a path meet.

    A fault is a status code, "busy" (status 429, and when to come again), "page" (a web page in place of the
    file), "cut" (the answer breaks off half-way), "stall" (it stops for longer than the client waits), or
    "flipped" (one byte of it is another).
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.faults: dict[str, list[int | str]] = {}
        self.asked: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()  # bytes of bodies by path
        self.pushed: dict[str, dict[str, bytes]] = {}
        self.objects: dict[str, bytes] = {}
        self.address = ""

    def url(self, path: str) -> str:
        return f"{self.address}/files/{path}"

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Serve on a free port of loopback."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self.address
        finally:
            server.shutdown()
            server.server_close()


def ask_instead(hub: StandInHub, patch: pytest.MonkeyPatch) -> None:
    """Let the hub's client in this process ask the stand-in; one that starts later reads HF_ENDPOINT."""
    patch.setattr(huggingface_hub.constants, "ENDPOINT", hub.address)
    template = hub.address + "/{repo_id}/resolve/{revision}/{filename}"  # made of the endpoint at import
    patch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    patch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)  # the stand-in has LFS alone


def etag(content: bytes) -> str:
    if len(content) >= LARGE:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def commit_of(files: dict[str, bytes]) -> str:
    return hashlib.sha1(repr(sorted(files.items())).encode(), usedforsecurity=False).hexdigest()


def _revision(asked: str, files: dict[str, bytes]) -> str:
    """Return a commit that was asked for as it is, as if it were that of these files."""
    return asked if re.fullmatch("[0-9a-f]{40}", asked) else commit_of(files)


def _entry(path: str, content: bytes) -> dict[str, object]:
    entry = {"type": "file", "path": path, "size": len(content), "oid": etag(content)}
    large = {"oid": etag(content), "size": len(content), "pointerSize": 130}
    return entry | ({"lfs": large} if len(content) >= LARGE else {})


class _Handler(BaseHTTPRequestHandler):
    hub: StandInHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None: ...

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if path == "/api/repos/create":
            said = json.loads(content)
            name = "/".join(filter(None, [said.get("organization"), said["name"]]))
            self.hub.pushed.setdefault(name, {})
            self._json({"url": f"{self.hub.address}/{name}"})
        elif path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif "/preupload/" in path:
            files = json.loads(content)["files"]
            modes = [
                {
                    "path": each["path"],
                    "uploadMode": "lfs" if each["size"] >= LARGE else "regular",
                    "shouldIgnore": False,
                    "oid": None,
                }
                for each in files
            ]
            self._json({"files": modes})
        elif path.endswith("/info/lfs/objects/batch"):
            objects = [
                {**each, "actions": {"upload": {"href": f"{self.hub.address}/lfs/{each['oid']}"}}}
                for each in json.loads(content)["objects"]
            ]
            self._json({"objects": objects, "transfer": "basic"})
        elif "/commit/" in path:
            self._commit(path.split("/api/models/")[1].split("/commit/")[0], content)
        else:
            self._json({"error": f"no such address: {path}"}, 404)

    def do_PUT(self) -> None:
        oid = self.path.rpartition("/")[2]
        self.hub.objects[oid] = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._json({})

    def _commit(self, name: str, content: bytes) -> None:
        for line in map(json.loads, content.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                self.hub.pushed[name][value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.hub.pushed[name][value["path"]] = self.hub.objects[value["oid"]]
        commit = commit_of(self.hub.pushed[name])
        url = f"{self.hub.address}/{name}/commit/{commit}"
        self._json({"success": True, "commitOid": commit, "commitUrl": url})

    def _answer(self, *, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked[path] += body
        faults = self.hub.faults.get(path, [])
        fault = faults.pop(0) if faults and body else None
        if isinstance(fault, int):
            self._json({"error": "told to"}, fault)
        elif fault == "busy":
            self._send(b"later", 429, {"Retry-After": str(RETRY_AFTER)})
        elif fault == "page":
            self._send(
                b"\n<!DOCTYPE html><html><body>Log in</body></html>", 200, {"Content-Type": "text/html"}
            )
        elif path.startswith("/files/"):
            self._file(path, self.hub.files.get(path.removeprefix("/files/")), {}, body, fault)
        elif path.startswith("/api/models/"):
            self._about(path.removeprefix("/api/models/"))
        else:
            name, _, rest = path.strip("/").partition("/resolve/")
            files = self.hub.repositories.get(name, {})
            content = files.get(rest.partition("/")[2])
            headers = {
                "X-Repo-Commit": _revision(rest.partition("/")[0], files),
                "ETag": f'"{etag(content or b"")}"',
            }
            if content is not None and len(content) >= LARGE:
                headers |= {"X-Linked-Etag": headers["ETag"], "X-Linked-Size": str(len(content))}
            self._file(path, content, headers, body, fault)

    def _about(self, path: str) -> None:
        name, tree = path, "/tree/" in path
        for mark in ("/revision/", "/tree/"):
            name = name.partition(mark)[0]
        files = self.hub.repositories.get(name)
        if files is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif tree:
            entries = [
                {"type": "file", "path": each, "size": len(content), "oid": etag(content)}
                | (
                    {"lfs": {"oid": etag(content), "size": len(content), "pointerSize": 130}}
                    if len(content) >= LARGE
                    else {}
                )
                for each, content in files.items()
            ]
            self._json(entries)
        else:
            siblings = [{"rfilename": each} for each in files]
            self._json(
                {"id": name, "sha": commit_of(files), "siblings": siblings, "private": False, "tags": []}
            )

    def _file(
        self, path: str, content: bytes | None, headers: dict[str, str], body: bool, fault: object
    ) -> None:
        if content is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        if start >= len(content) > 0:
            self._json({"error": "nothing behind that"}, 416)
            return
        part = content[start:]
        self.send_response(206 if start else 200)
        for name, value in headers.items():
            self.send_header(name, value)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if not body:
            return
        if fault == "flipped":
            part = bytes([part[0] ^ 1]) + part[1:]
        if fault in ("cut", "stall"):
            half = part[: max(1, len(part) // 2)]
            self.wfile.write(half)
            self.wfile.flush()
            self.hub.sent[path] += len(half)
            if fault == "stall":
                time.sleep(3)
            self.close_connection = True
            self.connection.close()
            return
        self.wfile.write(part)
        self.hub.sent[path] += len(part)

    def _json(self, content: object, status: int = 200) -> None:
        self._send(json.dumps(content).encode(), status, {"Content-Type": "application/json"})

    def _send(self, body: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
