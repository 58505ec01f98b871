"""`mpc run`: call one prompt function."""

from __future__ import annotations

import click

from microprompt import rows

from . import console, functions, near_chance
from .output import print_json


@click.command(context_settings={"ignore_unknown_options": True}, short_help="Call a prompt function.")
@click.argument("file", metavar="FILE")
@click.argument("function", metavar="FUNCTION")
@click.argument("words", metavar="[ARGS]... [--name value]...", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the answer with its probabilities and cost as JSON."
)
def command(file: str, function: str, words: tuple[str, ...], as_json: bool) -> None:
    """Call FUNCTION of FILE, a .mp file or a module of the standard library such as std.request.

    Arguments are given in order or by name, enum members by their names, records and lists as JSON.
    """
    called = functions.find(file, function)
    arguments = rows.from_words(called.program, words)
    with console.model_progress():
        answer = called.detail(**arguments)
    found = answer.to_json()
    if as_json:
        print_json(found)
    else:
        click.echo(console.readable(found["value"]))
        near_chance.note_function(file, called)
