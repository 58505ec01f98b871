"""A service of the System One API, on a port of its own, in a thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from microprompt.serving.app import create_app

from .test_functions import FUNCTIONS


def application(*, key: str | None = None) -> ASGIApp:
    """A service of a few functions, behind a key if there is one."""
    return create_app(FUNCTIONS, keys=() if key is None else (key,))


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The address of an application while it is served."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    with config.bind_socket() as socket:
        socket.listen()  # who connects before the thread runs waits
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
        thread.start()
        try:
            host, port = socket.getsockname()[:2]
            yield f"http://{host}:{port}"
        finally:
            server.should_exit = True
            thread.join()
