"""`mpc replay`: recorded calls once more, on another model or version of the program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from microprompt import FlowFunction
from microprompt.evaluation.figures import share
from microprompt.evaluation.variants import on_models
from microprompt.locations import model_named
from microprompt.recording.entry import CallEntry
from microprompt.recording.replay import Replay, ReplayedCall, recorded_calls, replay
from mpc.trials import words

from . import console, functions
from .failures import USER, Failure
from .logs import given, record_at, record_option, short
from .output import print_json

_LIMIT: Final = 200
_SHOWN: Final = 10


@click.command(short_help="Ask recorded calls again, on another model or version of the program.")
@click.argument("file", metavar="FILE")
@click.argument("function", metavar="[FUNCTION]", required=False)
@click.option("--model", metavar="NAME", help="Ask this model instead of the functions' own.")
@click.option(
    "--limit",
    default=_LIMIT,
    show_default=True,
    type=click.IntRange(min=1),
    help="At most so many calls of each function, the newest.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
@click.option(
    "--fail-under",
    metavar="X",
    type=click.FloatRange(0, 1),
    help="Exit with status 1 if a function gives less than this share of its answers again.",
)
@record_option
@click.pass_context
def command(
    ctx: click.Context,
    file: str,
    function: str | None,
    model: str | None,
    limit: int,
    as_json: bool,
    fail_under: float | None,
    path: Path | None,
) -> None:
    """Ask the recorded calls of FUNCTION of FILE, or of all its prompts, once more, and tell which answers
    have changed.

    Each of different arguments is asked once. Flows are asked only where they are named, for the functions of
    Python that they call may do something.
    """
    record = record_at(path)
    called = _called(file, function)
    found = [(each, recorded_calls(each, record, limit)) for each in called]
    found = [(each, entries) for each, entries in found if entries]
    if not found:
        raise Failure(
            f"{record} has no calls of {function or file} with their arguments and an answer",
            help="`mpc logs` shows what is recorded",
        )
    replays = [_replayed(each, model, entries) for each, entries in found]
    if as_json:
        print_json([each.to_json() for each in replays])
    else:
        for each in replays:
            for line in _lines(each):
                click.echo(line)
    if fail_under is not None and any(each.agreement < fail_under for each in replays):
        ctx.exit(USER)


def _called(file: str, function: str | None) -> Sequence[functions.AnyFunction]:
    if function is not None:
        return [functions.find(file, function)]
    return [each for each in functions.own(functions.load(file)) if not isinstance(each, FlowFunction)]


def _replayed(
    called: functions.AnyFunction, model: str | None, entries: Sequence[CallEntry]
) -> Replay:
    (variant,) = on_models(called, [] if model is None else [model_named(model)])
    with console.model_progress(), console.counted(called.program.name, len(entries)) as advance:
        return replay(variant.function, variant.name, entries, advance)


def _lines(found: Replay) -> Iterator[str]:
    n = len(found.calls)
    calls = "1 call" if n == 1 else f"{n} calls"
    models = ", ".join(found.models) or "no model"
    yield click.style(
        f"{found.function}: {calls}, answered by {models} before and by {found.model} now", bold=True
    )
    yield f"{found.same} of {n} answers are the same, {share(found.agreement, found.interval)}"
    if found.confidence is not None:
        before, now = found.confidence
        yield f"confidence {before:.3f} in the mean before, {now:.3f} now ({now - before:+.3f})"
    if found.ms is not None:
        before, now = found.ms
        yield f"{before:.0f} ms a call in the median before, {now:.0f} ms now"
    changed = found.changed
    for each in changed[:_SHOWN]:
        yield f"  {_change(each)}"
    if len(changed) > _SHOWN:
        yield f"  and {len(changed) - _SHOWN} more (--json has all)"


def _change(call: ReplayedCall) -> str:
    now = short(call.error) if call.error is not None else _said(call.value, call.confidence)
    return f"{_said(call.entry.value, call.entry.confidence)} -> {now}: {given(call.entry)}"


def _said(value: object, confidence: float | None) -> str:
    sure = "" if confidence is None else f" {confidence:.2f}"
    return f"{short(words.in_line(value))}{sure}"
