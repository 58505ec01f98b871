"""`mpc run`: call one function, a prompt or a flow."""

from __future__ import annotations

from collections.abc import Mapping

import click

from microprompt import FlowFunction, PromptFunction, rows
from mpc.trials.words import readable

from . import console, functions, near_chance
from .failures import Failure
from .output import print_json


@click.command(context_settings={"ignore_unknown_options": True}, short_help="Call a prompt or a flow.")
@click.argument("file", metavar="FILE")
@click.argument("function", metavar="FUNCTION")
@click.argument("words", metavar="[ARGS]... [--name value]...", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the answer with its probabilities and cost as JSON."
)
@click.option("--trace", "is_traced", is_flag=True, help="Show every decision of a flow, also as JSON.")
def command(file: str, function: str, words: tuple[str, ...], as_json: bool, is_traced: bool) -> None:
    """Call FUNCTION of FILE, a .mp file or a module of the standard library such as std.request.

    Arguments are given in order or by name, enum members by their names, records and lists as JSON.
    """
    called = functions.find(file, function)
    arguments = rows.from_words(called.program, words)
    if is_traced:
        _trace(called, arguments, as_json=as_json)
        return
    with console.model_progress():
        answer = called.detail(**arguments)
    found = answer.to_json()
    if as_json:
        print_json(found)
    else:
        click.echo(readable(found["value"]))
        if isinstance(called, PromptFunction):
            near_chance.note_function(file, called)


def _trace(called: functions.AnyFunction, arguments: Mapping[str, object], *, as_json: bool) -> None:
    if not isinstance(called, FlowFunction):
        raise Failure(
            f"{called.program.name} is a prompt, and one decision itself", help="--json tells all of it"
        )
    with console.model_progress():
        trace = called.trace(**arguments)
    found = trace.to_json()
    if as_json:
        print_json(found)
    else:
        console.show(trace)
        click.echo(readable(found["value"]))
