"""`mpc map`: one prompt or flow over many rows, in a file that survives interruption."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import click

from microprompt import PromptFunction, rows, settings
from microprompt.errors import MicropromptError
from microprompt.evaluation.outcomes import Outcome, outcomes
from microprompt.journal import ERROR, Journal, journal
from microprompt.observed import unrecorded
from microprompt.storage import HeldError, read_regular
from mpc import project

from . import console, functions
from .failures import Failure

_SHOWN_MISTAKES: Final = 5


@click.command(short_help="Call a prompt or a flow on every row of a file.")
@click.argument("file", metavar="FILE")
@click.argument("function", metavar="FUNCTION")
@click.argument("path", metavar="ROWS.jsonl", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the answers go, one JSON object a row.",
)
def command(file: str, function: str, path: Path, out: Path) -> None:
    """Call FUNCTION of FILE on every row of ROWS.jsonl and write an answer for each to the file in --out.

    A row's `inputs` object, or the row itself, holds the arguments; its `id` is kept. A row that can't be
    answered gets a line with its `error`. Started again, the command continues where it stopped, and asks the
    rows with an error once more; these may have been corrected.
    """
    called = functions.find(file, function)
    found = rows.read_rows(called.program, read_regular(path, rows.MAX_ROWS))
    try:
        with journal(out, _fingerprint(file, called), [row.text for row in found]) as kept:
            if kept.done == len(found) and not kept.failed:
                click.echo(f"{out}: all {len(found)} rows are answered", err=True)
                return
            try:
                mistakes = _complete(called, found, kept)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(f"start again to continue from row {kept.done + 1}") from None
    except HeldError as error:
        holder = "" if error.process is None else f" (process {error.process})"
        raise Failure(
            f"another mpc map is writing {out}{holder}", help="wait for it, or name another file with --out"
        ) from error
    failed = f", {len(mistakes)} of them with an error" if mistakes else ""
    click.echo(f"{out}: {len(found)} {'row' if len(found) == 1 else 'rows'}{failed}", err=True)
    if mistakes:
        shown = [f"{path}:{row.line}: {error.message}" for row, error in mistakes[:_SHOWN_MISTAKES]]
        if len(mistakes) > _SHOWN_MISTAKES:
            shown.append(f"and {len(mistakes) - _SHOWN_MISTAKES} more")
        raise Failure("\n".join(shown), help="correct these rows and start again; what is answered is kept")


def _complete(
    called: functions.AnyFunction, found: Sequence[rows.Row], kept: Journal
) -> list[tuple[rows.Row, MicropromptError]]:
    """Ask all rows that have no answer yet; which of them have none now, and why."""
    again = [found[index] for index in kept.failed]
    rest = found[kept.done :]
    _warm(called, [*again, *rest])
    outcomes = _outcomes(called, [*again, *rest])
    mistakes: list[tuple[rows.Row, MicropromptError]] = []

    def line(row: rows.Row) -> dict[str, object]:
        outcome = next(outcomes)
        if isinstance(outcome, MicropromptError):
            mistakes.append((row, outcome))
            return {**row.identity, ERROR: outcome.message}
        return {**row.identity, **outcome.to_json()}

    with console.counted(called.program.name, len(found), kept.done - len(again)) as advance:
        corrections = {}
        for index, row in zip(kept.failed, again, strict=True):
            corrections[index] = line(row)
            advance(1)
        kept.correct(corrections)
        for row in rest:
            kept.append(line(row))
            advance(1)
    return mistakes


def _warm(called: functions.AnyFunction, asked: Sequence[rows.Row]) -> None:
    """Load the model, and throw a first answer away.

    It pays for the prefix, and the usage that a run reports would else differ from that of one that was never
    interrupted. A flow is not called for nothing: what it calls in its turn may do something.
    """
    if not isinstance(called, PromptFunction):
        return
    first = next((row for row in asked if not isinstance(row.arguments, MicropromptError)), None)
    if first is not None:
        with console.model_progress(), unrecorded():
            next(_outcomes(called, [first]))


def _outcomes(called: functions.AnyFunction, asked: Sequence[rows.Row]) -> Iterator[Outcome]:
    """What became of each row, in order, as they are answered side by side."""
    good = [row.arguments for row in asked if not isinstance(row.arguments, MicropromptError)]
    answers = outcomes(called, good)
    for row in asked:
        yield row.arguments if isinstance(row.arguments, MicropromptError) else next(answers)


def _fingerprint(file: str, called: functions.AnyFunction) -> str:
    """Stands for all that the answers depend on beside the rows."""
    prompt = called.program if isinstance(called, PromptFunction) else None
    model = None if prompt is None else prompt.using.model
    parts = [
        called.program.name.encode(),
        (model.name if model else settings.current().model).encode(),
        version("microprompt").encode(),
    ]
    if file.endswith(".mp"):
        parts += [read_regular(path) for path in project.watched([Path(file)])]
    else:
        module = Path(str(sys.modules[called.__module__].__file__))
        tuning = None if prompt is None else prompt.tuning
        parts.append(read_regular(module))
        if tuning is not None:
            parts.append(read_regular(module.with_name(tuning.file)))
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
