"""Walks through statements of flows, and the expressions in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from ..expressions import Checked
from ..expressions.checked import Invoked, children
from .checked_flows import (
    CheckedAppend,
    CheckedAssign,
    CheckedBranch,
    CheckedDo,
    CheckedFlowStatement,
    CheckedLoop,
    CheckedReturn,
    CheckedWhile,
)


def calls_in(statements: Iterable[CheckedFlowStatement]) -> Iterator[Invoked]:
    """Every call in statements, also in those inside of others."""
    for statement in statements:
        for value in expressions_of(statement):
            yield from calls_of(value)
        for block in blocks_of(statement):
            yield from calls_in(block)


def calls_of(value: Checked) -> Iterator[Invoked]:
    """Every call in an expression, those in the arguments of another before it."""
    for child in children(value):
        yield from calls_of(child)
    if isinstance(value, Invoked):
        yield value


def expressions_of(statement: CheckedFlowStatement) -> tuple[Checked, ...]:
    """The expressions of a statement, but for those in statements inside of it."""
    match statement:
        case CheckedAssign() | CheckedReturn():
            return (statement.value,)
        case CheckedAppend():
            return (statement.item,)
        case CheckedDo():
            return (statement.call,)
        case CheckedBranch():
            return tuple(arm.condition for arm in statement.arms)
        case CheckedLoop():
            return (statement.each,)
        case CheckedWhile():
            return (statement.condition,)
        case _:
            assert_never(statement)


def blocks_of(statement: CheckedFlowStatement) -> tuple[tuple[CheckedFlowStatement, ...], ...]:
    """The statements inside of another."""
    match statement:
        case CheckedBranch():
            return (*(arm.statements for arm in statement.arms), statement.otherwise)
        case CheckedLoop() | CheckedWhile():
            return (statement.statements,)
        case CheckedAssign() | CheckedReturn() | CheckedAppend() | CheckedDo():
            return ()
        case _:
            assert_never(statement)
