"""The syntax tree of flows: their statements, which are made of the expressions of `nodes`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from .nodes import (
    Clause,
    Docstring,
    ExpressionAst,
    ItemAst,
    Name,
    NumberAst,
    ParameterAst,
    SyntaxNode,
    TypeAst,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentAst(SyntaxNode):
    """`name = value`, `name: type = value`."""

    name: Name
    type: TypeAst | None
    value: ExpressionAst


@dataclass(frozen=True, slots=True, kw_only=True)
class DoAst(SyntaxNode):
    """An expression alone: a call, `found.append(note)`, or what does nothing."""

    expression: ExpressionAst


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultAst(SyntaxNode):
    """`return value`."""

    value: ExpressionAst


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchArmAst(SyntaxNode):
    """`if condition:` or `elif condition:`, and what is below it."""

    condition: ExpressionAst
    statements: tuple[StatementAst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchAst(SyntaxNode):
    """`if ...: elif ...: else:`; without an `else`, nothing is in `otherwise`."""

    arms: tuple[BranchArmAst, ...]
    otherwise: tuple[StatementAst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopAst(SyntaxNode):
    """`for variable in each:`."""

    variable: Name
    each: ExpressionAst
    statements: tuple[StatementAst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundsAst(SyntaxNode):
    """`while condition up to bound:`."""

    condition: ExpressionAst
    bound: NumberAst
    statements: tuple[StatementAst, ...]


StatementAst: TypeAlias = AssignmentAst | DoAst | ResultAst | BranchAst | LoopAst | RoundsAst


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementsAst(SyntaxNode):
    """The body of a flow, with what it says of itself first."""

    docstring: Docstring | None
    statements: tuple[StatementAst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowDecl(ItemAst):
    """A flow; `body` is `None` where a statement could not be read. The parser attaches the clauses that
    follow it; each kind is there at most once."""

    name: Name
    parameters: tuple[ParameterAst, ...]
    returns: TypeAst
    body: StatementsAst | None
    clauses: tuple[Clause, ...] = ()
