"""Arguments: what is written in a call or a record, given to parameters or fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from ..diagnostics import Reporter, listed
from ..source import Span
from ..syntax import nodes
from .base import Reading, Type, Value


def argument_at(way: str, call: Mapping[str, tuple[Type, Value]]) -> Value:
    """What an example gives a parameter, or a field of it on the `way`; `None` where that has been
    reported."""
    name, *fields = way.split(".")
    found = call.get(name)
    for field in fields:
        found = found and found[0].part(found[1], field)
    return None if found is None else found[1]


class Taker(Protocol):
    """What takes an argument: a parameter of a prompt or a field of a record."""

    @property
    def name(self) -> str: ...

    @property
    def type(self) -> Type: ...

    @property
    def has_default(self) -> bool: ...


def read_arguments(
    written: Sequence[nodes.ArgumentAst],
    takers: Mapping[str, Taker],
    reading: Reading,
    owner: str,
    at: Span,
    *,
    by_name: bool,
    read: Callable[[Taker, nodes.ArgumentAst], Value] | None = None,
) -> dict[str, Value]:
    """The value of everything that an argument is written for; missing and surplus ones are reported.

    `by_name` is true where arguments by position are not allowed; elsewhere they come first. `read` is for
    arguments that need not be values of the program.
    """
    return {
        taker.name: read(taker, argument) if read else reading.inside(taker.type).read(argument.value)
        for argument, taker in given_arguments(
            written, takers, reading.reporter, owner, at, by_name=by_name
        )
    }


_Argument = TypeVar("_Argument", nodes.ArgumentAst, nodes.PassedAst)


def given_arguments(
    written: Sequence[_Argument],
    takers: Mapping[str, Taker],
    reporter: Reporter,
    owner: str,
    at: Span,
    *,
    by_name: bool,
) -> Iterator[tuple[_Argument, Taker]]:
    """Each argument with what takes it; those that are missing, surplus or given twice are reported."""
    given: dict[str, Span] = {}
    lost = False  # whether an argument could not be told to be for anything
    for argument, taker in _taken(written, takers, reporter, owner, by_name=by_name):
        if taker is None:
            lost = True
        elif taker.name in given:
            reporter.report(
                "MP0502",
                argument.span,
                f"`{taker.name}` is given twice",
                label="given again here",
                help="leave one of the two out",
                also=[(given[taker.name], "first given here")],
            )
        else:
            given[taker.name] = argument.span
            yield argument, taker
    missing = [taker.name for taker in takers.values() if not taker.has_default and taker.name not in given]
    # An unknown name is most likely a missing one, misspelt.
    if missing and not lost:
        names = " and ".join(f"`{name}`" for name in missing)
        reporter.report(
            "MP0501",
            at,
            f"{owner} needs {names}",
            label="missing here",
            help=f"write `{missing[0]}=...`" if by_name else "give every parameter without a default a value",
        )


def _taken(
    written: Sequence[_Argument],
    takers: Mapping[str, Taker],
    reporter: Reporter,
    owner: str,
    *,
    by_name: bool,
) -> Iterator[tuple[_Argument, Taker | None]]:
    """Each argument with what takes it; `None` where that has been reported."""
    by_position = list(takers.values())
    first_named: _Argument | None = None
    misplaced = False
    for index, argument in enumerate(written):
        taker: Taker | None = None
        if argument.name is not None:
            first_named = first_named or argument
            taker = takers.get(argument.name.text)
            if taker is None:
                _report_unknown(argument.name, takers, owner, "field" if by_name else "parameter", reporter)
        elif by_name:
            example = by_position[min(index, len(by_position) - 1)].name if by_position else None
            _report_unnamed(
                argument,
                f"the fields of {owner} are given by name",
                "no name here",
                None if example is None else f"write `{example}=...`",
                reporter,
            )
        elif first_named is not None:
            # The first is enough: those behind it are most likely meant like it.
            if not misplaced:
                _report_unnamed(
                    argument,
                    "an argument without a name follows one with a name",
                    "which parameter is this for?",
                    "write its name: `name=...`",
                    reporter,
                )
            misplaced = True
        elif index >= len(by_position):
            count = "no parameters" if not takers else f"{len(takers)} parameter{'s' * (len(takers) > 1)}"
            _report_unnamed(
                argument, f"{owner} has {count}", "one argument too many", listed(takers), reporter
            )
        else:
            taker = by_position[index]
        yield argument, taker


def _report_unnamed(
    argument: nodes.ArgumentAst | nodes.PassedAst,
    message: str,
    label: str,
    help: str | None,
    reporter: Reporter,
) -> None:
    reporter.report("MP0501", argument.span, message, label=label, help=help)


def _report_unknown(
    name: nodes.Name, takers: Mapping[str, Taker], owner: str, kind: str, reporter: Reporter
) -> None:
    reporter.report(
        "MP0502",
        name.span,
        f"{owner} has no {kind} `{name.text}`",
        label="unknown name",
        help=reporter.suggestion(name.text, takers) or listed(takers),
    )
