"""Statements of Python, and of which line of a source each of their lines is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias, assert_never

from ..spec import (
    AssignSpec,
    Awaited,
    CallOf,
    DoSpec,
    Expr,
    ForSpec,
    IfSpec,
    ReturnSpec,
    StatementSpec,
    WhileSpec,
)
from .writer import INDENT, Writer, inline, targets

_Lines: TypeAlias = list[tuple[int, int]]


def write(statements: Sequence[StatementSpec], out: Writer, lines: _Lines, depth: int = 1) -> None:
    """Write statements, and add to `lines` where each begins: its line there, and its line in the source."""
    for statement in statements:
        _statement(statement, out, lines, depth)


def _statement(statement: StatementSpec, out: Writer, lines: _Lines, depth: int) -> None:
    margin = INDENT * depth
    match statement:
        case AssignSpec():
            _note(statement.line, out, lines)
            annotation = "" if statement.annotation is None else f": {inline(statement.annotation)}"
            value = statement.value
            if value is None:
                out.line(f"{margin}{targets(statement.targets)}{annotation}")
                return
            before = f"{targets(statement.targets)}{annotation} = "
            if not statement.parts:
                out.expression(before, value, depth=depth)
                return
            if isinstance(value, Awaited):
                before, value = f"{before}await ", value.item
            assert isinstance(value, CallOf), "what has parts is a call"
            lines += zip(out.broken(before, value, depth=depth), statement.parts, strict=False)
        case DoSpec():
            _note(statement.line, out, lines)
            out.expression("", statement.value, depth=depth)
        case ReturnSpec():
            _note(statement.line, out, lines)
            out.expression("return ", statement.value, depth=depth)
        case IfSpec():
            for place, arm in enumerate(statement.arms):
                _note(arm.line, out, lines)
                out.condition("elif" if place else "if", arm.condition, depth=depth)
                _block(arm.statements, out, lines, depth)
            if statement.otherwise:
                out.line(f"{margin}else:")
                _block(statement.otherwise, out, lines, depth)
        case WhileSpec():
            _note(statement.line, out, lines)
            out.condition("while", statement.condition, depth=depth)
            _block(statement.statements, out, lines, depth)
        case ForSpec():
            _note(statement.line, out, lines)
            out.expression(f"for {targets(statement.targets)} in ", statement.each, ":", depth=depth)
            _block(statement.statements, out, lines, depth)
        case _:
            assert_never(statement)


def _block(statements: Sequence[StatementSpec], out: Writer, lines: _Lines, depth: int) -> None:
    if not statements:
        # All that it did is done in a wave before.
        out.line(f"{INDENT * (depth + 1)}pass")
    write(statements, out, lines, depth + 1)


def _note(line: int, out: Writer, lines: _Lines) -> None:
    lines.append((out.next_line, line))


def expressions(statements: Iterable[StatementSpec]) -> Iterator[Expr]:
    """The expressions of statements, in the order of the text."""
    for statement in statements:
        match statement:
            case AssignSpec():
                yield from (value for value in (statement.annotation, statement.value) if value is not None)
            case DoSpec() | ReturnSpec():
                yield statement.value
            case IfSpec():
                for arm in statement.arms:
                    yield arm.condition
                    yield from expressions(arm.statements)
                yield from expressions(statement.otherwise)
            case WhileSpec():
                yield statement.condition
                yield from expressions(statement.statements)
            case ForSpec():
                yield statement.each
                yield from expressions(statement.statements)
            case _:
                assert_never(statement)


def lines_of(statements: Iterable[StatementSpec]) -> Iterator[tuple[int, ...]]:
    """The lines of the source that statements are from, each with those of its parts, in the order of the
    text."""
    for statement in statements:
        match statement:
            case AssignSpec():
                yield statement.line, *statement.parts
            case DoSpec() | ReturnSpec():
                yield (statement.line,)
            case IfSpec():
                for arm in statement.arms:
                    yield (arm.line,)
                    yield from lines_of(arm.statements)
                yield from lines_of(statement.otherwise)
            case WhileSpec() | ForSpec():
                yield (statement.line,)
                yield from lines_of(statement.statements)
            case _:
                assert_never(statement)
