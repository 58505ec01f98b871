"""From what went wrong to a message on standard error and an exit status."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import IO, Any, Final

import click

from mpc import render
from mpc.diagnostics import Diagnostic, InternalError, ToolError

USER: Final = 1
ENVIRONMENT: Final = 3
# As shells have it: what a signal ends has 128 and its number.
STOPPED: Final = 130
UNREAD: Final = 141

_REPORT: Final = "please report it with this message, the program, and what `mpc --debug` adds"

# Errors of Python that somebody's input leads to where nothing of ours has seen it coming.
_INPUT: Final[dict[type[Exception], str]] = {
    RecursionError: "something in the input is nested too deeply",
    OverflowError: "a number in the input is too large",
    UnicodeError: "some text in the input is not in the encoding that it should be in",
    json.JSONDecodeError: "something in the input is not JSON",
}


class Failure(click.ClickException):
    """The user's program or input is wrong in a way that is not a diagnostic; `help` is the next step."""

    exit_code = USER

    def __init__(self, message: str, *, help: str | None = None) -> None:
        super().__init__(message)
        self.help = help

    def show(self, file: IO[Any] | None = None) -> None:
        complain(self.message, self.help)


def complain(message: str, help: str | None = None) -> None:
    """Write an error to standard error."""
    click.echo(f"{click.style('error', fg='red', bold=True)}: {message}", err=True)
    if help is not None:
        click.echo(f"  help: {help}", err=True)


def show_diagnostics(diagnostics: Sequence[Diagnostic]) -> None:
    """Write diagnostics to standard error."""
    click.echo(render.as_text(diagnostics, colour=sys.stderr.isatty()), err=True, nl=False)


def report(error: Exception | KeyboardInterrupt, *, during: str, debug: bool) -> int:
    """Say what went wrong, if there is still somebody to tell it to, and return the exit status for it."""
    status, say = _verdict(error, during)
    with suppress(OSError):
        say()
        if debug and isinstance(error, Exception):
            traceback.print_exception(error, file=sys.stderr)
    return status


def _verdict(error: Exception | KeyboardInterrupt, during: str) -> tuple[int, Callable[[], None]]:
    """The exit status, and what says why."""
    match error:
        case KeyboardInterrupt() | click.Abort():  # click makes the one the other
            return STOPPED, partial(_stopped, error)
        case BrokenPipeError():
            return UNREAD, _nothing  # whoever was reading our output has seen enough
        case MemoryError():
            help = "close other programs, or take a smaller model or context"
            return ENVIRONMENT, partial(complain, "there is not enough memory", help)
    # Not at the top: they take most of a second, and options and help need neither.
    from microprompt.errors import EngineError, MicropromptError, ModelError
    from mpc import project

    match error:
        case project.CompileError():
            return USER, partial(show_diagnostics, error.diagnostics)
        case ToolError() | ModelError():
            return ENVIRONMENT, partial(complain, error.message, error.help)
        case EngineError():
            return _internal("the engine", str(error))
        case MicropromptError():
            return USER, partial(complain, "\n  ".join(error.lines), error.help)
        case OSError():
            where = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
            return ENVIRONMENT, partial(complain, f"{where}{error.strerror or error}")
        case InternalError():
            return _internal(error.stage, error.message)
        case _:
            said = next((said for kind, said in _INPUT.items() if isinstance(error, kind)), None)
            if said is not None:
                return USER, partial(complain, f"{said}: {error}", f"correct it; if it is right, {_REPORT}")
            return _internal(during, f"{type(error).__name__}: {error}")


def _internal(stage: str, message: str) -> tuple[int, Callable[[], None]]:
    return ENVIRONMENT, partial(complain, f"internal error in {stage}: {message}", _REPORT)


def _stopped(error: KeyboardInterrupt | click.Abort) -> None:
    said = "; ".join(("stopped", *map(str, error.args)))
    click.echo(f"\n{said}" if sys.stderr.isatty() else said, err=True)  # a terminal shows `^C` in the line


def _nothing() -> None:
    pass
