"""`mpc mcp`: the functions of a program as tools for agents."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from click.core import ParameterSource

from . import served

_OF_HTTP: Final = ("host", "port", "key_file")


@click.command(short_help="Give prompts and flows to agents as tools (MCP).")
@click.argument("paths", metavar="PATHS...", nargs=-1, required=True)
@click.option("--http", is_flag=True, help="Listen at an address, in place of standard input and output.")
@click.option("--host", default="127.0.0.1", show_default=True, help="With --http: the address to listen at.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="With --http: the port; 0 takes a free one.",
)
@click.option(
    "--key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --http: a file with the keys that callers may have, one a line.",
)
@click.pass_context
def command(
    ctx: click.Context, paths: tuple[str, ...], http: bool, host: str, port: int, key_file: Path | None
) -> None:
    """Offer the functions of PATHS as tools of the Model Context Protocol: of .mp files, folders of them, and
    modules such as std.request.

    An agent starts the command itself and talks to it over standard input and output. With --http, it
    listens at /mcp (streamable HTTP); without a key, only this machine may ask then.
    """
    if not http and any(ctx.get_parameter_source(name) is not ParameterSource.DEFAULT for name in _OF_HTTP):
        raise click.UsageError("--host, --port and --key-file are for --http")
    with served.extra("mcp"):
        from microprompt.mcp_server.server import create_server
        from microprompt.mcp_server.transports import PATH, create_http_app, run_stdio
        from microprompt.serving.readiness import Readiness
        from microprompt.serving.server import run
    keys = served.keys_for(host, key_file) if http else ()
    functions = served.functions_at(paths)
    readiness = Readiness(functions)
    server = create_server(functions, readiness, name=Path(paths[0]).absolute().stem)
    if not http:
        run_stdio(server, readiness)
        return
    listener = served.listening(host, port)
    count = "1 tool" if len(functions) == 1 else f"{len(functions)} tools"
    said = f"serving {count} at {served.url_of(listener)}{PATH}; stop with Ctrl-C"
    app = create_http_app(server, keys=keys)
    run(app, listener, readiness=readiness, on_start=lambda: click.echo(said, err=True))
