"""The `mpc` command: one file for each subcommand, loaded when it is called.

Results go to standard output, everything else to standard error. Exit status: 0 all is well, 1 the user's
program or input is wrong, 2 wrong usage, 3 the environment (no model, no memory) or a defect of ours, 130
stopped by Ctrl-C, 141 nobody reads the output.
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Sequence
from typing import Any, Final

import click

from . import output
from .failures import STOPPED, report

__all__ = ["cli", "main"]

_COMMANDS: Final = (
    *("new", "build", "check", "run", "map", "decide", "serve", "mcp", "test", "eval", "tune", "logs"),
    *("replay", "explain", "studio", "models", "doctor"),
)


class _Commands(click.Group):
    """Loads a command's module when it is needed, and turns what it raises into a message and a status."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(f"{__name__}.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        output.escape_what_is_lacking()
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except (Exception, KeyboardInterrupt) as error:
            ctx.exit(report(error, during=f"mpc {ctx.invoked_subcommand}", debug=ctx.params["debug"]))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="microprompt", prog_name="mpc")
@click.option("--debug", is_flag=True, envvar="MPC_DEBUG", help="Show the traceback of an internal error.")
def cli(debug: bool) -> None:
    """Prompt functions: English as the function body, typed, answered by a small local model."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process."""
    try:
        status = _run(arguments)
    except (Exception, KeyboardInterrupt) as error:  # what options and help raise, such as a full disk
        status = report(error, during="mpc", debug=False)
    if status == STOPPED:
        # Another Ctrl-C ends the process at once, whatever Python is just putting away.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    output.let_go()
    sys.exit(status)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        return cli.main(args=arguments, prog_name="mpc", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
