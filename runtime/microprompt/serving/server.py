"""An application on uvicorn, until the process is told to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final

import uvicorn
from starlette.types import ASGIApp

GRACE_SECONDS: Final = 30
"""How long what runs may go on once the process is told to stop."""


def run(app: ASGIApp, listener: socket.socket, *, on_start: Callable[[], None] | None = None) -> None:
    """Serve an application on a socket that listens, until SIGINT or SIGTERM; what runs then is finished.

    Raises `KeyboardInterrupt` after SIGINT.
    """
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    _Server(config, on_start).run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._on_start is not None:
            self._on_start()
