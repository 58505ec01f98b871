"""From what went wrong to a message on standard error and an exit status."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import IO, Any, Final

import click

from mpc import project, render
from mpc.diagnostics import Diagnostic, InternalError, ToolError

USER: Final = 1
ENVIRONMENT: Final = 3

_ISSUES: Final = "please report it with this message, the program, and what `mpc --debug` adds"


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


def report(error: Exception, *, during: str, debug: bool) -> int:
    """Say what went wrong and return the exit status for it."""
    from microprompt.errors import EngineError, MicropromptError, ModelError

    match error:
        case project.CompileError():
            show_diagnostics(error.diagnostics)
            return USER
        case ToolError():
            complain(error.message, error.help)
            return ENVIRONMENT
        case ModelError():
            complain(error.message, error.help)
            return ENVIRONMENT
        case EngineError():
            status = _internal(error, "the engine", str(error), debug)
        case MicropromptError():
            notes: list[str] = getattr(error, "__notes__", [])
            complain("\n  ".join((error.message, *notes)), error.help)
            return USER
        case MemoryError():
            complain("there is not enough memory", "close other programs, or take a smaller model or context")
            return ENVIRONMENT
        case OSError() if error.filename is not None:
            complain(f"{error.filename}: {error.strerror}")
            return ENVIRONMENT
        case InternalError():
            status = _internal(error, error.stage, error.message, debug)
        case _:
            status = _internal(error, during, f"{type(error).__name__}: {error}", debug)
    return status


def _internal(error: Exception, stage: str, message: str, debug: bool) -> int:
    complain(f"internal error in {stage}: {message}", _ISSUES)
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    return ENVIRONMENT
