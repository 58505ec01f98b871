"""The `mpc` command: one file for each subcommand, loaded when it is called.

Results go to standard output, everything else to standard error. Exit status: 0 all is well, 1 the user's
program or input is wrong, 2 wrong usage, 3 the environment (no model, no memory) or a defect of ours.
"""

from __future__ import annotations

import errno
import importlib
from collections.abc import Sequence
from typing import Any, Final

import click

from .failures import report

__all__ = ["cli", "main"]

_COMMANDS: Final = ("new", "build", "check", "run", "map", "test", "explain", "models", "doctor")


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
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # the reader of our output went away: click ends quietly
            ctx.exit(report(error, during=f"mpc {ctx.invoked_subcommand}", debug=ctx.params["debug"]))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="microprompt", prog_name="mpc")
@click.option("--debug", is_flag=True, envvar="MPC_DEBUG", help="Show the traceback of an internal error.")
def cli(debug: bool) -> None:
    """Prompt functions: English as the function body, typed, answered by a small local model."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process."""
    cli.main(args=arguments, prog_name="mpc")
