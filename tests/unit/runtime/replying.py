"""A server on loopback that replies as a test says, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, a body (JSON unless it is bytes), more headers, and seconds before it is sent."""

    body: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    after: float = 0.0


Replier: TypeAlias = Callable[[Any], Reply]
"""From the JSON that was posted to the reply."""


class Replying:
    """Serves inside a `with` block; `asked` are the bodies posted so far, `paths` and `keys` where and with
    which authorization, `at_once` how many were there at a time at most, and `gone` how many clients did not
    wait for the reply."""

    def __init__(self, reply: Replier) -> None:
        self.asked: list[Any] = []
        self.paths: list[str] = []
        self.keys: list[str | None] = []
        self.at_once = self.gone = 0
        self._now = 0
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                body = json.loads(raw)
                with outer._lock:
                    outer.asked.append(body)
                    outer.paths.append(self.path)
                    outer.keys.append(self.headers["Authorization"])
                    outer._now += 1
                    outer.at_once = max(outer.at_once, outer._now)
                found = reply(body)
                time.sleep(found.after)
                sent = found.body if isinstance(found.body, bytes) else json.dumps(found.body).encode()
                with outer._lock:
                    outer._now -= 1
                try:
                    self.send_response(found.status)
                    for name, value in {"Content-Type": "application/json", **found.headers}.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(sent)))
                    self.end_headers()
                    self.wfile.write(sent)
                except OSError:
                    outer.gone += 1

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that is gone is no error of the test."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Replying:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
