"""How people see answers, and what is going on: progress is told on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from microprompt import models

if TYPE_CHECKING:
    from microprompt import Trace


def show(trace: Trace[object]) -> None:
    """Show the decisions of a flow as a tree: in colours on a terminal, without line breaks elsewhere."""
    if sys.stdout.isatty():
        Console().print(trace)
    else:
        click.echo(str(trace), nl=False)


def warn(message: str) -> None:
    """Write a warning to standard error."""
    click.echo(f"{click.style('warning', fg='yellow', bold=True)}: {message}", err=True)


@contextmanager
def model_progress() -> Iterator[models.Progress]:
    """Show what is done to fetch and prepare a model, also where a prompt function asks for it.

    Bars on a terminal, plain lines elsewhere.
    """
    if not sys.stderr.isatty():
        progress = models.tell()
        with models.report_to(progress):
            yield progress
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        running: dict[str, TaskID] = {}

        def show(doing: str, done: int, total: int) -> None:
            if doing not in running:
                for task in running.values():
                    bars.update(task, visible=False)
                running[doing] = bars.add_task(doing, total=total or None)
                if not total:
                    bars.console.print(f"microprompt: {doing}", markup=False, highlight=False)
            bars.update(running[doing], completed=done, total=total or None)

        with models.report_to(show):
            yield show


@contextmanager
def counted(doing: str, total: int, start: int = 0) -> Iterator[Callable[[int], None]]:
    """A bar for `total` rows, on a terminal only; it is told how many more are done."""
    if not sys.stderr.isatty():
        yield lambda more: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(doing, total=total, completed=start)
        yield lambda more: bars.advance(task, more)
