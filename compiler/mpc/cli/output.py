"""Standard output and standard error, whatever they are connected to."""

from __future__ import annotations

import io
import json
import os
import sys

import click


def escape_what_is_lacking() -> None:
    """Let both print text that their encoding can't hold as escapes, as on a pipe of Windows."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_json(data: object, *, indent: int | None = None) -> None:
    """Print data as JSON, with JSON's own escapes if standard output can't encode all of it."""
    text = json.dumps(data, ensure_ascii=False, indent=indent)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = json.dumps(data, indent=indent)
    click.echo(text)


def let_go() -> None:
    """Give up what could not be written, for Python would complain of it once more at its end."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
