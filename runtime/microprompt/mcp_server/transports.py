"""How a server is reached: over standard input and output, or over HTTP."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from typing import Any, Final

from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp

from ..serving.gate import Gate
from ..serving.limits import ServingLimits

PATH: Final = "/mcp"


def run_stdio(server: Server[Any]) -> None:
    """Serve one client over standard input and output, until it closes them.

    Nothing else is read from the one or written to the other: what programs print goes to standard error.
    """
    # What reads standard input waits for a line on a thread, which a `KeyboardInterrupt` would wait for too.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

    async def serve() -> None:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    asyncio.run(serve())


def create_http_app(server: Server[Any], *, keys: Sequence[str] = ()) -> ASGIApp:
    """The server as an ASGI application, at `PATH` (streamable HTTP).

    With `keys`, who asks has to have one of them. Without, it is for this machine only: requests that name
    another host are refused, and those that the page of another site makes.
    """
    security = TransportSecuritySettings(enable_dns_rebinding_protection=False) if keys else None
    app = server.streamable_http_app(streamable_http_path=PATH, transport_security=security)
    return Gate(app, keys=keys, limits=ServingLimits())
