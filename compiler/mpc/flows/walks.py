"""Walks through statements and expressions of flows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import assert_never

from ..expressions import Checked
from ..expressions.checked import Comparison, Constructed, Each, Invoked, Logic, children, fields_of
from ..sema.checked_flows import (
    CheckedAppend,
    CheckedAssign,
    CheckedBranch,
    CheckedDo,
    CheckedFlow,
    CheckedFlowStatement,
    CheckedLoop,
    CheckedReturn,
    CheckedWhile,
)
from ..sema.flow_walks import blocks_of, expressions_of


def names_in(value: Checked) -> frozenset[str]:
    """The names of the flow that an expression reads."""
    return frozenset(way[0] for way in fields_of(value))


def names_of(flow: CheckedFlow) -> frozenset[str]:
    """The names of the values in a flow, its parameters among them."""
    return Traffic.of(flow.statements).writes | {parameter.name for parameter in flow.parameters}


def growing_in(statements: Iterable[CheckedFlowStatement]) -> Iterator[str]:
    """The names of the lists that statements append to."""
    for statement in statements:
        if isinstance(statement, CheckedAppend):
            yield statement.name
        for block in blocks_of(statement):
            yield from growing_in(block)


def certain_calls(value: Checked, role: str = "") -> Iterator[tuple[Invoked, str]]:
    """The calls of an expression that are made whatever they come to, in the order in which they are made;
    each with the name of the parameter or field that it is for, if it is for one."""
    if isinstance(value, Invoked | Constructed):
        for name, given in value.arguments if isinstance(value, Invoked) else value.fields:
            yield from certain_calls(given, name)
    else:
        for child in _certain(value):
            yield from certain_calls(child)
    if isinstance(value, Invoked):
        yield value, role


def _certain(value: Checked) -> tuple[Checked, ...]:
    """What of an expression is looked at whatever the rest comes to."""
    if isinstance(value, Logic):
        return value.operands[:1]
    if isinstance(value, Comparison):  # a chain ends at the first sign that does not hold
        return (value.first, value.rest[0][1])
    return () if isinstance(value, Each) else children(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The names that something `reads` and those that it `writes`, and whether it `leaves` the flow: what is
    behind it might not be reached."""

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    leaves: bool = False

    @staticmethod
    def of(statements: Iterable[CheckedFlowStatement]) -> Traffic:
        """That of statements together, with those inside of them."""
        return Traffic.total(map(_traffic, statements))

    @staticmethod
    def total(found: Iterable[Traffic]) -> Traffic:
        every = tuple(found)
        return Traffic(
            reads=frozenset[str]().union(*(each.reads for each in every)),
            writes=frozenset[str]().union(*(each.writes for each in every)),
            leaves=any(each.leaves for each in every),
        )


def _traffic(statement: CheckedFlowStatement) -> Traffic:
    inside = Traffic.total(map(Traffic.of, blocks_of(statement)))
    read = frozenset[str]().union(*map(names_in, expressions_of(statement)))
    match statement:
        case CheckedAssign():
            return Traffic(reads=read, writes=frozenset({statement.name}))
        case CheckedAppend():
            return Traffic(reads=read | {statement.name}, writes=frozenset({statement.name}))
        case CheckedDo():
            return Traffic(reads=read)
        case CheckedBranch() | CheckedWhile():
            return Traffic(reads=read | inside.reads, writes=inside.writes, leaves=inside.leaves)
        case CheckedLoop():
            written = inside.writes | {statement.variable}
            return Traffic(reads=read | inside.reads, writes=written, leaves=inside.leaves)
        case CheckedReturn():
            return Traffic(reads=read, leaves=True)
        case _:
            assert_never(statement)
