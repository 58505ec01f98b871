"""`mpc check`: diagnostics only, nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from mpc import project, render
from mpc.diagnostics import has_errors

from . import near_chance
from .failures import USER, show_diagnostics
from .output import print_json


@click.command(short_help="Look for mistakes; write nothing.")
@click.argument("paths", metavar="[PATHS]...", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="How to write the diagnostics.",
)
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
@click.pass_context
def command(
    ctx: click.Context, paths: tuple[Path, ...], form: Literal["text", "json", "github"], as_json: bool
) -> None:
    """Check the .mp files at PATHS (default: those in this folder)."""
    diagnostics, choices = project.check_with_choices(paths or (Path(),))
    match "json" if as_json else form:
        case "json":
            print_json(render.to_data(diagnostics), indent=2)
        case "github":
            click.echo(render.as_github(diagnostics), nl=False)
        case "text":
            show_diagnostics(diagnostics)
            if not diagnostics:
                click.echo("no problems found")
            near_chance.note_choices(choices)
    if has_errors(diagnostics):
        ctx.exit(USER)
