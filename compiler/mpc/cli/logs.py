"""`mpc logs`: the record of calls; and its least sure ones, to be labelled."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from microprompt import settings
from microprompt.recording.entry import CallEntry
from microprompt.recording.store import WantedCalls, count, latest
from mpc.trials import words

from . import functions, labelling
from .failures import Failure
from .output import print_json

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SHOWN: Final = 20
_LONGEST: Final = 80

record_option = click.option(
    "--record",
    "path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The record (default: that of the setting `record`).",
)
"""Which record is read."""


def record_at(path: Path | None) -> Path:
    """The record that an option names, or the settings."""
    found = path or settings.current().record
    if found is None:
        raise Failure(
            "no calls are recorded here",
            help='set `record = "calls.sqlite"` under [tool.microprompt] in pyproject.toml, or name a file '
            "with --record",
        )
    return found


class _Moment(click.ParamType[float]):
    """A time ago, as 90m or 7d, or a date, with a time if need be; in seconds since 1970."""

    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value)
        if match := re.fullmatch(r"(\d{1,6})([smhd])", text):
            ago = timedelta(**{_UNITS[match[2]]: int(match[1])})
            return datetime.now(UTC).timestamp() - ago.total_seconds()
        try:
            return datetime.fromisoformat(text).timestamp()
        except (ValueError, OverflowError, OSError):
            wanted = "neither a time ago, as 90m or 7d, nor a date, as 2025-01-31T09:30"
            self.fail(f"{text!r} is {wanted}", param, ctx)


@click.group(invoke_without_command=True, short_help="Look into the record of calls, and label unsure ones.")
@click.option("--function", metavar="NAME", help="Only calls of this prompt or flow.")
@click.option("--since", metavar="TIME", type=_Moment(), help="Only calls since then: 90m, 7d, 2025-01-31.")
@click.option(
    "--low-confidence",
    "below",
    metavar="X",
    type=click.FloatRange(0, 1),
    help="Only answers less sure than X.",
)
@click.option("--errors", is_flag=True, help="Only calls without an answer.")
@click.option("--trace", metavar="ID", help="The calls of one trace, as they called one another.")
@click.option(
    "--limit",
    default=_SHOWN,
    show_default=True,
    type=click.IntRange(min=0),
    help="At most so many; 0 for all.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON object a call, with all that is known of it."
)
@record_option
@click.pass_context
def command(
    ctx: click.Context,
    function: str | None,
    since: float | None,
    below: float | None,
    errors: bool,
    trace: str | None,
    limit: int,
    as_json: bool,
    path: Path | None,
) -> None:
    """List recorded calls, the newest first.

    Calls are recorded where the setting `record` names a file.
    """
    if ctx.invoked_subcommand is not None:
        return
    wanted = WantedCalls(
        function=function, since=since, below=below, errors=errors, trace=trace and trace.lower()
    )
    record = record_at(path)
    if as_json:
        for entry in latest(record, wanted, limit or None):
            print_json(entry.to_json())
        return
    if trace is not None:
        for line in _as_tree([*latest(record, wanted, limit or None)]):
            click.echo(line)
        return
    shown = 0
    for entry in latest(record, wanted, limit or None):
        click.echo(_line(entry))
        shown += 1
    if shown == limit and (more := count(record, wanted) - shown) > 0:
        click.echo(f"and {more:,} more (--limit 0 for all)", err=True)
    elif not shown:
        click.echo("no such calls are recorded", err=True)


def _line(entry: CallEntry, indent: int = 0) -> str:
    when = datetime.fromtimestamp(entry.time).strftime("%Y-%m-%d %H:%M:%S")
    if entry.error is not None:
        said = entry.error if entry.message is None else f"{entry.error}: {entry.message}"
        answer = click.style(short(said), fg="red")
    else:
        sure = "" if entry.confidence is None else f" {entry.confidence:.2f}"
        abstained = " (abstained)" if entry.abstained else ""
        answer = f"{short(words.in_line(entry.value))}{sure}{abstained}"
    by = "" if entry.answered_by in (None, "flow") else f"  {entry.answered_by}"
    model = "" if entry.model is None else f" {entry.model}"
    head = f"{when}  {entry.trace[:8]}  {'  ' * indent}{entry.function}({given(entry)}) -> {answer}"
    return f"{head}{by}{model}  {entry.ms:.0f} ms"


def given(entry: CallEntry) -> str:
    """The arguments of a call in a line; their hash where only that is known."""
    if entry.arguments is None:
        return f"#{entry.arguments_hash[:8]}"
    return short(", ".join(json.dumps(value, ensure_ascii=False) for value in entry.arguments.values()))


def short(text: str) -> str:
    """A text in a line, cut where it is long."""
    # What would steer a terminal is escaped.
    text = text if text.isprintable() else json.dumps(text, ensure_ascii=False)[1:-1]
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _as_tree(entries: Iterable[CallEntry]) -> Iterator[str]:
    """Calls below those that made them, in the order in which they began."""
    ordered = sorted(entries, key=lambda entry: (entry.time, -entry.id))
    spans = {entry.span for entry in ordered}

    def grown(parent: str | None, indent: int) -> Iterator[str]:
        for entry in ordered:
            above = entry.parent if entry.parent in spans else None
            if above == parent:
                yield _line(entry, indent)
                yield from grown(entry.span, indent + 1)

    yield from grown(None, 0)


@command.command(short_help="Label the least sure calls of a function, for `mpc tune`.")
@click.argument("file", metavar="FILE")
@click.argument("function", metavar="FUNCTION")
@click.option(
    "--out",
    metavar="ROWS.jsonl",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the rows go (default: FUNCTION.labels.jsonl).",
)
@record_option
def label(file: str, function: str, out: Path | None, path: Path | None) -> None:
    """Go through the recorded calls of FUNCTION of FILE that have no label, the least sure first, and write
    rows with your labels.

    Each of different arguments comes once. On a terminal a key is a label; elsewhere labels are read line by
    line. Started again, the command goes on with the calls that are not in the rows yet. The rows are for
    `mpc tune --on` and `mpc eval`.
    """
    record = record_at(path)
    called = functions.find(file, function)
    rows = out or Path(f"{function}.labels.jsonl")
    labelling.label(called, record, rows)
    if file.endswith(".mp"):
        click.echo(f"next: `mpc tune {file} {function} --on {rows}`", err=True)
