"""How a server is reached: over standard input and output, or over HTTP."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Sequence
from queue import SimpleQueue
from typing import IO, Any, Final, cast

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp, Receive, Scope, Send

from ..serving.gate import Gate
from ..serving.limits import ServingLimits
from ..serving.readiness import Readiness
from .server import OVER

PATH: Final = "/mcp"


def run_stdio(server: Server[Any], readiness: Readiness) -> None:
    """Serve one client over standard input and output, until it closes them or the `readiness` fails.

    Nothing else is read from the one or written to the other: what programs print goes to standard error.
    Raises why the `readiness` failed.
    """
    lines = _Lines(_taken_input())

    async def end_if_it_fails() -> None:
        await readiness.settled.wait()
        if readiness.failure is not None:
            lines.end()

    async def serve() -> None:
        async with stdio_server(stdin=lines.file()) as (incoming, outgoing):
            watching = asyncio.create_task(end_if_it_fails())
            try:
                await server.run(incoming, outgoing, server.create_initialization_options())
            finally:
                watching.cancel()
                lines.end()

    asyncio.run(serve())
    if readiness.failure is not None:
        raise readiness.failure


def _taken_input() -> IO[str]:
    """Standard input as a file of its own; to all else in this process, it has nothing to read then."""
    mine = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return open(mine, encoding="utf-8", errors="replace")


class _Lines:
    """The lines of a file that may end before the file does.

    Nothing wakes a thread that waits for a client to write, and the SDK waits for its threads, also when
    there is no more to serve. So a thread that the process does not wait for reads, and the SDK's waits here.
    """

    def __init__(self, of: IO[str]) -> None:
        self._of = of
        self._read: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=self._reading, name="microprompt-stdin", daemon=True).start()

    def readline(self) -> str:
        """The next line; nothing at the end."""
        return self._read.get()

    def end(self) -> None:
        """Let there be no more lines than those that have been read."""
        self._read.put("")

    def file(self) -> anyio.AsyncFile[str]:
        """The lines, for the SDK, which asks for nothing but lines."""
        return anyio.wrap_file(cast(IO[str], self))

    def _reading(self) -> None:
        for line in self._of:
            self._read.put(line)
        self.end()


def create_http_app(server: Server[Any], *, keys: Sequence[str] = ()) -> ASGIApp:
    """The server as an ASGI application, at `PATH` (streamable HTTP).

    With `keys`, who asks has to have one of them. Without, it is for this machine only: requests that name
    another host are refused, and those that the page of another site makes. A call is given up when its
    client goes away, whatever the revision: there is nowhere to fetch the answer from later.
    """
    security = TransportSecuritySettings(enable_dns_rebinding_protection=False) if keys else None
    app = server.streamable_http_app(streamable_http_path=PATH, transport_security=security)
    return Gate(_Watched(app), keys=keys, limits=ServingLimits())


class _Watched:
    """Tells what runs for a request, by an event in its scope, that the request is over."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        over = asyncio.Event()
        try:
            await self._app({**scope, OVER: over}, receive, send)
        finally:
            over.set()
