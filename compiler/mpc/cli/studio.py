"""`mpc studio`: a program in the browser, on this machine only."""

from __future__ import annotations

import importlib.util
import secrets
import socket
import webbrowser
from pathlib import Path
from typing import Final

import click

from mpc import project
from mpc.diagnostics import ToolError

from . import console
from .failures import Failure

_LOOPBACK: Final = "127.0.0.1"


@click.command(short_help="Try, look into and edit a program in the browser.")
@click.argument("paths", metavar="[PATHS]...", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="The port on 127.0.0.1 (default: a free one)."
)
@click.option("--open", "is_opened", is_flag=True, help="Open the page in the browser.")
def command(paths: tuple[Path, ...], port: int, is_opened: bool) -> None:
    """Serve a page for the .mp files at PATHS (default: those in this folder), until Ctrl-C.

    The address that is printed holds a token: who has it can run the program and write its files.
    """
    if importlib.util.find_spec("fastapi") is None or importlib.util.find_spec("uvicorn") is None:
        raise ToolError("the studio needs FastAPI and uvicorn", help="pip install 'microprompt[serve]'")
    import uvicorn  # not at the top, as the next one: they are an extra

    from mpc.studio.app import studio
    from mpc.studio.workspace import Workspace

    paths = paths or (Path(),)
    if not project.collect(paths):
        raise Failure("there is no .mp file", help="name one, or write a first one with `mpc new`")
    token = secrets.token_urlsafe(24)
    with _listening(port) as listening:
        port = listening.getsockname()[1]
        app = studio(Workspace(paths), token=token, port=port)
        address = f"http://{_LOOPBACK}:{port}/#token={token}"
        click.echo(address)
        if is_opened:
            webbrowser.open(address)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        with console.model_progress():
            server.run(sockets=[listening])


def _listening(port: int) -> socket.socket:
    """A socket on that port of loopback."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((_LOOPBACK, port))
        found.listen()
    except OSError as error:
        found.close()
        raise ToolError(
            f"port {port} can't be had: {error.strerror}", help="leave out --port, and a free one is taken"
        ) from error
    return found
