"""The names of a flow, by its text alone: what it assigns and reads, and of what it asks the confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...diagnostics import Reporter
from ...expressions.flows import CONFIDENCE, has_field
from ...expressions.signatures import PromptSignature
from ...syntax import nodes
from ...syntax.flow_nodes import AssignmentAst, DoAst, FlowDecl, LoopAst, ResultAst, StatementAst
from ..names import Scope
from ..python_names import check_variable_name
from ..resolve import TypeResolver


@dataclass(frozen=True, slots=True)
class FlowUses:
    """`first` has each name's first place in the text, parameters aside; `read` are the names that some
    expression asks for."""

    first: Mapping[str, nodes.Name]
    values: Mapping[str, Sequence[nodes.ExpressionAst | None]]
    read: frozenset[str]
    asked: frozenset[str]


def uses_of(written: Sequence[nodes.SyntaxNode]) -> FlowUses:
    """The names of what is written, statements or expressions. What a loop gives its variable is `None` among
    the values."""
    first: dict[str, nodes.Name] = {}
    values: dict[str, list[nodes.ExpressionAst | None]] = {}
    read: set[str] = set()
    asked: set[str] = set()
    for each in written:
        for node in nodes.walk(each):
            if isinstance(node, AssignmentAst):
                first.setdefault(node.name.text, node.name)
                values.setdefault(node.name.text, []).append(node.value)
            elif isinstance(node, LoopAst):
                first.setdefault(node.variable.text, node.variable)
                values.setdefault(node.variable.text, []).append(None)
            elif isinstance(node, nodes.ReferenceAst):
                root, *rest = node.path.names
                read.add(root.text)
                if [name.text for name in rest] == [CONFIDENCE]:
                    asked.add(root.text)
    return FlowUses(first, values, frozenset(read), frozenset(asked))


def assigned_in(statements: Sequence[StatementAst]) -> frozenset[str]:
    """The names that statements assign, or put something into."""
    found = set(uses_of(statements).first)
    for statement in statements:
        for node in nodes.walk(statement):
            if isinstance(node, DoAst) and (name := appended_to(node)) is not None:
                found.add(name.text)
    return frozenset(found)


def returns_in(statements: Sequence[StatementAst]) -> bool:
    """Whether there is a `return` in the statements."""
    return any(
        isinstance(node, ResultAst) for statement in statements for node in nodes.walk(statement)
    )


def appended_to(node: DoAst) -> nodes.Name | None:
    """The name before `.append(...)`, where the statement is that."""
    call = node.expression
    if isinstance(call, nodes.InvocationAst) and len(call.path.names) == 2:
        name, method = call.path.names
        return name if method.text == "append" else None
    return None


def answers_of(uses: FlowUses, resolver: TypeResolver) -> frozenset[str]:
    """The names that hold an answer with its confidence: it is asked for, and all that is assigned to them
    are calls of prompts."""
    return frozenset(
        name
        for name in uses.asked
        if name in uses.values and all(_is_answer(value, resolver) for value in uses.values[name])
    )


def _is_answer(value: nodes.ExpressionAst | None, resolver: TypeResolver) -> bool:
    if not isinstance(value, nodes.InvocationAst):
        return False
    found = resolver.lookup(value.path)
    return isinstance(found, PromptSignature) and not has_field(found.returns, CONFIDENCE)


def check_names(flow: FlowDecl, uses: FlowUses, scope: Scope, reporter: Reporter) -> None:
    """Report names that hide others of the file, or that Python could not have."""
    parameters = [parameter.name for parameter in flow.parameters]
    for name in (*parameters, *uses.first.values()):
        if name.text in scope.names():
            reporter.report(
                "MP1217",
                name.span,
                f"`{name.text}` is the name of something else",
                label="the file declares or imports it, and here it would be hidden",
                help=f"call it something else: `{name.text}_`, or what tells the two apart",
            )
        else:
            check_variable_name(name, reporter)
