"""Labels from a person, call by call: a key on a terminal, a line elsewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import click

from microprompt.errors import ArgumentError
from microprompt.recording.labels import LabelledFile, UnlabelledCall, unlabelled
from mpc.functions import AnyFunction
from mpc.trials import words

from . import console

_SKIP: Final = "s"
_LEAVE: Final = "q"
_KEYS: Final = "123456789abcdefghijklmnoprtuvwxyz"  # without those two


class _Left(Exception):
    """The person has had enough for now."""


def label(called: AnyFunction, record: Path, rows: Path) -> None:
    """Ask for the label of each recorded call that has none, and write rows. Raises `ArgumentError`."""
    done = LabelledFile(rows, called)
    written = skipped = unfit = 0
    problem: ArgumentError | None = None
    try:
        for call in unlabelled(called, record, done):
            if isinstance(call, ArgumentError):
                unfit += 1
                problem = problem or call
                continue
            found = _Question(call).ask(written + skipped + 1)
            if found is None:
                skipped += 1
            else:
                done.add(call, found[0])
                written += 1
        else:
            click.echo("there are no other calls without a label", err=True)
    except _Left:
        pass
    if problem is not None:
        calls = "1 call does" if unfit == 1 else f"{unfit} calls do"
        console.warn(f"{calls} not fit the function any more; the first: {problem.message}")
    click.echo(f"{rows}: {written} new {'row' if written == 1 else 'rows'}, {len(done)} in all", err=True)


class _Question:
    """A call, and how its label may be said."""

    def __init__(self, call: UnlabelledCall) -> None:
        self._call = call
        options = call.options() or ()
        self._names = {call.returns.key(option): option for option in options}
        # Names of one character, as those of numbers, are keys themselves.
        is_short = all(len(name) == 1 and name not in (_SKIP, _LEAVE) for name in self._names)
        keys = [*self._names] if is_short else [*_KEYS]
        self._by_key = dict(zip(keys, options, strict=False)) if len(options) <= len(keys) else {}
        self._is_keyed = bool(self._by_key) and _is_terminal()
        self._has_answer = call.entry.error is None and not call.entry.abstained

    def ask(self, number: int) -> tuple[object] | None:
        """The label; `None` to skip the call."""
        self._show(number)
        while True:
            click.echo(f"{self._wanted()}: ", nl=False, err=True)
            said = _key() if self._is_keyed else _line()
            if said not in self._names:
                if said == _LEAVE:
                    raise _Left
                if said == _SKIP or (not said and not self._has_answer):
                    return None
            try:
                return (self._read(said) if said else self._answered(),)
            except ArgumentError as error:
                click.echo("; ".join(filter(None, (error.message, error.help))), err=True)

    def _read(self, said: str) -> object:
        # In a line, a name is what it says, whatever else it is the key of.
        if not self._is_keyed and said in self._names:
            return self._names[said]
        if said in self._by_key:
            return self._by_key[said]
        if self._is_keyed:
            raise ArgumentError(f"no label has the key `{said}`")
        return self._call.read(said)

    def _answered(self) -> object:
        returns, where = self._call.returns, "the answer"
        return returns.check(returns.read_data(self._call.entry.value, where), where)

    def _wanted(self) -> str:
        ways = ["a key" if self._is_keyed else "a label"]
        if self._has_answer:
            ways.append("Enter: as answered")
        return "; ".join((*ways, f"{_SKIP}: skip", f"{_LEAVE}: leave"))

    def _show(self, number: int) -> None:
        entry = self._call.entry
        sure = "" if entry.confidence is None else f" ({entry.confidence:.2f})"
        said = entry.error if entry.error is not None else f"{words.in_line(entry.value)}{sure}"
        click.echo(err=True)
        click.secho(f"{number}. {entry.function}, answered {_harmless(said)}", bold=True, err=True)
        for name, value in (entry.arguments or {}).items():
            click.echo(f"  {name}: {_harmless(words.in_line(value))}", err=True)
        for line in self._choices():
            click.echo(f"  {line}", err=True)

    def _choices(self) -> Iterator[str]:
        chances = self._call.entry.distribution or {}
        keys = chain(self._by_key, iter(lambda: "", None))
        for key, name in zip(keys, self._names, strict=False):
            chance = f"  {chances[name]:.2f}" if name in chances else ""
            yield f"{f'{key}  ' if key and key != name else ''}{name}{chance}"


def _harmless(text: str) -> str:
    """A text with lines, in which what would steer a terminal is escaped."""
    return "".join(
        each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text
    )


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _key() -> str:
    said = click.getchar()
    if said in ("\x03", "\x04"):
        raise _Left
    found = "" if said in ("\r", "\n") else said.lower() if said.lower() in (_SKIP, _LEAVE) else said
    click.echo(found, err=True)
    return found


def _line() -> str:
    said = sys.stdin.readline()
    if not said:
        raise _Left
    return said.strip()

