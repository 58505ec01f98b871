"""`mpc serve`: the functions of a program over HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from microprompt.serving.limits import ServingLimits

from . import served

_USUAL: Final = ServingLimits()

_SECONDS: Final = click.IntRange(1, 24 * 3600)

_UNITS: Final[Mapping[str, int]] = {
    "": 1,
    "b": 1,
    **{unit: 1 << 10 * power for power, letter in enumerate("kmg", 1) for unit in (letter, f"{letter}ib")},
    **{f"{letter}b": 1000**power for power, letter in enumerate("kmg", 1)},
}
"""Bytes in a unit. One letter is what nginx takes it for."""


class _Size(click.ParamType[int]):
    """A number of bytes, as 512KiB, 2m or 10MB."""

    name = "SIZE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"([0-9]{1,15}) ?([a-z]*)", str(value).lower(), re.ASCII)
        if found is None or found[2] not in _UNITS:
            self.fail(f"{value!r} is no size, as 512KiB, 2MiB or 1048576", param, ctx)
        size = int(found[1]) * _UNITS[found[2]]
        if not size:
            self.fail("a body has at least one byte", param, ctx)
        return size


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
@click.option(
    "--limit-body",
    "body_bytes",
    metavar="SIZE",
    default=f"{_USUAL.body_bytes >> 20}MiB",
    show_default=True,
    type=_Size(),
    help="The largest body of a request, unpacked: 512KiB, 2MiB.",
)
@click.option(
    "--limit-rows",
    "rows",
    metavar="N",
    default=_USUAL.rows,
    show_default=True,
    type=click.IntRange(min=1),
    help="The most calls in a batch.",
)
@click.option(
    "--limit-concurrency",
    "queue",
    metavar="N",
    default=_USUAL.queue,
    show_default=True,
    type=click.IntRange(min=1),
    help="The most calls that are worked on or wait; who comes then gets 429.",
)
@click.option(
    "--timeout-body",
    "receive_seconds",
    metavar="SECONDS",
    default=int(_USUAL.receive_seconds),
    show_default=True,
    type=_SECONDS,
    help="How long the body of a request may take to come.",
)
@click.option(
    "--timeout-response",
    "send_seconds",
    metavar="SECONDS",
    default=int(_USUAL.send_seconds),
    show_default=True,
    type=_SECONDS,
    help="How long a client may take nothing of a response.",
)
@click.option(
    "--timeout-graceful-shutdown",
    "grace_seconds",
    metavar="SECONDS",
    default=int(_USUAL.grace_seconds),
    show_default=True,
    type=_SECONDS,
    help="How long what runs may go on once the process is told to stop.",
)
def command(paths: tuple[str, ...], host: str, port: int, key_file: Path | None, **limits: int) -> None:
    """Serve the functions of PATHS: .mp files, folders of them, and modules such as std.request.

    Each is called by POST /functions/MODULE/NAME with its arguments as JSON; /openapi.json describes all of
    them. Without a key, only this machine may ask.
    """
    with served.extra("serve"):
        from microprompt.serving.app import create_app
        from microprompt.serving.server import run
    keys = served.keys_for(host, key_file)
    functions = served.functions_at(paths)
    bounds = ServingLimits(**limits)
    app = create_app(functions, keys=keys, limits=bounds, title=Path(paths[0]).stem)
    listener = served.listening(host, port)
    count = "1 function" if len(functions) == 1 else f"{len(functions)} functions"
    said = f"serving {count} at {served.url_of(listener)}; stop with Ctrl-C"
    run(
        app,
        listener,
        readiness=app.state.readiness,
        grace_seconds=bounds.grace_seconds,
        on_start=lambda: click.echo(said, err=True),
    )
