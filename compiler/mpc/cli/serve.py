"""`mpc serve`: the functions of a program over HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

import click

from microprompt.serving.limits import ServingLimits

from . import served

_USUAL: Final = ServingLimits()

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


_NUMBERS: Final[Mapping[str, click.ParamType[int]]] = {
    "SIZE": _Size(),
    "N": click.IntRange(min=1),
    "SECONDS": click.IntRange(1, 24 * 3600),
}
"""What a limit may be, by what help calls its value."""

_Command = TypeVar("_Command", bound=Callable[..., object])


def _limit(option: str, field: str, metavar: str, help: str) -> Callable[[_Command], _Command]:
    """An option that sets a field of `ServingLimits`, and says what it is without the option."""
    usual = getattr(_USUAL, field)
    default = f"{usual >> 20}MiB" if metavar == "SIZE" else int(usual)
    return click.option(
        option,
        field,
        metavar=metavar,
        default=default,
        show_default=True,
        type=_NUMBERS[metavar],
        help=help,
    )


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
@_limit("--limit-body", "body_bytes", "SIZE", "The largest body of a request, unpacked: 512KiB, 2MiB.")
@_limit("--limit-rows", "rows", "N", "The most calls in a batch.")
@_limit(
    "--limit-concurrency",
    "queue",
    "N",
    "The most calls that are worked on or wait; who comes then gets 429.",
)
@_limit("--timeout-body", "receive_seconds", "SECONDS", "How long the body of a request may take to come.")
@_limit(
    "--timeout-response", "send_seconds", "SECONDS", "How long a client may take nothing of a response."
)
@_limit(
    "--timeout-graceful-shutdown",
    "grace_seconds",
    "SECONDS",
    "How long what runs may go on once the process is told to stop.",
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
