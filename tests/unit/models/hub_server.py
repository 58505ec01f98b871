"""A server that speaks as much of Hugging Face's protocol as fetching a large file takes.

/OWNER/REPOSITORY/resolve/REVISION/FILE leads on to where the bytes are, on another host, and says in its
headers what they are: `X-Repo-Commit` is the commit that a branch stands for, `X-Linked-Etag` the sha256 of
the file. What is not there is told in `X-Error-Code`. Where the bytes are, `Range` is honoured.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

REPOSITORY: Final = "owner/tiny-GGUF"
COMMIT: Final = "c" * 40
_RESOLVE: Final = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_BYTES: Final = re.compile(r"/bytes/([^/]+)/(.+)")


@dataclass
class Hub:
    """One repository: files by commit and name; branches by name. Keeps count of what is asked of it."""

    files: dict[tuple[str, str], bytes]
    branches: dict[str, str] = field(default_factory=lambda: {"main": COMMIT})
    gated: bool = False
    status: int | None = None
    """Answer everything with this."""
    cut: list[int] = field(default_factory=list)
    """After so many bytes the next downloads break off."""
    garbled: bool = False
    """Whether bytes change on the way."""
    plain: bool = False
    """Whether it is another kind of server, which says nothing of commits."""
    ranges: list[str | None] = field(default_factory=list)
    """What was asked for with each GET of the bytes."""
    tokens: list[tuple[bool, str | None]] = field(default_factory=list)
    """Whether the bytes were asked for, or what they are, and with which authorization."""
    endpoint: str = ""

    def code(self, repository: str, revision: str, name: str) -> str | None:
        """What is wrong with what is asked for, as the protocol names it."""
        if repository != REPOSITORY:
            return "RepoNotFound"
        if self.gated:
            return "GatedRepo"
        commit = self.branches.get(revision, revision)
        if commit not in {known for known, _ in self.files}:
            return "RevisionNotFound"
        return None if (commit, name) in self.files else "EntryNotFound"


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve it from another thread, at `hub.endpoint`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            found = _BYTES.fullmatch(self.path)
            hub.tokens.append((found is not None, self.headers.get("Authorization")))
            if found is not None:
                self._send(hub.files[found[1], found[2]], body=body)
                return
            asked = _RESOLVE.fullmatch(self.path)
            assert asked is not None, self.path
            repository, revision, name = asked.groups()
            code = hub.code(repository, revision, name)
            if hub.status is not None or code is not None:
                self.send_response(hub.status or {"GatedRepo": 403}.get(code or "", 404))
                self.send_header("X-Error-Code", code or "")
            else:
                commit = hub.branches.get(revision, revision)
                data = hub.files[commit, name]
                self.send_response(302)
                port = hub.endpoint.rpartition(":")[2]
                self.send_header("Location", f"http://localhost:{port}/bytes/{commit}/{name}")
                if not hub.plain:
                    self.send_header("X-Repo-Commit", commit)
                    self.send_header("X-Linked-Etag", f'"{hashlib.sha256(data).hexdigest()}"')
                    self.send_header("X-Linked-Size", str(len(data)))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _send(self, data: bytes, *, body: bool) -> None:
            if body:
                hub.ranges.append(self.headers.get("Range"))
            start = 0
            if (asked := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")) is not None:
                start = int(asked[1])
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            if not body:
                return
            rest = data[start:]
            if hub.garbled:
                rest = rest[:-1] + bytes([rest[-1] ^ 1])
            if hub.cut:
                rest = rest[: hub.cut.pop(0)]
                self.close_connection = True
            self.wfile.write(rest)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
