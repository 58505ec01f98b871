"""An application with nothing but the System One API, on a port of its own, in a thread."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
import zstandard
from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from microprompt.systemone import Functions, Order
from microprompt.systemone.routes import refusal, router


def application(
    *,
    key: str | None = None,
    functions: Functions | None = None,
    order: Order = "canonical",
) -> ASGIApp:
    """The routes, behind a key if there is one; bodies are decoded, as a real application does."""
    app = FastAPI()
    app.include_router(router(functions=functions, order=order))
    return _Front(app, key)


class _Front:
    def __init__(self, app: ASGIApp, key: str | None) -> None:
        self._app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("authorization", "").removeprefix("Bearer ")
        if self._key is not None and not hmac.compare_digest(given.encode(), self._key.encode()):
            status, said = (401, "the key is wrong") if given else (403, "a key is needed")
            await refusal(status, "authentication_error", said)(scope, receive, send)
            return
        if headers.get("content-encoding") == "zstd":
            receive = _decoded(receive)
        await self._app(scope, receive, send)


def _decoded(receive: Receive) -> Receive:
    async def read() -> Message:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        found = zstandard.ZstdDecompressor().stream_reader(body).read()
        return {"type": "http.request", "body": found, "more_body": False}

    return read


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The address of an application while it is served."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    with config.bind_socket() as socket:
        socket.listen()  # who connects before the thread runs waits
        thread = threading.Thread(target=_serve(server, [socket]), daemon=True)
        thread.start()
        try:
            host, port = socket.getsockname()[:2]
            yield f"http://{host}:{port}"
        finally:
            server.should_exit = True
            thread.join()


def _serve(server: uvicorn.Server, sockets: list[object]) -> Callable[[], None]:
    return lambda: server.run(sockets=sockets)  # type: ignore[arg-type]  # they are sockets
