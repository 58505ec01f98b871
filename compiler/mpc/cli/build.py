"""`mpc build`: from .mp files to Python modules beside them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from microprompt import settings
from microprompt.errors import ArgumentError
from mpc import project
from mpc.diagnostics import ToolError

from .failures import USER, complain, show_diagnostics

_POLL_SECONDS: Final = 0.5


@click.command(short_help="Compile .mp files to Python.")
@click.argument("paths", metavar="[PATHS]...", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the modules below this folder, not beside their sources.",
)
@click.option("--check", is_flag=True, help="Write nothing; fail if a module is not up to date.")
@click.option("--watch", is_flag=True, help="Go on building whenever a source changes, until Ctrl-C.")
@click.pass_context
def command(ctx: click.Context, paths: tuple[Path, ...], out: Path | None, check: bool, watch: bool) -> None:
    """Build the .mp files at PATHS (default: those in this folder) and those that they import."""
    if check and watch:
        raise click.UsageError("--check and --watch exclude each other")
    named = paths or (Path(),)
    if watch:
        _watch(named, out)
    elif not _build(named, out, check=check):
        ctx.exit(USER)


def _build(paths: Sequence[Path], out: Path | None, *, check: bool) -> bool:
    report = project.build(paths, out=out, check=True) if check else _changed(paths, out)
    show_diagnostics(report.diagnostics)
    for file in report.files:
        match file.status:
            case "written":
                click.echo(f"wrote {project.shown(file.output)}")
            case "stale":
                output, source = project.shown(file.output), project.shown(file.source)
                click.echo(f"{output} is not up to date with {source}: run `mpc build`", err=True)
            case "unchanged" | "failed":
                pass
    counts = Counter(file.status for file in report.files)
    click.echo(", ".join(f"{count} {status}" for status, count in counts.items()) or "no .mp files found")
    return report.ok


def _changed(paths: Sequence[Path], out: Path | None) -> project.BuildReport:
    """Build what has changed since the last time."""
    try:
        records = settings.current().home / "builds"
    except ArgumentError:  # a command that asks a model says what is wrong with the settings
        return project.build(paths, out=out)
    report, damaged = project.build_changed(paths, out=out, records=records)
    for path in damaged:
        click.echo(f"note: {path} was damaged and is made again; its program was compiled", err=True)
    return report


def _watch(paths: Sequence[Path], out: Path | None) -> None:
    """Build, wait for a change, build: until the user stops it. Polling works on every file system."""
    seen: project.Watched | None = None
    while True:
        if seen is None or seen.has_changed():
            seen = project.watch(paths)
            _try_build(paths, out)
            click.echo("watching for changes; stop with Ctrl-C", err=True)
        time.sleep(_POLL_SECONDS)


def _try_build(paths: Sequence[Path], out: Path | None) -> None:
    try:
        _build(paths, out, check=False)
    except ToolError as error:  # such as a file that an editor has moved away for a moment
        complain(error.message, error.help)
