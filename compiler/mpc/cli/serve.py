"""`mpc serve`: the functions of a program over HTTP."""

from __future__ import annotations

from pathlib import Path

import click

from . import served


@click.command(short_help="Serve prompts and flows over HTTP.")
@click.argument("paths", metavar="PATHS...", nargs=-1, required=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
)
@click.option(
    "--key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the keys that callers may have, one a line.",
)
def command(paths: tuple[str, ...], host: str, port: int, key_file: Path | None) -> None:
    """Serve the functions of PATHS: .mp files, folders of them, and modules such as std.request.

    Each is called by POST /functions/MODULE/NAME with its arguments as JSON; /openapi.json describes all of
    them. Without a key, only this machine may ask.
    """
    with served.extra("serve"):
        from microprompt.serving.app import create_app
        from microprompt.serving.server import run
    keys = served.keys_for(host, key_file)
    functions = served.functions_at(paths)
    app = create_app(functions, keys=keys, title=Path(paths[0]).stem)
    listener = served.listening(host, port)
    count = "1 function" if len(functions) == 1 else f"{len(functions)} functions"
    said = f"serving {count} at {served.url_of(listener)}; stop with Ctrl-C"
    run(app, listener, readiness=app.state.readiness, on_start=lambda: click.echo(said, err=True))
