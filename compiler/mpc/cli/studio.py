"""`mpc studio`: a program in the browser, on this machine only."""

from __future__ import annotations

import secrets
import webbrowser
from pathlib import Path
from typing import Final

import click

from mpc import project

from . import served
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
    with served.extra("serve"):
        from microprompt.serving.server import run
        from mpc.studio.app import studio
        from mpc.studio.workspace import Workspace
    paths = paths or (Path(),)
    if not project.collect(paths):
        raise Failure("there is no .mp file", help="name one, or write a first one with `mpc new`")
    token = secrets.token_urlsafe(24)
    listener = served.listening(_LOOPBACK, port)
    address = f"{served.url_of(listener)}/#token={token}"

    def tell() -> None:
        click.echo(address)
        if is_opened:
            webbrowser.open(address)

    app = studio(Workspace(paths), token=token, port=listener.getsockname()[1])
    run(app, listener, on_start=tell)
