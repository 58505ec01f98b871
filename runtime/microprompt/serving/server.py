"""An application on uvicorn, until the process is told to stop."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from .limits import ServingLimits
from .readiness import Readiness

_GRACE_SECONDS: Final = ServingLimits().grace_seconds


class Server(uvicorn.Server):
    """Serves an application, and calls `on_start` once it does. Ends where its `readiness` fails; told to
    stop, it waits `grace_seconds` for what runs."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        readiness: Readiness | None = None,
        grace_seconds: int = _GRACE_SECONDS,
        on_start: Callable[[], None] | None = None,
    ) -> None:
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="on",
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=grace_seconds,
        )
        super().__init__(config)
        self._readiness = readiness
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._on_start is not None:
            self._on_start()

    async def on_tick(self, counter: int) -> bool:
        has_failed = self._readiness is not None and self._readiness.failure is not None
        return await super().on_tick(counter) or has_failed


def run(
    app: ASGIApp,
    listener: socket.socket,
    *,
    readiness: Readiness | None = None,
    grace_seconds: int = _GRACE_SECONDS,
    on_start: Callable[[], None] | None = None,
) -> None:
    """Serve an application on a socket that listens, until SIGTERM or SIGINT; what runs then is finished, for
    `grace_seconds` at most.

    Raises `KeyboardInterrupt` after SIGINT, and why the `readiness` failed.
    """
    if threading.current_thread() is threading.main_thread():
        # uvicorn raises the signal again once it has finished, and to be told to stop is no failure.
        signal.signal(signal.SIGTERM, lambda number, frame: None)
    Server(app, readiness=readiness, grace_seconds=grace_seconds, on_start=on_start).run(sockets=[listener])
    if readiness is not None and readiness.failure is not None:
        raise readiness.failure
